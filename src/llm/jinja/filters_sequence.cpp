// SPDX-License-Identifier: Apache-2.0
// Filters on sequences and mappings: length, first, join, list, items, batch, …
#include <algorithm>

#include "llm/jinja/filters.h"
#include "llm/jinja/format.h"
#include "llm/jinja/operators.h"
#include "llm/jinja/unicode.h"

namespace isthmus::jinja {
namespace {

Result<Value> length(Runtime&, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("length", arguments, {}).status());
  switch (input.kind()) {
    case Value::Kind::kUndefined: return Value(0);
    case Value::Kind::kString: return Value::from_size(count_characters(input.as_string()));
    case Value::Kind::kSequence: return Value::from_size(input.sequence().items.size());
    case Value::Kind::kDict: return Value::from_size(input.dict().entries.size());
    case Value::Kind::kObject:
      if (const auto count = input.object()->length()) return Value::from_size(*count);
      [[fallthrough]];
    default: return invalid_argument("a value of type '{}' has no length", type_name(input));
  }
}

Result<Value> default_value(Runtime&, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::bind("default", arguments, {"default_value", "boolean"}));
  if (!input.is_undefined() && !(parameters.truthy(1) && !is_truthy(input))) return input;
  return parameters.has(0) ? parameters[0] : Value("");
}

Result<Value> first(Runtime& runtime, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("first", arguments, {}).status());
  if (input.is(Value::Kind::kObject))
    if (auto* generator = dynamic_cast<Generator*>(input.object().get());
        generator && generator->next < generator->items.size())
      return generator->items[generator->next++];
  ASSIGN_OR_RETURN(const List items, runtime.items_of(input));
  return items.empty() ? Value::undefined("the sequence is empty, so it has no first item") : items.front();
}

Result<Value> last(Runtime& runtime, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("last", arguments, {}).status());
  if (input.is(Value::Kind::kObject))
    return invalid_argument("a value of type '{}' cannot be walked backwards", type_name(input));
  ASSIGN_OR_RETURN(const List items, runtime.items_of(input));
  return items.empty() ? Value::undefined("the sequence is empty, so it has no last item") : items.back();
}

Result<Value> join(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("join", arguments, {"d", "attribute"}));
  ASSIGN_OR_RETURN(const List items, runtime.items_of(input));
  std::string separator, out;
  if (parameters.has(0)) {
    ASSIGN_OR_RETURN(separator, to_text(runtime, parameters[0]));
  }
  for (size_t i = 0; i < items.size(); i++) {
    Value item = items[i];
    if (!parameters.is_none(1)) {
      ASSIGN_OR_RETURN(item, item_by_path(runtime, item, parameters[1]));
    }
    ASSIGN_OR_RETURN(const std::string text, to_text(runtime, item));
    RETURN_IF_ERROR(runtime.charge(separator.size() + text.size()));
    if (out.size() > runtime.limits().output_bytes)
      return error(Code::kOutOfRange, "'join' makes a text of more than {} bytes",
                   runtime.limits().output_bytes);
    if (i) out += separator;
    out += text;
  }
  return Value(std::move(out));
}

Result<Value> list(Runtime& runtime, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("list", arguments, {}).status());
  ASSIGN_OR_RETURN(List items, runtime.items_of(input));
  return make_sequence(std::move(items));
}

Result<Value> items(Runtime& runtime, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("items", arguments, {}).status());
  if (input.is_undefined()) return runtime.generator({});
  if (!input.is(Value::Kind::kDict))
    return runtime.generator({}, invalid_argument("'items' needs a mapping, not '{}'", type_name(input)));
  List pairs;
  for (const auto& [key, value] : input.dict().entries) {
    ASSIGN_OR_RETURN(Value pair, make_tuple({key, value}));
    pairs.push_back(std::move(pair));
  }
  return runtime.generator(std::move(pairs));
}

