// SPDX-License-Identifier: Apache-2.0
// The bounds of a rendering, and what all built-in functions share.
#include "llm/jinja/runtime.h"

#include <algorithm>

#include "llm/jinja/compare.h"
#include "llm/jinja/unicode.h"

namespace isthmus::jinja {

Status Runtime::step(uint64_t count) {
  steps_ += count;
  if (steps_ > limits_.steps)
    return error(Code::kOutOfRange, "the template takes more than {} steps", limits_.steps);
  return ok();
}

Status Runtime::charge(uint64_t bytes) {
  if (bytes > limits_.output_bytes)
    return error(Code::kOutOfRange, "a value of {} bytes is larger than the limit of {}", bytes,
                 limits_.output_bytes);
  bytes_ += bytes;
  if (bytes_ > limits_.allocated_bytes)
    return error(Code::kOutOfRange, "the template makes values of more than {} bytes",
                 limits_.allocated_bytes);
  return step(bytes / 64);
}

Result<Value> Runtime::call(const Value& callee, Arguments arguments) {
  if (callee.is_undefined()) return invalid_argument("{}", callee.undefined_message());
  if (!callee.is(Value::Kind::kObject))
    return invalid_argument("a value of type '{}' cannot be called", type_name(callee));
  return callee.object()->call(*this, std::move(arguments));
}

Result<List> Runtime::items_of(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kUndefined: return List();
    case Value::Kind::kSequence:
      RETURN_IF_ERROR(charge(value.sequence().items.size() * sizeof(Value)));
      return value.sequence().items;
    case Value::Kind::kString: {
      const std::string& text = value.as_string();
      RETURN_IF_ERROR(charge(text.size() * sizeof(Value)));
      List items;
      for (size_t at = 0; at < text.size();) {
        const size_t start = at;
        next_character(text, at);
        items.emplace_back(text.substr(start, at - start));  // plain text, even of safe text
      }
      return items;
    }
    case Value::Kind::kDict: {
      RETURN_IF_ERROR(charge(value.dict().entries.size() * sizeof(Value)));
      List items;
      for (const auto& entry : value.dict().entries) items.push_back(entry.first);
      return items;
    }
    case Value::Kind::kObject:
      if (auto* generator = dynamic_cast<Generator*>(value.object().get())) {
        RETURN_IF_ERROR(Status(generator->error));
        List items(generator->items.begin() + static_cast<ptrdiff_t>(generator->next),
                   generator->items.end());
        generator->next = generator->items.size();
        RETURN_IF_ERROR(charge(items.size() * sizeof(Value)));
        return items;
      }
      [[fallthrough]];
    default: return invalid_argument("a value of type '{}' cannot be iterated over", type_name(value));
  }
}

Result<Value> Runtime::list(List items, Sequence::Form form) {
  RETURN_IF_ERROR(charge(items.size() * sizeof(Value)));
  return make_sequence(std::move(items), form);
}

Result<Value> Runtime::generator(List items, Status error) {
  RETURN_IF_ERROR(charge(items.size() * sizeof(Value)));
  auto generator = std::make_shared<Generator>();
  for (const Value& item : items) generator->extent.add(item);
  RETURN_IF_ERROR(check(generator->extent));
  generator->items = std::move(items);
  generator->error = std::move(error);
  return Value(std::shared_ptr<Object>(std::move(generator)));
}

Result<Value> Runtime::function(std::string_view name, Function::Body body, const Value& self) {
  auto function = std::make_shared<Function>(std::string(name), body, self);
  function->extent.add(self);
  RETURN_IF_ERROR(check(function->extent));
  return Value(std::shared_ptr<Object>(std::move(function)));
}

Result<Value> Runtime::text(std::string bytes, bool markup) {
  RETURN_IF_ERROR(charge(bytes.size()));
  return Value(std::move(bytes), markup);
}

Result<bool> Runtime::equal(const Value& a, const Value& b) {
  RETURN_IF_ERROR(step(std::min(extent_of(a).weight, extent_of(b).weight)));
  return jinja::equal(a, b);
}

Result<std::optional<Value>> Namespace::attribute(Runtime&, const Value&, std::string_view name) {
  const Value* value = attributes.find(name);
  return value ? std::optional<Value>(*value) : std::nullopt;
}

Result<Parameters> Parameters::bind(std::string_view callee, Arguments& arguments,
                                    std::initializer_list<std::string_view> names, size_t required) {
  Parameters result;
  result.callee_ = callee;
  result.names_ = names;
  result.values_.resize(names.size());
  if (arguments.positional.size() > names.size())
    return invalid_argument("'{}' takes at most {} arguments but was given {}", callee, names.size(),
                            arguments.positional.size());
  for (size_t i = 0; i < arguments.positional.size(); i++) result.values_[i] = &arguments.positional[i];
  for (auto& [name, value] : arguments.named) {
    const auto it = std::find(names.begin(), names.end(), name);
    if (it == names.end()) return invalid_argument("'{}' has no parameter '{}'", callee, name);
    const Value*& slot = result.values_[static_cast<size_t>(it - names.begin())];
    if (slot) return invalid_argument("'{}' was given '{}' twice", callee, name);
    slot = &value;
  }
  for (size_t i = 0; i < required; i++)
    if (!result.values_[i]) return invalid_argument("'{}' needs the argument '{}'", callee, result.names_[i]);
  return result;
}

Result<Integer> Parameters::integer(size_t i, Integer otherwise) const {
  if (!has(i)) return otherwise;
  const Value& value = *values_[i];
  if (!value.is_integral())
    return invalid_argument("'{}' of '{}' must be an integer, not a '{}'", names_[i], callee_,
                            type_name(value));
  // No argument means anything out there, and what is computed from it must not overflow.
  constexpr Integer kFar = Integer{1} << 100;
  if (value.as_integer() > kFar || value.as_integer() < -kFar)
    return error(Code::kOutOfRange, "'{}' of '{}' is too large", names_[i], callee_);
  return value.as_integer();
}

Result<std::string> Parameters::string(size_t i, std::string_view otherwise) const {
  if (!has(i)) return std::string(otherwise);
  const Value& value = *values_[i];
  if (!value.is_string())
    return invalid_argument("'{}' of '{}' must be a string, not a '{}'", names_[i], callee_,
                            type_name(value));
  return value.as_string();
}

}  // namespace isthmus::jinja
