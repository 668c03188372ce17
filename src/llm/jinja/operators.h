// SPDX-License-Identifier: Apache-2.0
// Arithmetic, attributes, items and slices, with Python's meanings.
#pragma once

#include "llm/jinja/runtime.h"
#include "llm/jinja/value.h"

namespace isthmus::jinja {

Result<Value> add(Runtime& runtime, const Value& a, const Value& b);
Result<Value> binary(Runtime& runtime, std::string_view symbol, const Value& a, const Value& b);
Result<Value> negate(const Value& value);

// value.name: a method first, then an item. value[index]: an item first, then a method.
// What is not there is undefined; only looking into something undefined is an error.
Result<Value> attribute_of(Runtime& runtime, const Value& value, std::string_view name);
Result<Value> item_of(Runtime& runtime, const Value& value, const Value& index);
// By a path such as "a.b.0", as filters take it in their `attribute`. Unless it is none, `otherwise` takes
// the place of whatever is undefined on the way.
Result<Value> item_by_path(Runtime& runtime, const Value& value, const Value& path,
                           const Value& otherwise = None());
Result<Value> slice_of(Runtime& runtime, const Value& value, const Value& start, const Value& stop,
                       const Value& step);

// The method of this name on values of this kind; null where there is none.
Method find_method(const Value& value, std::string_view name);

}  // namespace isthmus::jinja
