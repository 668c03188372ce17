// SPDX-License-Identifier: Apache-2.0
// Parses and renders templates: the door to the interpreter.
#include "llm/jinja/template.h"

#include "llm/jinja/interpreter.h"
#include "llm/jinja/parser.h"

namespace isthmus::jinja {

Result<Template> parse(std::string_view source) {
  ASSIGN_OR_RETURN(Tree tree, parse_template(source));
  return Template(std::make_shared<const Tree>(std::move(tree)));
}

Result<std::string> render(const Template& source, const Value& globals, const Limits& limits) {
  if (!globals.is(Value::Kind::kDict))
    return invalid_argument("a template's variables must be a dictionary, not '{}'", type_name(globals));
  return Interpreter(globals.dict(), limits).run(source.tree());
}

}  // namespace isthmus::jinja
