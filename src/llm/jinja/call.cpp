// SPDX-License-Identifier: Apache-2.0
// Loops, macros and call blocks: the statements that run a body in a scope of its own.
#include <algorithm>

#include "llm/jinja/format.h"
#include "llm/jinja/guards.h"
#include "llm/jinja/interpreter.h"
#include "llm/jinja/loop.h"

namespace isthmus::jinja {
namespace {

// A macro, or the body of a call block as its `caller`.
struct Macro : Object {
  Interpreter& interpreter;
  const Statement& definition;
  std::string name;
  std::shared_ptr<Scope> scope;  // where it was defined

  Macro(Interpreter& interpreter, const Statement& definition, std::string name, std::shared_ptr<Scope> scope)
      : interpreter(interpreter), definition(definition), name(std::move(name)), scope(std::move(scope)) {}

  std::string_view type_name() const override { return "Macro"; }
  std::string repr() const override { return fmt::format("<Macro {}>", quote(name)); }
  bool callable() const override { return true; }
  Result<Value> call(Runtime&, Arguments arguments) override {
    return interpreter.call_macro(definition, name, scope, std::move(arguments));
  }
  Result<std::optional<Value>> attribute(Runtime&, const Value&, std::string_view attribute) override {
    const Signature& signature = definition.signature;
    if (attribute == "name") return std::optional<Value>(name);
    if (attribute == "caller") return std::optional<Value>(signature.uses_caller);
    if (attribute == "catch_kwargs") return std::optional<Value>(signature.uses_kwargs);
    if (attribute == "catch_varargs") return std::optional<Value>(signature.uses_varargs);
    if (attribute != "arguments") return std::optional<Value>();
    ASSIGN_OR_RETURN(Value names, make_tuple(List(signature.names.begin(), signature.names.end())));
    return std::optional<Value>(std::move(names));
  }
  void clear() override { scope.reset(); }
};

// Takes the named argument out of the list.
std::optional<Value> extract(Arguments& arguments, std::string_view name) {
  const auto it = std::find_if(arguments.named.begin(), arguments.named.end(),
                               [&](const auto& entry) { return entry.first == name; });
  if (it == arguments.named.end()) return std::nullopt;
  Value value = std::move(it->second);
  arguments.named.erase(it);
  return value;
}

}  // namespace

Status Interpreter::define_macro(const Statement& node) {
  auto macro = std::make_shared<Macro>(*this, node, node.text, scope_);
  keep(macro);
  scope_->set(node.text, Value(std::shared_ptr<Object>(std::move(macro))));
  return ok();
}

Status Interpreter::call_block(const Statement& node) {
  auto macro = std::make_shared<Macro>(*this, node, "caller", scope_);
  keep(macro);
  const Value caller{std::shared_ptr<Object>(std::move(macro))};
  ASSIGN_OR_RETURN(const Value result, call(*node.expressions[0], &caller));
  ASSIGN_OR_RETURN(const std::string text, to_text(*this, result));
  return write(text);
}

Result<Value> Interpreter::call_macro(const Statement& macro, std::string_view name,
                                      const std::shared_ptr<Scope>& scope, Arguments arguments) {
  const Signature& signature = macro.signature;
  const size_t count = signature.names.size();
  const size_t given = std::min(arguments.positional.size(), count);
  const bool names_caller = std::count(signature.names.begin(), signature.names.end(), "caller") != 0;
  const ScopeGuard guard(*this, scope);
  scope_->declare(macro.unset);
  std::vector<std::optional<Value>> values(count);
  for (size_t i = 0; i < count; i++)
    values[i] = i < given ? std::move(arguments.positional[i]) : extract(arguments, signature.names[i]);
  if (signature.uses_caller && !names_caller) {
    std::optional<Value> caller = extract(arguments, "caller");
    if (caller && caller->is_none()) caller.reset();
    scope_->set("caller",
                caller ? std::move(*caller) : Value::undefined("there is no caller: not called by 'call'"));
  }
  if (signature.uses_kwargs) {
    Dict named;
    for (auto& [key, value] : arguments.named) named.set(Value(key), std::move(value));
    ASSIGN_OR_RETURN(Value kwargs, make_dict(std::move(named)));
    scope_->set("kwargs", std::move(kwargs));
  } else if (!arguments.named.empty()) {
    return invalid_argument("macro '{}' has no parameter '{}'", name, arguments.named[0].first);
  }
  if (signature.uses_varargs) {
    arguments.positional.erase(arguments.positional.begin(),
                               arguments.positional.begin() + static_cast<ptrdiff_t>(given));
    ASSIGN_OR_RETURN(Value varargs, make_tuple(std::move(arguments.positional)));
    scope_->set("varargs", std::move(varargs));
  } else if (arguments.positional.size() > count) {
    return invalid_argument("macro '{}' takes at most {} arguments but was given {}", name, count,
                            arguments.positional.size());
  }
  const size_t required = count - signature.defaults.size();
  for (size_t i = 0; i < count; i++) {
    if (!values[i] && i >= required) {
      ASSIGN_OR_RETURN(values[i], evaluate(*signature.defaults[i - required]));
    }
    scope_->set(signature.names[i], values[i] ? std::move(*values[i])
                                              : Value::undefined(fmt::format("parameter '{}' was not given",
                                                                             signature.names[i])));
  }
  Capture capture(*this);
  ASSIGN_OR_RETURN([[maybe_unused]] const Flow flow, execute(macro.body));
  return Value(capture.take());
}

Result<bool> Interpreter::passes(const Statement& loop, const std::shared_ptr<Scope>& scope,
                                 const Value& item) {
  const ScopeGuard guard(*this, scope);
  RETURN_IF_ERROR(assign(*loop.targets[0], item));
  ASSIGN_OR_RETURN(const Value value, evaluate(*loop.expressions[1]));
  return is_truthy(value);
}

Result<Interpreter::Flow> Interpreter::run_for(const Statement& node, const Value& items, uint32_t depth) {
  const auto loop = std::make_shared<Loop>(*this, node, scope_);
  ASSIGN_OR_RETURN(loop->items, items_of(items));
  loop->extent = extent_of(items);
  loop->depth0 = depth;
  const Value variable{std::shared_ptr<Object>(loop)};
  // As in Jinja, a round cut short by break or continue does not count for the else branch.
  bool finished_a_round = false;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, loop->advance());
    if (!more) break;
    const ScopeGuard guard(*this, loop->scope);
    scope_->declare(node.unset);
    scope_->set("loop", variable);
    RETURN_IF_ERROR(assign(*node.targets[0], *loop->current));
    ASSIGN_OR_RETURN(const Flow flow, execute(node.body));
    if (flow == Flow::kBreak) break;
    finished_a_round |= flow == Flow::kNext;
  }
  if (finished_a_round || node.otherwise.empty()) return Flow::kNext;
  const ScopeGuard guard(*this, scope_);
  scope_->declare(node.unset_otherwise);
  return execute(node.otherwise);
}

Result<Value> Interpreter::run_recursive_loop(const Statement& node, const std::shared_ptr<Scope>& scope,
                                              const Value& items, uint32_t depth) {
  const ScopeGuard guard(*this, scope);
  Capture capture(*this);
  ASSIGN_OR_RETURN([[maybe_unused]] const Flow flow, run_for(node, items, depth));
  return Value(capture.take());
}

}  // namespace isthmus::jinja
