// SPDX-License-Identifier: Apache-2.0
// Expressions: from the tree to values.
#include "llm/jinja/compare.h"
#include "llm/jinja/format.h"
#include "llm/jinja/interpreter.h"
#include "llm/jinja/operators.h"

namespace isthmus::jinja {

Result<Value> Interpreter::evaluate(const Expression& node) {
  Result<Value> value = Value();
  if (++depth_ > limits().depth) {
    value = error(Code::kOutOfRange, "the template runs more than {} levels deep", limits().depth);
  } else if (Status status = step(); !status.ok()) {
    value = std::move(status);
  } else {
    value = dispatch(node);
  }
  depth_--;
  if (!value.ok()) return located(std::move(value).status(), node.at);
  return value;
}

// Only calls, so that the frame each level of nesting takes stays small.
Result<Value> Interpreter::dispatch(const Expression& node) {
  switch (node.kind) {
    case Expression::Kind::kConstant: return node.value;
    case Expression::Kind::kName: return lookup(node.name);
    case Expression::Kind::kTuple:
    case Expression::Kind::kList: return list_or_tuple(node);
    case Expression::Kind::kDict: return dict(node);
    case Expression::Kind::kCondition:
    case Expression::Kind::kAnd:
    case Expression::Kind::kOr:
    case Expression::Kind::kNot: return logic(node);
    case Expression::Kind::kUnary:
    case Expression::Kind::kBinary: return binary(node);
    case Expression::Kind::kConcatenate: return concatenate(node);
    case Expression::Kind::kCompare: return compare(node);
    case Expression::Kind::kAttribute:
    case Expression::Kind::kItem: return item(node);
    case Expression::Kind::kSlice: return slice(node);
    case Expression::Kind::kCall: return call(node);
    case Expression::Kind::kFilter: return apply_filter(node);
    case Expression::Kind::kTest: return apply_test(node);
    case Expression::Kind::kField: break;
  }
  return error(Code::kInternal, "an assignment's target was evaluated");
}

Result<Value> Interpreter::lookup(std::string_view name) {
  for (const Scope* scope = scope_.get(); scope; scope = scope->parent.get())
    if (const Value* value = scope->find(name)) return *value;
  if (const Value* value = globals_.find(name)) return *value;
  Value value = find_global(name);
  return value.is_undefined() ? Value::undefined(fmt::format("'{}' is undefined", name)) : std::move(value);
}

Result<Value> Interpreter::list_or_tuple(const Expression& node) {
  List items;
  for (const auto& item : node.items) {
    ASSIGN_OR_RETURN(Value value, evaluate(*item));
    items.push_back(std::move(value));
  }
  return list(std::move(items),
              node.kind == Expression::Kind::kTuple ? Sequence::Form::kTuple : Sequence::Form::kList);
}

Result<Value> Interpreter::dict(const Expression& node) {
  Dict dict;
  for (size_t i = 0; i < node.items.size(); i += 2) {
    ASSIGN_OR_RETURN(Value key, evaluate(*node.items[i]));
    ASSIGN_OR_RETURN(Value value, evaluate(*node.items[i + 1]));
    if (!is_hashable(key)) return invalid_argument("a '{}' cannot be a key", type_name(key));
    dict.set(std::move(key), std::move(value));
  }
  RETURN_IF_ERROR(charge(dict.entries.size() * 2 * sizeof(Value)));
  return make_dict(std::move(dict));
}

Result<Value> Interpreter::logic(const Expression& node) {
  ASSIGN_OR_RETURN(Value first, evaluate(*node.items[0]));
  const bool truth = is_truthy(first);
  switch (node.kind) {
    case Expression::Kind::kNot: return Value(!truth);
    case Expression::Kind::kAnd: return truth ? evaluate(*node.items[1]) : Result<Value>(std::move(first));
    case Expression::Kind::kOr: return truth ? Result<Value>(std::move(first)) : evaluate(*node.items[1]);
    default: break;
  }
  if (truth) return evaluate(*node.items[1]);
  if (node.items[2]) return evaluate(*node.items[2]);
  return Value::undefined(fmt::format(
      "the inline if on line {} was false and has no else, so its value is undefined", node.at.line));
}

Result<Value> Interpreter::binary(const Expression& node) {
  ASSIGN_OR_RETURN(const Value left, evaluate(*node.items[0]));
  if (node.kind == Expression::Kind::kUnary) {
    if (node.name == "-" || !left.is_number()) return negate(left);
    return left.is(Value::Kind::kBool) ? Value(left.as_integer()) : left;
  }
  ASSIGN_OR_RETURN(const Value right, evaluate(*node.items[1]));
  return jinja::binary(*this, node.name, left, right);
}

Result<Value> Interpreter::concatenate(const Expression& node) {
  std::string text;
  for (const auto& item : node.items) {
    ASSIGN_OR_RETURN(const Value value, evaluate(*item));
    ASSIGN_OR_RETURN(const std::string part, to_text(*this, value));
    text += part;
    RETURN_IF_ERROR(charge(part.size()));
    if (text.size() > limits().output_bytes)
      return error(Code::kOutOfRange, "'~' makes a text of more than {} bytes", limits().output_bytes);
  }
  return Value(std::move(text));
}

Result<Value> Interpreter::compare(const Expression& node) {
  ASSIGN_OR_RETURN(Value left, evaluate(*node.items[0]));
  for (size_t i = 0; i < node.operators.size(); i++) {
    ASSIGN_OR_RETURN(Value right, evaluate(*node.items[i + 1]));
    const std::string_view symbol = node.operators[i];
    bool holds = false;
    if (symbol == "==" || symbol == "!=") {
      ASSIGN_OR_RETURN(holds, equal(left, right));
      holds = holds == (symbol == "==");
    } else if (symbol == "in" || symbol == "not in") {
      ASSIGN_OR_RETURN(holds, contains(*this, right, left));
      holds = holds == (symbol == "in");
    } else {
      RETURN_IF_ERROR(step(std::min(extent_of(left).weight, extent_of(right).weight)));
      ASSIGN_OR_RETURN(const int sign, order(left, right, symbol));
      holds = (symbol[0] == '<' && sign == -1) || (symbol[0] == '>' && sign == 1) ||
              (symbol.size() == 2 && sign == 0);
    }
    if (!holds) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Result<Value> Interpreter::item(const Expression& node) {
  ASSIGN_OR_RETURN(const Value object, evaluate(*node.items[0]));
  if (node.kind == Expression::Kind::kAttribute) return attribute_of(*this, object, node.name);
  ASSIGN_OR_RETURN(const Value index, evaluate(*node.items[1]));
  return item_of(*this, object, index);
}

Result<Value> Interpreter::slice(const Expression& node) {
  ASSIGN_OR_RETURN(const Value object, evaluate(*node.items[0]));
  Value parts[3] = {None(), None(), None()};
  for (size_t i = 0; i < 3; i++) {
    if (!node.items[i + 1]) continue;
    ASSIGN_OR_RETURN(parts[i], evaluate(*node.items[i + 1]));
  }
  return slice_of(*this, object, parts[0], parts[1], parts[2]);
}

Result<Arguments> Interpreter::evaluate_arguments(const CallArguments* nodes) {
  Arguments arguments;
  if (!nodes) return arguments;
  for (const auto& node : nodes->positional) {
    ASSIGN_OR_RETURN(Value value, evaluate(*node));
    arguments.positional.push_back(std::move(value));
  }
  for (const auto& [name, node] : nodes->named) {
    ASSIGN_OR_RETURN(Value value, evaluate(*node));
    arguments.named.emplace_back(name, std::move(value));
  }
  if (nodes->rest) {
    ASSIGN_OR_RETURN(const Value rest, evaluate(*nodes->rest));
    ASSIGN_OR_RETURN(List items, items_of(rest));
    for (Value& item : items) arguments.positional.push_back(std::move(item));
  }
  if (nodes->named_rest) {
    ASSIGN_OR_RETURN(const Value rest, evaluate(*nodes->named_rest));
    if (!rest.is(Value::Kind::kDict))
      return invalid_argument("the argument behind '**' must be a mapping, not '{}'", type_name(rest));
    for (const auto& [key, value] : rest.dict().entries) {
      if (!key.is_string()) return invalid_argument("the keys behind '**' must be strings");
      arguments.named.emplace_back(key.as_string(), value);
    }
  }
  return arguments;
}

Result<Value> Interpreter::call(const Expression& node, const Value* caller) {
  ASSIGN_OR_RETURN(const Value callee, evaluate(*node.items[0]));
  ASSIGN_OR_RETURN(Arguments arguments, evaluate_arguments(node.arguments.get()));
  if (caller) arguments.named.emplace_back("caller", *caller);
  return Runtime::call(callee, std::move(arguments));
}

Result<Value> Interpreter::apply_filter(const Expression& node) {
  Value input;
  if (node.items[0]) {
    ASSIGN_OR_RETURN(input, evaluate(*node.items[0]));
  } else if (block_text_) {
    input = *block_text_;
  }
  ASSIGN_OR_RETURN(Arguments arguments, evaluate_arguments(node.arguments.get()));
  return filter(node.name, input, std::move(arguments));
}

Result<Value> Interpreter::apply_test(const Expression& node) {
  ASSIGN_OR_RETURN(const Value input, evaluate(*node.items[0]));
  ASSIGN_OR_RETURN(Arguments arguments, evaluate_arguments(node.arguments.get()));
  ASSIGN_OR_RETURN(const bool result, test(node.name, input, std::move(arguments)));
  return Value(result);
}

Result<Value> Interpreter::filter(std::string_view name, const Value& input, Arguments arguments) {
  const Filter body = find_filter(name);
  if (!body) return invalid_argument("there is no filter named '{}'", name);
  RETURN_IF_ERROR(step());
  return body(*this, input, arguments);
}

Result<bool> Interpreter::test(std::string_view name, const Value& input, Arguments arguments) {
  const Test body = find_test(name);
  if (!body) return invalid_argument("there is no test named '{}'", name);
  RETURN_IF_ERROR(step());
  return body(*this, input, arguments);
}

}  // namespace isthmus::jinja
