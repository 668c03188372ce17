// SPDX-License-Identifier: Apache-2.0
// Filters that try every item: map, select, reject and their forms for attributes.
#include "llm/jinja/filters.h"
#include "llm/jinja/operators.h"

namespace isthmus::jinja {
namespace {

// What an item becomes; nothing drops it.
template <typename Step>
Result<Value> walk(Runtime& runtime, const Value& input, Step step) {
  // As in Jinja, anything false, even none, counts as empty here.
  if (!is_truthy(input)) return runtime.generator({});
  List results;
  Result<List> items = runtime.items_of(input);
  if (!items.ok()) return runtime.generator({}, std::move(items).status());
  for (const Value& item : *items) {
    RETURN_IF_ERROR(runtime.step());
    Result<std::optional<Value>> result = step(item);
    // These filters are lazy: the error counts only if somebody walks this far.
    if (!result.ok()) return runtime.generator(std::move(results), std::move(result).status());
    if (*result) results.push_back(std::move(**result));
  }
  return runtime.generator(std::move(results));
}

Result<Value> map(Runtime& runtime, const Value& input, Arguments& arguments) {
  if (arguments.positional.empty()) {
    ASSIGN_OR_RETURN(const Parameters parameters,
                     Parameters::bind("map", arguments, {"attribute", "default"}));
    if (!parameters.has(0))
      return runtime.generator({}, invalid_argument("'map' needs a filter or an attribute"));
    return walk(runtime, input, [&](const Value& item) -> Result<std::optional<Value>> {
      ASSIGN_OR_RETURN(Value value, item_by_path(runtime, item, parameters[0],
                                                 parameters.has(1) ? parameters[1] : Value(None())));
      return std::optional<Value>(std::move(value));
    });
  }
  const Value name = arguments.positional.front();
  if (!name.is_string()) return invalid_argument("'map' needs a filter's name, not '{}'", type_name(name));
  arguments.positional.erase(arguments.positional.begin());
  return walk(runtime, input, [&](const Value& item) -> Result<std::optional<Value>> {
    ASSIGN_OR_RETURN(Value value, runtime.filter(name.as_string(), item, arguments));
    return std::optional<Value>(std::move(value));
  });
}

Result<Value> choose(Runtime& runtime, const Value& input, Arguments& arguments, bool wanted,
                     bool by_attribute) {
  List& given = arguments.positional;
  Value attribute = None();
  if (by_attribute) {
    if (given.empty()) return runtime.generator({}, invalid_argument("the attribute's name is missing"));
    attribute = given.front();
    given.erase(given.begin());
  }
  Value name = None();
  if (!given.empty()) {
    name = given.front();
    given.erase(given.begin());
    if (!name.is_string())
      return invalid_argument("a test's name must be a string, not '{}'", type_name(name));
  }
  return walk(runtime, input, [&](const Value& item) -> Result<std::optional<Value>> {
    ASSIGN_OR_RETURN(const Value value, item_by_path(runtime, item, attribute));
    bool holds = is_truthy(value);
    if (!name.is_none()) {
      ASSIGN_OR_RETURN(holds, runtime.test(name.as_string(), value, arguments));
    }
    return holds == wanted ? std::optional<Value>(item) : std::nullopt;
  });
}

Result<Value> select(Runtime& runtime, const Value& input, Arguments& arguments) {
  return choose(runtime, input, arguments, true, false);
}

Result<Value> reject(Runtime& runtime, const Value& input, Arguments& arguments) {
  return choose(runtime, input, arguments, false, false);
}

Result<Value> selectattr(Runtime& runtime, const Value& input, Arguments& arguments) {
  return choose(runtime, input, arguments, true, true);
}

Result<Value> rejectattr(Runtime& runtime, const Value& input, Arguments& arguments) {
  return choose(runtime, input, arguments, false, true);
}

constexpr std::pair<std::string_view, Filter> kFilters[] = {
    {"map", map},
    {"select", select},
    {"reject", reject},
    {"selectattr", selectattr},
    {"rejectattr", rejectattr},
};

}  // namespace

FilterTable select_filters() { return kFilters; }

}  // namespace isthmus::jinja
