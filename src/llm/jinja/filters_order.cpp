// SPDX-License-Identifier: Apache-2.0
// Filters that compare or add up items: sort, dictsort, groupby, unique, min, max, sum.
#include "llm/jinja/compare.h"
#include "llm/jinja/filters.h"
#include "llm/jinja/operators.h"
#include "llm/jinja/unicode.h"

namespace isthmus::jinja {
namespace {

// What a list is sorted by: the values at the paths ("a,b" or one) as a tuple. A tuple also for one value,
// because comparing tuples passes over equal members, so that values without an order may appear twice.
Result<Value> composite_key(Runtime& runtime, const Value& item, const Value& paths, bool case_sensitive) {
  if (!paths.is_string()) {
    ASSIGN_OR_RETURN(Value key, sort_key(runtime, item, paths, case_sensitive));
    return make_tuple({std::move(key)});
  }
  List parts;
  const std::string& text = paths.as_string();
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find(',', start), text.size());
    ASSIGN_OR_RETURN(Value part,
                     sort_key(runtime, item, Value(text.substr(start, end - start)), case_sensitive));
    parts.push_back(std::move(part));
    start = end + 1;
  }
  return make_tuple(std::move(parts));
}

Result<Value> sort(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::bind("sort", arguments, {"reverse", "case_sensitive", "attribute"}));
  ASSIGN_OR_RETURN(List items, runtime.items_of(input));
  List keys;
  for (const Value& item : items) {
    ASSIGN_OR_RETURN(Value key,
                     composite_key(runtime, item, parameters.has(2) ? parameters[2] : Value(None()),
                                   parameters.truthy(1)));
    keys.push_back(std::move(key));
  }
  ASSIGN_OR_RETURN(items, sort_by(runtime, std::move(items), keys, parameters.truthy(0)));
  return make_sequence(std::move(items));
}

Result<Value> dictsort(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::bind("dictsort", arguments, {"case_sensitive", "by", "reverse"}));
  ASSIGN_OR_RETURN(const std::string by, parameters.string(1, "key"));
  if (by != "key" && by != "value")
    return invalid_argument("'dictsort' sorts by 'key' or 'value', not by '{}'", by);
  if (input.is_undefined()) return invalid_argument("{}", input.undefined_message());
  if (!input.is(Value::Kind::kDict))
    return invalid_argument("'dictsort' needs a mapping, not '{}'", type_name(input));
  List pairs, keys;
  for (const auto& [key, value] : input.dict().entries) {
    ASSIGN_OR_RETURN(Value sorted_by,
                     sort_key(runtime, by == "key" ? key : value, None(), parameters.truthy(0)));
    keys.push_back(std::move(sorted_by));
    ASSIGN_OR_RETURN(Value pair, make_tuple({key, value}));
    pairs.push_back(std::move(pair));
  }
  ASSIGN_OR_RETURN(pairs, sort_by(runtime, std::move(pairs), keys, parameters.truthy(2)));
  return runtime.list(std::move(pairs));
}

Result<Value> groupby(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::bind("groupby", arguments, {"attribute", "default", "case_sensitive"}, 1));
  ASSIGN_OR_RETURN(List items, runtime.items_of(input));
  const auto key_of = [&](const Value& item, bool case_sensitive) -> Result<Value> {
    ASSIGN_OR_RETURN(const Value key, item_by_path(runtime, item, parameters[0],
                                                   parameters.has(1) ? parameters[1] : Value(None())));
    return sort_key(runtime, key, None(), case_sensitive);
  };
  List keys;
  for (const Value& item : items) {
    ASSIGN_OR_RETURN(Value key, key_of(item, parameters.truthy(2)));
    keys.push_back(std::move(key));
  }
  ASSIGN_OR_RETURN(items, sort_by(runtime, std::move(items), keys, false));
  List groups, members;
  Value group_key;
  const auto finish_group = [&]() -> Status {
    // The group is named as its first member writes it, not in lower case.
    ASSIGN_OR_RETURN(Value shown, key_of(members.front(), true));
    ASSIGN_OR_RETURN(Value list, make_sequence(std::move(members)));
    ASSIGN_OR_RETURN(Value group, make_sequence({std::move(shown), std::move(list)}, Sequence::Form::kGroup));
    groups.push_back(std::move(group));
    members.clear();
    return ok();
  };
  for (const Value& item : items) {
    ASSIGN_OR_RETURN(Value key, key_of(item, parameters.truthy(2)));
    if (!members.empty()) {
      ASSIGN_OR_RETURN(const bool same, runtime.equal(key, group_key));
      if (!same) RETURN_IF_ERROR(finish_group());
    }
    group_key = std::move(key);
    members.push_back(item);
  }
  if (!members.empty()) RETURN_IF_ERROR(finish_group());
  return runtime.list(std::move(groups));
}

