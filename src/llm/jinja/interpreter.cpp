// SPDX-License-Identifier: Apache-2.0
// Statements: text, prints, conditions, assignments and captured blocks.
#include "llm/jinja/interpreter.h"

#include "llm/jinja/format.h"
#include "llm/jinja/guards.h"

namespace isthmus::jinja {

const Value* Scope::find(std::string_view name) const {
  for (const auto& [variable, value] : variables)
    if (variable == name) return &value;
  return nullptr;
}

void Scope::set(std::string_view name, Value value) {
  for (auto& [variable, old] : variables) {
    if (variable == name) {
      old = std::move(value);
      return;
    }
  }
  variables.emplace_back(name, std::move(value));
}

void Scope::declare(const std::vector<std::string>& unset) {
  for (const std::string& name : unset) set(name, Value::undefined(fmt::format("'{}' is undefined", name)));
}

Interpreter::Interpreter(const Dict& globals, const Limits& limits)
    : Runtime(limits), globals_(globals), scope_(std::make_shared<Scope>()) {}

// Namespaces and macros can refer to each other in rings, which only this takes apart.
Interpreter::~Interpreter() {
  for (const auto& object : kept_) object->clear();
}

Result<std::string> Interpreter::run(const Tree& tree) {
  std::string text;
  out_ = &text;
  scope_->declare(tree.unset);
  ASSIGN_OR_RETURN([[maybe_unused]] const Flow flow, execute(tree.body));
  return text;
}

Status Interpreter::located(Status status, Position at) {
  if (std::exchange(located_, true)) return status;
  return Status(status.code(), fmt::format("line {}, column {}: {}", at.line, at.column, status.message()));
}

Status Interpreter::write(std::string_view text) {
  if (out_->size() + text.size() > limits().output_bytes)
    return error(Code::kOutOfRange, "the rendered text is longer than {} bytes", limits().output_bytes);
  RETURN_IF_ERROR(charge(text.size()));
  *out_ += text;
  return ok();
}

Result<Interpreter::Flow> Interpreter::execute(const Body& body) {
  for (const auto& statement : body) {
    ASSIGN_OR_RETURN(const Flow flow, execute(*statement));
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::execute(const Statement& node) {
  Result<Flow> flow = Flow::kNext;
  if (++depth_ > limits().depth) {
    flow = error(Code::kOutOfRange, "the template runs more than {} levels deep", limits().depth);
  } else if (Status status = step(); !status.ok()) {
    flow = std::move(status);
  } else {
    flow = dispatch(node);
  }
  depth_--;
  if (!flow.ok()) return located(std::move(flow).status(), node.at);
  return flow;
}

Result<Interpreter::Flow> Interpreter::dispatch(const Statement& node) {
  switch (node.kind) {
    case Statement::Kind::kText: RETURN_IF_ERROR(write(node.text)); break;
    case Statement::Kind::kPrint: RETURN_IF_ERROR(print(node)); break;
    case Statement::Kind::kIf: return run_if(node);
    case Statement::Kind::kFor: {
      ASSIGN_OR_RETURN(const Value items, evaluate(*node.expressions[0]));
      return run_for(node, items, 0);
    }
    case Statement::Kind::kSet: RETURN_IF_ERROR(set(node)); break;
    case Statement::Kind::kSetBlock: return set_block(node);
    case Statement::Kind::kMacro: RETURN_IF_ERROR(define_macro(node)); break;
    case Statement::Kind::kCallBlock: RETURN_IF_ERROR(call_block(node)); break;
    case Statement::Kind::kFilterBlock: return filter_block(node);
    case Statement::Kind::kWith: return with(node);
    case Statement::Kind::kScope: {
      const ScopeGuard guard(*this, scope_);
      scope_->declare(node.unset);
      return execute(node.body);
    }
    case Statement::Kind::kBreak: return Flow::kBreak;
    case Statement::Kind::kContinue: return Flow::kContinue;
  }
  return Flow::kNext;
}

Status Interpreter::print(const Statement& node) {
  for (const auto& expression : node.expressions) {
    ASSIGN_OR_RETURN(const Value value, evaluate(*expression));
    if (value.is_string()) {
      RETURN_IF_ERROR(write(value.as_string()));
    } else {
      ASSIGN_OR_RETURN(const std::string text, to_text(*this, value));
      RETURN_IF_ERROR(write(text));
    }
  }
  return ok();
}

Result<Interpreter::Flow> Interpreter::run_if(const Statement& node) {
  for (const auto& [test, body] : node.branches) {
    ASSIGN_OR_RETURN(const Value value, evaluate(*test));
    if (is_truthy(value)) return execute(body);
  }
  return execute(node.otherwise);
}

Status Interpreter::assign(const Expression& target, Value value) {
  if (target.kind == Expression::Kind::kName) {
    scope_->set(target.name, std::move(value));
    return ok();
  }
  if (target.kind == Expression::Kind::kField) {
    ASSIGN_OR_RETURN(const Value space, lookup(target.name));
    auto* object = space.is(Value::Kind::kObject) ? dynamic_cast<Namespace*>(space.object().get()) : nullptr;
    if (!object)
      return invalid_argument("'{}' is not a namespace, so its attributes cannot be set", target.name);
    const std::string& field = target.value.as_string();
    if (field.starts_with('_')) return invalid_argument("a namespace takes no names that start with '_'");
    object->attributes.set(target.value, std::move(value));
    return ok();
  }
  ASSIGN_OR_RETURN(List items, items_of(value));
  if (items.size() != target.items.size())
    return invalid_argument("cannot spread {} values over {} names", items.size(), target.items.size());
  for (size_t i = 0; i < items.size(); i++) RETURN_IF_ERROR(assign(*target.items[i], std::move(items[i])));
  return ok();
}

Status Interpreter::set(const Statement& node) {
  ASSIGN_OR_RETURN(Value value, evaluate(*node.expressions[0]));
  return assign(*node.targets[0], std::move(value));
}

Result<Interpreter::Flow> Interpreter::set_block(const Statement& node) {
  Value value;
  {
    const ScopeGuard guard(*this, scope_);
    scope_->declare(node.unset);
    Capture capture(*this);
    ASSIGN_OR_RETURN(const Flow flow, execute(node.body));
    if (flow != Flow::kNext) return flow;
    value = Value(capture.take());
    if (node.expressions[0]) {
      const Value* outer = std::exchange(block_text_, &value);
      Result<Value> filtered = evaluate(*node.expressions[0]);
      block_text_ = outer;
      if (!filtered.ok()) return std::move(filtered).status();
      value = std::move(filtered).value();
    }
  }
  RETURN_IF_ERROR(assign(*node.targets[0], std::move(value)));
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::filter_block(const Statement& node) {
  const ScopeGuard guard(*this, scope_);
  scope_->declare(node.unset);
  Value text;
  {
    Capture capture(*this);
    ASSIGN_OR_RETURN(const Flow flow, execute(node.body));
    if (flow != Flow::kNext) return flow;
    text = Value(capture.take());
  }
  const Value* outer = std::exchange(block_text_, &text);
  Result<Value> filtered = evaluate(*node.expressions[0]);
  block_text_ = outer;
  if (!filtered.ok()) return std::move(filtered).status();
  ASSIGN_OR_RETURN(const std::string result, to_text(*this, *filtered));
  RETURN_IF_ERROR(write(result));
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::with(const Statement& node) {
  List values;
  for (const auto& expression : node.expressions) {
    ASSIGN_OR_RETURN(Value value, evaluate(*expression));
    values.push_back(std::move(value));
  }
  const ScopeGuard guard(*this, scope_);
  scope_->declare(node.unset);
  for (size_t i = 0; i < values.size(); i++) RETURN_IF_ERROR(assign(*node.targets[i], std::move(values[i])));
  return execute(node.body);
}

}  // namespace isthmus::jinja
