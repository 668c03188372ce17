// SPDX-License-Identifier: Apache-2.0
// Methods of lists, tuples and dictionaries, and where to find those of strings.
#include "llm/jinja/compare.h"
#include "llm/jinja/operators.h"
#include "llm/jinja/text_methods.h"

namespace isthmus::jinja {
namespace {

Result<Value> dict_get(Runtime&, const Value& self, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("get", arguments, {"key", "default"}, 1));
  if (!is_hashable(parameters[0]))
    return invalid_argument("a '{}' cannot be a key", type_name(parameters[0]));
  const Value* value = self.dict().find(parameters[0]);
  if (value) return *value;
  return parameters.has(1) ? parameters[1] : Value(None());
}

Result<Value> dict_keys(Runtime& runtime, const Value& self, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("keys", arguments, {}).status());
  ASSIGN_OR_RETURN(List keys, runtime.items_of(self));
  return make_sequence(std::move(keys), Sequence::Form::kKeys);
}

Result<Value> dict_values(Runtime& runtime, const Value& self, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("values", arguments, {}).status());
  List values;
  for (const auto& entry : self.dict().entries) values.push_back(entry.second);
  return runtime.list(std::move(values), Sequence::Form::kValues);
}

Result<Value> dict_items(Runtime& runtime, const Value& self, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("items", arguments, {}).status());
  List pairs;
  for (const auto& [key, value] : self.dict().entries) {
    ASSIGN_OR_RETURN(Value pair, make_tuple({key, value}));
    pairs.push_back(std::move(pair));
  }
  return runtime.list(std::move(pairs), Sequence::Form::kItems);
}

// Nothing here can be changed, so a copy is the thing itself.
Result<Value> copy(Runtime&, const Value& self, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("copy", arguments, {}).status());
  return self;
}

Result<Value> count(Runtime& runtime, const Value& self, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("count", arguments, {"value"}, 1));
  RETURN_IF_ERROR(runtime.step(extent_of(self).weight));
  size_t found = 0;
  for (const Value& item : self.sequence().items) found += equal(item, parameters[0]);
  return Value::from_size(found);
}

Result<Value> index(Runtime& runtime, const Value& self, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::bind("index", arguments, {"value", "start", "stop"}, 1));
  RETURN_IF_ERROR(runtime.step(extent_of(self).weight));
  const List& items = self.sequence().items;
  const auto size = static_cast<Integer>(items.size());
  ASSIGN_OR_RETURN(Integer start, parameters.integer(1, 0));
  ASSIGN_OR_RETURN(Integer stop, parameters.integer(2, size));
  if (start < 0) start = std::max<Integer>(start + size, 0);
  if (stop < 0) stop += size;
  for (Integer i = start; i < std::min(stop, size); i++)
    if (equal(items[static_cast<size_t>(i)], parameters[0])) return Value(i);
  return invalid_argument("the value is not in the {}", type_name(self));
}

}  // namespace

Method find_method(const Value& value, std::string_view name) {
  if (value.is_string()) return find_text_method(name);
  if (value.is(Value::Kind::kDict)) {
    if (name == "get") return dict_get;
    if (name == "keys") return dict_keys;
    if (name == "values") return dict_values;
    if (name == "items") return dict_items;
    if (name == "copy") return copy;
  }
  if (value.is(Value::Kind::kSequence)) {
    const Sequence::Form form = value.sequence().form;
    if (form >= Sequence::Form::kKeys && form <= Sequence::Form::kItems) return nullptr;
    if (name == "count") return count;
    if (name == "index") return index;
    if (name == "copy" && form == Sequence::Form::kList) return copy;
  }
  return nullptr;
}

Method find_text_method(std::string_view name) {
  const Method method = find_text_change(name);
  return method ? method : find_text_inquiry(name);
}

}  // namespace isthmus::jinja