Result<Value> unique(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::bind("unique", arguments, {"case_sensitive", "attribute"}));
  Result<List> items = runtime.items_of(input);
  if (!items.ok()) return runtime.generator({}, std::move(items).status());
  Dict seen;
  List kept;
  for (const Value& item : *items) {
    Result<Value> key =
        sort_key(runtime, item, parameters.has(1) ? parameters[1] : Value(None()), parameters.truthy(0));
    Status failure = key.status();
    if (key.ok() && !is_hashable(*key))
      failure = invalid_argument("'unique' cannot tell values of type '{}' apart", type_name(*key));
    if (!failure.ok()) return runtime.generator(std::move(kept), std::move(failure));
    RETURN_IF_ERROR(runtime.step(extent_of(*key).weight));
    if (seen.find(*key)) continue;
    seen.set(*key, None());
    kept.push_back(item);
  }
  return runtime.generator(std::move(kept));
}

Result<Value> extreme(Runtime& runtime, const Value& input, Arguments& arguments, int sign) {
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::bind(sign < 0 ? "min" : "max", arguments, {"case_sensitive", "attribute"}));
  ASSIGN_OR_RETURN(const List items, runtime.items_of(input));
  if (items.empty()) return Value::undefined("the sequence is empty, so it has no smallest or largest item");
  const Value path = parameters.has(1) ? parameters[1] : Value(None());
  Value best = items[0];
  ASSIGN_OR_RETURN(Value best_key, sort_key(runtime, best, path, parameters.truthy(0)));
  for (size_t i = 1; i < items.size(); i++) {
    ASSIGN_OR_RETURN(Value key, sort_key(runtime, items[i], path, parameters.truthy(0)));
    RETURN_IF_ERROR(runtime.step(extent_of(key).weight));
    ASSIGN_OR_RETURN(const int result, order(key, best_key, sign < 0 ? "<" : ">"));
    if (result != sign) continue;
    best = items[i];
    best_key = std::move(key);
  }
  return best;
}

Result<Value> min(Runtime& runtime, const Value& input, Arguments& arguments) {
  return extreme(runtime, input, arguments, -1);
}

Result<Value> max(Runtime& runtime, const Value& input, Arguments& arguments) {
  return extreme(runtime, input, arguments, 1);
}

Result<Value> sum(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("sum", arguments, {"attribute", "start"}));
  ASSIGN_OR_RETURN(const List items, runtime.items_of(input));
  Value total = parameters.has(1) ? parameters[1] : Value(0);
  if (total.is_string()) return invalid_argument("'sum' does not add strings; use 'join'");
  for (const Value& item : items) {
    ASSIGN_OR_RETURN(const Value value,
                     item_by_path(runtime, item, parameters.has(0) ? parameters[0] : Value(None())));
    ASSIGN_OR_RETURN(total, add(runtime, total, value));
  }
  return total;
}

constexpr std::pair<std::string_view, Filter> kFilters[] = {
    {"sort", sort}, {"dictsort", dictsort}, {"groupby", groupby}, {"unique", unique},
    {"min", min},   {"max", max},           {"sum", sum},
};

}  // namespace

FilterTable order_filters() { return kFilters; }

}  // namespace isthmus::jinja
