// SPDX-License-Identifier: Apache-2.0
// Attributes, items and slices of values.
#include <algorithm>

#include "llm/jinja/format.h"
#include "llm/jinja/operators.h"
#include "llm/jinja/unicode.h"

namespace isthmus::jinja {
namespace {

// Python methods that would change a list or dictionary: the template may not call them, and learns so when
// it tries.
bool is_forbidden(const Value& value, std::string_view name) {
  static constexpr std::string_view kOfDicts[] = {"clear", "pop", "popitem", "setdefault", "update"};
  static constexpr std::string_view kOfLists[] = {"append", "clear", "pop",    "reverse",
                                                  "insert", "sort",  "extend", "remove"};
  if (value.is(Value::Kind::kDict)) return std::count(std::begin(kOfDicts), std::end(kOfDicts), name) != 0;
  return value.is(Value::Kind::kSequence) && value.sequence().form == Sequence::Form::kList &&
         std::count(std::begin(kOfLists), std::end(kOfLists), name) != 0;
}

Value missing(const Value& value, const Value& name) {
  const std::string shown = name.is_string()     ? quote(name.as_string())
                            : name.is_integral() ? format_integer(name.as_integer())
                                                 : std::string("of that kind");
  return Value::undefined(fmt::format("a value of type '{}' has no {} {}", type_name(value),
                                      name.is_string() ? "attribute" : "element", shown));
}

// A method or field, not an item. Nothing where there is none.
Result<std::optional<Value>> own_attribute(Runtime& runtime, const Value& value, std::string_view name) {
  if (value.is(Value::Kind::kObject)) return value.object()->attribute(runtime, value, name);
  if (is_forbidden(value, name))
    return std::optional<Value>(Value::undefined(fmt::format(
        "'{}' would change a value of type '{}', which templates may not", name, type_name(value))));
  if (value.is(Value::Kind::kSequence) && value.sequence().form == Sequence::Form::kGroup) {
    if (name == "grouper") return std::optional<Value>(value.sequence().items[0]);
    if (name == "list") return std::optional<Value>(value.sequence().items[1]);
  }
  const Method method = find_method(value, name);
  if (!method) return std::optional<Value>();
  ASSIGN_OR_RETURN(Value bound, runtime.function(name, method, value));
  return std::optional<Value>(std::move(bound));
}

// Python's value[index] where that works. Nothing where it would raise.
std::optional<Value> own_item(const Value& value, const Value& index) {
  if (value.is(Value::Kind::kDict)) {
    if (!is_hashable(index)) return std::nullopt;
    const Value* item = value.dict().find(index);
    return item ? std::optional<Value>(*item) : std::nullopt;
  }
  if (!index.is_integral()) return std::nullopt;
  Integer at = index.as_integer();
  if (value.is(Value::Kind::kSequence)) {
    const Sequence& sequence = value.sequence();
    if (sequence.form >= Sequence::Form::kKeys && sequence.form <= Sequence::Form::kItems)
      return std::nullopt;
    const auto size = static_cast<Integer>(sequence.items.size());
    if (at < 0) at += size;
    if (at < 0 || at >= size) return std::nullopt;
    return sequence.items[static_cast<size_t>(at)];
  }
  if (value.is_string()) {
    const std::string& text = value.as_string();
    if (at < 0) at += static_cast<Integer>(count_characters(text));
    if (at < 0 || at >= static_cast<Integer>(text.size())) return std::nullopt;
    size_t offset = 0;
    for (; at > 0 && offset < text.size(); at--) next_character(text, offset);
    if (offset >= text.size()) return std::nullopt;
    const size_t start = offset;
    next_character(text, offset);
    return Value(text.substr(start, offset - start), value.text().markup);
  }
  return std::nullopt;
}

Result<std::optional<Integer>> bound(const Value& value) {
  if (value.is_none()) return std::optional<Integer>();
  if (value.is_integral()) return std::optional<Integer>(value.as_integer());
  return invalid_argument("a slice needs integers or none, not '{}'", type_name(value));
}

// The positions start, start + step, … that a slice of `size` items takes.
struct Slice {
  Integer start, step, count;
};

Result<Slice> resolve(const Value& start, const Value& stop, const Value& step, size_t items) {
  ASSIGN_OR_RETURN(const std::optional<Integer> first, bound(start));
  ASSIGN_OR_RETURN(const std::optional<Integer> last, bound(stop));
  ASSIGN_OR_RETURN(const std::optional<Integer> stride, bound(step));
  const auto size = static_cast<Integer>(items);
  const Integer by = std::clamp(stride.value_or(1), -(size + 1), size + 1);
  if (by == 0) return invalid_argument("the step of a slice cannot be zero");
  const Integer lowest = by > 0 ? 0 : -1, highest = by > 0 ? size : size - 1;
  const auto place = [&](std::optional<Integer> value, Integer otherwise) {
    if (!value) return otherwise;
    return std::clamp(*value < 0 ? std::max(*value, -size - 1) + size : *value, lowest, highest);
  };
  const Integer from = place(first, by > 0 ? lowest : highest), to = place(last, by > 0 ? highest : lowest);
  const Integer span = by > 0 ? to - from : from - to, stride_size = by > 0 ? by : -by;
  return Slice{from, by, span <= 0 ? 0 : (span + stride_size - 1) / stride_size};
}

}  // namespace

Result<Value> attribute_of(Runtime& runtime, const Value& value, std::string_view name) {
  if (value.is_undefined()) return invalid_argument("{}", value.undefined_message());
  ASSIGN_OR_RETURN(std::optional<Value> found, own_attribute(runtime, value, name));
  const Value key{name};
  if (!found) found = own_item(value, key);
  return found ? std::move(*found) : missing(value, key);
}

Result<Value> item_of(Runtime& runtime, const Value& value, const Value& index) {
  if (value.is_undefined()) return invalid_argument("{}", value.undefined_message());
  if (value.is_string()) RETURN_IF_ERROR(runtime.step(value.as_string().size() / 64));
  std::optional<Value> found = own_item(value, index);
  if (!found && index.is_string()) {
    ASSIGN_OR_RETURN(found, own_attribute(runtime, value, index.as_string()));
  }
  return found ? std::move(*found) : missing(value, index);
}

Result<Value> item_by_path(Runtime& runtime, const Value& value, const Value& path, const Value& otherwise) {
  if (path.is_none()) return value;
  const auto step = [&](const Value& from, const Value& index) -> Result<Value> {
    ASSIGN_OR_RETURN(Value item, item_of(runtime, from, index));
    return item.is_undefined() && !otherwise.is_none() ? otherwise : std::move(item);
  };
  if (!path.is_string()) return step(value, path);
  Value item = value;
  const std::string& text = path.as_string();
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find('.', start), text.size());
    const std::string part = text.substr(start, end - start);
    const bool is_index = !part.empty() && part.size() < 19 &&
                          std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    const Value index = is_index ? Value(static_cast<Integer>(std::stoll(part))) : Value(part);
    ASSIGN_OR_RETURN(item, step(item, index));
    start = end + 1;
  }
  return item;
}

