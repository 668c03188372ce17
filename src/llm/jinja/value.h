// SPDX-License-Identifier: Apache-2.0
// The values a template computes with, in Python's terms: none, numbers, text, sequences, dictionaries,
// objects.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/status.h"

namespace isthmus::jinja {

// Python's integers have no bounds; 128 bits hold every JSON number exactly and overflow is an error, never a
// wrap.
__extension__ typedef __int128 Integer;

class Value;
struct Object;

struct Text {
  std::string bytes;
  // Made by the filters safe and escape: text joined to it with + gets escaped.
  bool markup = false;
};

// What a missing name, attribute or item evaluates to: prints as nothing, and any deeper use of it is an
// error.
struct Undefined {
  std::string message;
};

struct Sequence;
struct Dict;

struct None {};

// Cheap to copy: everything but numbers is shared. Only objects (namespaces, loops, generators) can change.
class Value {
 public:
  enum class Kind { kUndefined, kNone, kBool, kInteger, kFloat, kString, kSequence, kDict, kObject };

  Value() = default;  // undefined
  Value(None) : data_(None()) {}
  Value(bool value) : data_(value) {}
  Value(Integer value) : data_(value) {}
  Value(int value) : data_(static_cast<Integer>(value)) {}
  Value(double value) : data_(value) {}
  Value(std::string text, bool markup = false)
      : data_(std::make_shared<const Text>(Text{std::move(text), markup})) {}
  Value(std::string_view text) : Value(std::string(text)) {}
  Value(const char* text) : Value(std::string(text)) {}
  Value(std::shared_ptr<const Sequence> sequence) : data_(std::move(sequence)) {}
  Value(std::shared_ptr<const Dict> dict) : data_(std::move(dict)) {}
  Value(std::shared_ptr<Object> object) : data_(std::move(object)) {}

  static Value undefined(std::string message);
  static Value from_size(size_t size) { return Value(static_cast<Integer>(size)); }

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is(Kind kind) const { return this->kind() == kind; }
  bool is_undefined() const { return is(Kind::kUndefined); }
  bool is_none() const { return is(Kind::kNone); }
  bool is_string() const { return is(Kind::kString); }
  // bool, integer or float.
  bool is_number() const { return kind() >= Kind::kBool && kind() <= Kind::kFloat; }
  bool is_integral() const { return is(Kind::kBool) || is(Kind::kInteger); }

  bool as_bool() const { return std::get<bool>(data_); }
  Integer as_integer() const;  // of a bool or integer
  double as_float() const;     // of any number
  const std::string& as_string() const { return text().bytes; }
  const Text& text() const { return *std::get<std::shared_ptr<const Text>>(data_); }
  const Sequence& sequence() const { return *std::get<std::shared_ptr<const Sequence>>(data_); }
  const Dict& dict() const { return *std::get<std::shared_ptr<const Dict>>(data_); }
  const std::shared_ptr<Object>& object() const { return std::get<std::shared_ptr<Object>>(data_); }
  // Why an undefined value is undefined.
  std::string undefined_message() const;
  // Whether both are one and the same thing (Python's `is`).
  bool same_as(const Value& other) const;

 private:
  std::variant<std::shared_ptr<const Undefined>, None, bool, Integer, double, std::shared_ptr<const Text>,
               std::shared_ptr<const Sequence>, std::shared_ptr<const Dict>, std::shared_ptr<Object>>
      data_;
};

// Containers know how deep and how large all they hold is, so that a hostile template cannot build something
// whose printing or comparison would take forever. Past these bounds making one is an error.
inline constexpr uint32_t kMaxNesting = 400;
inline constexpr uint64_t kMaxWeight = uint64_t{1} << 26;

struct Extent {
  uint32_t nesting = 0;
  uint64_t weight = 1;  // values inside, counted as often as they appear, and bytes of text / 16

  void add(const Value& inner);
};
Extent extent_of(const Value& value);
Status check(const Extent& extent);

struct Sequence {
  // Lists, tuples, the views a dictionary's keys(), values() and items() give, ranges, and groupby's named
  // pairs.
  enum class Form { kList, kTuple, kKeys, kValues, kItems, kRange, kGroup };

  Form form = Form::kList;
  std::vector<Value> items;
  Extent extent;
  Integer start = 0, stop = 0, step = 1;  // of a range

  bool is_tuple() const { return form == Form::kTuple || form == Form::kGroup; }
};

// Keeps the order of insertion. Keys may be anything Python can hash.
struct Dict {
  std::vector<std::pair<Value, Value>> entries;
  Extent extent;

  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  void set(Value key, Value value);  // replaces in place when there; the key must be hashable

 private:
  std::unordered_multimap<size_t, size_t> index_;  // hash to position, once there are more than a few
  size_t locate(const Value& key) const;
};

using List = std::vector<Value>;

// Errors: nesting or weight past the bounds above.
Result<Value> make_sequence(List items, Sequence::Form form = Sequence::Form::kList);
Result<Value> make_dict(Dict dict);
inline Result<Value> make_tuple(List items) {
  return make_sequence(std::move(items), Sequence::Form::kTuple);
}

Result<Value> from_json(const nlohmann::ordered_json& json);

bool is_truthy(const Value& value);
bool is_hashable(const Value& value);
size_t hash(const Value& value);
// Python's type name, for messages: "str", "list", "NoneType", …
std::string_view type_name(const Value& value);

}  // namespace isthmus::jinja
