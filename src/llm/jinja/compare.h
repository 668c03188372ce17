// SPDX-License-Identifier: Apache-2.0
// Equality, order and membership of values, as in Python.
#pragma once

#include "llm/jinja/value.h"

namespace isthmus::jinja {

class Runtime;

// Never fails: values of different types are unequal, but True == 1 == 1.0.
bool equal(const Value& a, const Value& b);
// -1, 0 or 1; 2 when a NaN is involved. Error: types without an order between them.
Result<int> order(const Value& a, const Value& b, std::string_view operation);
// Python's `needle in haystack`.
Result<bool> contains(Runtime& runtime, const Value& haystack, const Value& needle);

}  // namespace isthmus::jinja
