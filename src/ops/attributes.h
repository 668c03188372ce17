// SPDX-License-Identifier: Apache-2.0
// Attribute values of operators: named, typed, with declared defaults.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"

namespace isthmus {

// Booleans are integers 0 and 1.
using AttributeValue = std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>>;

// A declared attribute. The default's alternative is the attribute's type.
struct AttributeDef {
  const char* name;
  AttributeValue default_value;
  const char* meaning;
};

// The attributes a caller gave, by name. Few, so a vector beats a map.
class Attributes {
 public:
  Attributes() = default;
  Attributes(std::initializer_list<std::pair<std::string, AttributeValue>> values) : values_(values) {}

  void set(std::string_view name, AttributeValue value);
  const AttributeValue* find(std::string_view name) const;
  const std::vector<std::pair<std::string, AttributeValue>>& values() const { return values_; }
  bool operator==(const Attributes&) const = default;

  // The value of a declared attribute. Asserts on a name or type that complete() has not checked.
  int64_t i(std::string_view name) const { return std::get<int64_t>(*find(name)); }
  double f(std::string_view name) const { return std::get<double>(*find(name)); }
  const std::string& s(std::string_view name) const { return std::get<std::string>(*find(name)); }
  const std::vector<int64_t>& ints(std::string_view name) const {
    return std::get<std::vector<int64_t>>(*find(name));
  }
  const std::vector<double>& floats(std::string_view name) const {
    return std::get<std::vector<double>>(*find(name));
  }

 private:
  std::vector<std::pair<std::string, AttributeValue>> values_;
};

}  // namespace isthmus
