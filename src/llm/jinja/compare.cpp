// SPDX-License-Identifier: Apache-2.0
// Equality, order and membership of values, as in Python.
#include "llm/jinja/compare.h"

#include <algorithm>
#include <cmath>

#include "llm/jinja/format.h"
#include "llm/jinja/runtime.h"

namespace isthmus::jinja {
namespace {

int order_numbers(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) {
    const Integer x = a.as_integer(), y = b.as_integer();
    return x < y ? -1 : x > y;
  }
  const double x = a.as_float(), y = b.as_float();
  if (std::isnan(x) || std::isnan(y)) return 2;
  return x < y ? -1 : x > y;
}

bool equal_dicts(const Dict& a, const Dict& b) {
  if (a.entries.size() != b.entries.size()) return false;
  return std::all_of(a.entries.begin(), a.entries.end(), [&](const auto& entry) {
    const Value* other = b.find(entry.first);
    return other && equal(entry.second, *other);
  });
}

bool equal_sequences(const Sequence& a, const Sequence& b) {
  if (a.form != b.form && !(a.is_tuple() && b.is_tuple())) return false;
  if (a.items.size() != b.items.size()) return false;
  return std::equal(a.items.begin(), a.items.end(), b.items.begin(), equal);
}

}  // namespace

bool equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return order_numbers(a, b) == 0;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Value::Kind::kString: return a.as_string() == b.as_string();
    case Value::Kind::kSequence:
      return &a.sequence() == &b.sequence() || equal_sequences(a.sequence(), b.sequence());
    case Value::Kind::kDict: return &a.dict() == &b.dict() || equal_dicts(a.dict(), b.dict());
    case Value::Kind::kObject: return a.object() == b.object();
    default: return true;
  }
}

Result<int> order(const Value& a, const Value& b, std::string_view operation) {
  if (a.is_undefined()) return invalid_argument("{}", a.undefined_message());
  if (b.is_undefined()) return invalid_argument("{}", b.undefined_message());
  if (a.is_number() && b.is_number()) return order_numbers(a, b);
  if (a.is_string() && b.is_string()) {
    const int result = a.as_string().compare(b.as_string());  // UTF-8 sorts as its code points do
    return result < 0 ? -1 : result > 0;
  }
  if (a.is(Value::Kind::kSequence) && b.is(Value::Kind::kSequence)) {
    const Sequence &x = a.sequence(), &y = b.sequence();
    const bool lists = x.form == Sequence::Form::kList && y.form == Sequence::Form::kList;
    if (lists || (x.is_tuple() && y.is_tuple())) {
      for (size_t i = 0; i < std::min(x.items.size(), y.items.size()); i++)
        if (!equal(x.items[i], y.items[i])) return order(x.items[i], y.items[i], operation);
      return x.items.size() < y.items.size() ? -1 : x.items.size() > y.items.size();
    }
  }
  return invalid_argument("'{}' has no meaning between '{}' and '{}'", operation, type_name(a), type_name(b));
}

Result<bool> contains(Runtime& runtime, const Value& haystack, const Value& needle) {
  switch (haystack.kind()) {
    case Value::Kind::kUndefined: return false;
    case Value::Kind::kString:
      if (!needle.is_string())
        return invalid_argument("'in' a string needs a string on its left, not '{}'", type_name(needle));
      RETURN_IF_ERROR(runtime.step(extent_of(haystack).weight));
      return haystack.as_string().find(needle.as_string()) != std::string::npos;
    case Value::Kind::kDict:
      if (!is_hashable(needle)) return invalid_argument("a '{}' cannot be a key", type_name(needle));
      return haystack.dict().find(needle) != nullptr;
    case Value::Kind::kSequence:
      if (haystack.sequence().form == Sequence::Form::kKeys && !is_hashable(needle))
        return invalid_argument("a '{}' cannot be a key", type_name(needle));
      RETURN_IF_ERROR(runtime.step(extent_of(haystack).weight));
      return std::any_of(haystack.sequence().items.begin(), haystack.sequence().items.end(),
                         [&](const Value& item) { return equal(item, needle); });
    case Value::Kind::kObject:
      if (auto* generator = dynamic_cast<Generator*>(haystack.object().get())) {
        while (generator->next < generator->items.size()) {
          RETURN_IF_ERROR(runtime.step());
          if (equal(generator->items[generator->next++], needle)) return true;
        }
        RETURN_IF_ERROR(Status(generator->error));
        return false;
      }
      [[fallthrough]];
    default: return invalid_argument("'in' has no meaning for a '{}'", type_name(haystack));
  }
}

}  // namespace isthmus::jinja
