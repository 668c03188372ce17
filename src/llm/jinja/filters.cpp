// SPDX-License-Identifier: Apache-2.0
// Finds built-in filters by name, and what several of them share.
#include "llm/jinja/filters.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "llm/jinja/compare.h"
#include "llm/jinja/format.h"
#include "llm/jinja/operators.h"
#include "llm/jinja/unicode.h"

namespace isthmus::jinja {

Filter find_filter(std::string_view name) {
  static const auto table = [] {
    std::unordered_map<std::string_view, Filter> all;
    for (const FilterTable part : {text_filters(), html_filters(), number_filters(), sequence_filters(),
                                   select_filters(), order_filters()})
      all.insert(part.begin(), part.end());
    return all;
  }();
  const auto it = table.find(name);
  return it == table.end() ? nullptr : it->second;
}

Result<Value> soft_text(Runtime& runtime, const Value& value) {
  if (value.is_string()) return value;
  ASSIGN_OR_RETURN(std::string text, to_text(runtime, value));
  return Value(std::move(text));
}

Result<List> sort_by(Runtime& runtime, List items, const List& keys, bool descending) {
  uint64_t weight = 1;
  for (const Value& key : keys) weight += extent_of(key).weight;
  RETURN_IF_ERROR(runtime.step(weight * 8));
  std::vector<size_t> positions(items.size());
  std::iota(positions.begin(), positions.end(), size_t{0});
  Status failure;
  std::stable_sort(positions.begin(), positions.end(), [&](size_t a, size_t b) {
    if (!failure.ok()) return false;
    const Result<int> result = order(keys[a], keys[b], "<");
    if (!result.ok()) failure = result.status();
    return result.ok() && *result == (descending ? 1 : -1);
  });
  RETURN_IF_ERROR(std::move(failure));
  List sorted;
  sorted.reserve(items.size());
  for (const size_t position : positions) sorted.push_back(std::move(items[position]));
  return sorted;
}

Result<Value> sort_key(Runtime& runtime, const Value& item, const Value& path, bool case_sensitive) {
  ASSIGN_OR_RETURN(Value key, item_by_path(runtime, item, path));
  if (case_sensitive || !key.is_string()) return key;
  return runtime.text(to_lower(key.as_string()));
}

}  // namespace isthmus::jinja