Result<Value> reverse(Runtime& runtime, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("reverse", arguments, {}).status());
  if (input.is_string()) {
    std::u32string characters = to_characters(input.as_string());
    std::reverse(characters.begin(), characters.end());
    return runtime.text(to_utf8(characters), input.text().markup);
  }
  ASSIGN_OR_RETURN(List items, runtime.items_of(input));
  std::reverse(items.begin(), items.end());
  if (input.is(Value::Kind::kObject)) return make_sequence(std::move(items));
  return runtime.generator(std::move(items));
}

Result<Value> batch(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::bind("batch", arguments, {"linecount", "fill_with"}, 1));
  ASSIGN_OR_RETURN(const Integer size, parameters.integer(0, 0));
  ASSIGN_OR_RETURN(const List items, runtime.items_of(input));
  List rows, row;
  const auto finish_row = [&]() -> Status {
    ASSIGN_OR_RETURN(Value value, runtime.list(std::move(row)));
    rows.push_back(std::move(value));
    row.clear();
    return ok();
  };
  bool started = false;  // a row of size 0 is started and never filled
  for (const Value& item : items) {
    if (started && static_cast<Integer>(row.size()) == size) RETURN_IF_ERROR(finish_row());
    if (!started && size == 0) RETURN_IF_ERROR(finish_row());
    started = true;
    row.push_back(item);
  }
  if (!row.empty()) {
    if (!parameters.is_none(1) && static_cast<Integer>(row.size()) < size) {
      const Integer more = size - static_cast<Integer>(row.size());
      if (more > Integer{1} << 40) return error(Code::kOutOfRange, "a batch is too large to be filled");
      RETURN_IF_ERROR(runtime.charge(static_cast<uint64_t>(more) * sizeof(Value)));
      row.insert(row.end(), static_cast<size_t>(more), parameters[1]);
    }
    RETURN_IF_ERROR(finish_row());
  }
  return runtime.generator(std::move(rows));
}

Result<Value> slice(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::bind("slice", arguments, {"slices", "fill_with"}, 1));
  ASSIGN_OR_RETURN(const Integer slices, parameters.integer(0, 0));
  ASSIGN_OR_RETURN(const List items, runtime.items_of(input));
  if (slices == 0) return runtime.generator({}, invalid_argument("'slice' needs at least one slice"));
  RETURN_IF_ERROR(runtime.charge(
      slices > 0 ? static_cast<uint64_t>(std::min<Integer>(slices, Integer{1} << 50)) * 64 : 0));
  List columns;
  const auto size = static_cast<Integer>(items.size());
  size_t at = 0;
  for (Integer i = 0; i < slices; i++) {
    const auto count = static_cast<ptrdiff_t>(size / slices + (i < size % slices));
    List column(items.begin() + static_cast<ptrdiff_t>(at),
                items.begin() + static_cast<ptrdiff_t>(at) + count);
    at += static_cast<size_t>(count);
    if (!parameters.is_none(1) && i >= size % slices) column.push_back(parameters[1]);
    ASSIGN_OR_RETURN(Value value, make_sequence(std::move(column)));
    columns.push_back(std::move(value));
  }
  return runtime.generator(std::move(columns));
}

Result<Value> attr(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("attr", arguments, {"name"}, 1));
  ASSIGN_OR_RETURN(const std::string name, parameters.string(0, ""));
  if (input.is_undefined()) return invalid_argument("{}", input.undefined_message());
  // Only real attributes count here; a mapping's items do not.
  if (input.is(Value::Kind::kDict) && !find_method(input, name))
    return Value::undefined(fmt::format("a value of type 'dict' has no attribute {}", quote(name)));
  return attribute_of(runtime, input, name);
}

Result<Value> pprint(Runtime& runtime, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("pprint", arguments, {}).status());
  ASSIGN_OR_RETURN(std::string text, to_repr(runtime, input));
  return Value(std::move(text));
}

constexpr std::pair<std::string_view, Filter> kFilters[] = {
    {"length", length},   {"count", length},    {"default", default_value},
    {"d", default_value}, {"first", first},     {"last", last},
    {"join", join},       {"list", list},       {"items", items},
    {"batch", batch},     {"reverse", reverse}, {"slice", slice},
    {"attr", attr},       {"pprint", pprint},
};

}  // namespace

FilterTable sequence_filters() { return kFilters; }

}  // namespace isthmus::jinja
