// SPDX-License-Identifier: Apache-2.0
// Jinja templates as the chat templates inside model files use them: parse once, render often.
//
// The language is Jinja2's with the settings of Hugging Face Transformers: trim_blocks and lstrip_blocks,
// break and continue, raise_exception, strftime_now, a tojson that leaves HTML alone, no way to change lists
// or dictionaries.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "llm/jinja/ast.h"
#include "llm/jinja/runtime.h"
#include "llm/jinja/value.h"

namespace isthmus::jinja {

// Cheap to copy, and safe to render from several threads at once.
class Template {
 public:
  const Tree& tree() const { return *tree_; }

 private:
  friend Result<Template> parse(std::string_view source);
  explicit Template(std::shared_ptr<const Tree> tree) : tree_(std::move(tree)) {}
  std::shared_ptr<const Tree> tree_;
};

// Errors say line, column, what was expected and what is there.
Result<Template> parse(std::string_view source);

// `globals` is a dictionary of the variables the template sees. Errors say line and column;
// kFailedPrecondition when the template itself refuses with raise_exception, kOutOfRange when it goes past
// one of the limits.
Result<std::string> render(const Template& source, const Value& globals, const Limits& limits = {});

}  // namespace isthmus::jinja