Result<Value> slice_of(Runtime& runtime, const Value& value, const Value& start, const Value& stop,
                       const Value& step) {
  if (value.is_string()) {
    const std::u32string characters = to_characters(value.as_string());
    RETURN_IF_ERROR(runtime.charge(characters.size()));
    ASSIGN_OR_RETURN(const Slice slice, resolve(start, stop, step, characters.size()));
    std::u32string taken;
    for (Integer i = 0; i < slice.count; i++)
      taken += characters[static_cast<size_t>(slice.start + i * slice.step)];
    return runtime.text(to_utf8(taken), value.text().markup);
  }
  if (value.is(Value::Kind::kSequence)) {
    const Sequence& sequence = value.sequence();
    if (sequence.form < Sequence::Form::kKeys || sequence.form > Sequence::Form::kItems) {
      ASSIGN_OR_RETURN(const Slice slice, resolve(start, stop, step, sequence.items.size()));
      List taken;
      for (Integer i = 0; i < slice.count; i++)
        taken.push_back(sequence.items[static_cast<size_t>(slice.start + i * slice.step)]);
      return runtime.list(std::move(taken),
                          sequence.is_tuple() ? Sequence::Form::kTuple : Sequence::Form::kList);
    }
  }
  if (value.is_undefined()) return invalid_argument("{}", value.undefined_message());
  return invalid_argument("a value of type '{}' cannot be sliced", type_name(value));
}

}  // namespace isthmus::jinja
