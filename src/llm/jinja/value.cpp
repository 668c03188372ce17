// SPDX-License-Identifier: Apache-2.0
// The values a template computes with: making, hashing and looking into them.
#include "llm/jinja/value.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "llm/jinja/compare.h"
#include "llm/jinja/object.h"

namespace isthmus::jinja {
namespace {

constexpr size_t kNowhere = static_cast<size_t>(-1);
// Below this many entries a walk is quicker than an index.
constexpr size_t kIndexedFrom = 12;

size_t mix(size_t seed, size_t value) {
  return seed ^ (value + 0x9E3779B97F4A7C15 + (seed << 6) + (seed >> 2));
}

// Nesting is checked before descending, so recursion here is bounded too.
Result<Value> convert(const nlohmann::ordered_json& json, uint32_t depth) {
  using Type = nlohmann::ordered_json::value_t;
  if (depth > kMaxNesting) return invalid_argument("JSON nested more than {} levels deep", kMaxNesting);
  switch (json.type()) {
    case Type::null: return Value(None());
    case Type::boolean: return Value(json.get<bool>());
    case Type::number_integer: return Value(static_cast<Integer>(json.get<int64_t>()));
    case Type::number_unsigned: return Value(static_cast<Integer>(json.get<uint64_t>()));
    case Type::number_float: return Value(json.get<double>());
    case Type::string: return Value(json.get_ref<const std::string&>());
    case Type::array: {
      List items;
      items.reserve(json.size());
      for (const auto& item : json) {
        ASSIGN_OR_RETURN(Value value, convert(item, depth + 1));
        items.push_back(std::move(value));
      }
      return make_sequence(std::move(items));
    }
    case Type::object: {
      Dict dict;
      for (const auto& [key, item] : json.items()) {
        ASSIGN_OR_RETURN(Value value, convert(item, depth + 1));
        dict.set(Value(key), std::move(value));
      }
      return make_dict(std::move(dict));
    }
    default: return invalid_argument("JSON of binary type has no meaning in a template");
  }
}

}  // namespace

Value Value::undefined(std::string message) {
  Value value;
  value.data_ = std::make_shared<const Undefined>(Undefined{std::move(message)});
  return value;
}

std::string Value::undefined_message() const {
  const auto& undefined = std::get<std::shared_ptr<const Undefined>>(data_);
  return undefined ? undefined->message : "the value is undefined";
}

Integer Value::as_integer() const { return is(Kind::kBool) ? Integer{as_bool()} : std::get<Integer>(data_); }

double Value::as_float() const {
  return is(Kind::kFloat) ? std::get<double>(data_) : static_cast<double>(as_integer());
}

bool Value::same_as(const Value& other) const {
  if (kind() != other.kind()) return false;
  switch (kind()) {
    case Kind::kUndefined:
    case Kind::kSequence:
    case Kind::kDict:
    case Kind::kObject:
      return data_.index() == other.data_.index() && [&] {
        if (is(Kind::kSequence)) return &sequence() == &other.sequence();
        if (is(Kind::kDict)) return &dict() == &other.dict();
        if (is(Kind::kObject)) return object() == other.object();
        return std::get<0>(data_) == std::get<0>(other.data_);
      }();
    default: return equal(*this, other);
  }
}

Extent extent_of(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kString: return {0, 1 + value.as_string().size() / 16};
    case Value::Kind::kSequence: return value.sequence().extent;
    case Value::Kind::kDict: return value.dict().extent;
    case Value::Kind::kObject: return value.object()->extent;
    default: return {};
  }
}

void Extent::add(const Value& inner) {
  const Extent other = extent_of(inner);
  nesting = std::max(nesting, other.nesting + 1);
  weight = std::min(weight + other.weight, 2 * kMaxWeight);
}

Status check(const Extent& extent) {
  if (extent.nesting > kMaxNesting)
    return error(Code::kOutOfRange, "a list or dictionary is nested more than {} levels deep", kMaxNesting);
  if (extent.weight > kMaxWeight)
    return error(Code::kOutOfRange, "a list or dictionary holds more than {} values", kMaxWeight);
  return ok();
}

Result<Value> make_sequence(List items, Sequence::Form form) {
  auto sequence = std::make_shared<Sequence>();
  for (const Value& item : items) sequence->extent.add(item);
  RETURN_IF_ERROR(check(sequence->extent));
  sequence->form = form;
  sequence->items = std::move(items);
  return Value(std::shared_ptr<const Sequence>(std::move(sequence)));
}

Result<Value> make_dict(Dict dict) {
  RETURN_IF_ERROR(check(dict.extent));
  return Value(std::shared_ptr<const Dict>(std::make_shared<Dict>(std::move(dict))));
}

Result<Value> from_json(const nlohmann::ordered_json& json) { return convert(json, 0); }

size_t Dict::locate(const Value& key) const {
  if (entries.size() < kIndexedFrom) {
    for (size_t i = 0; i < entries.size(); i++)
      if (equal(entries[i].first, key)) return i;
    return kNowhere;
  }
  const auto [begin, end] = index_.equal_range(hash(key));
  for (auto it = begin; it != end; ++it)
    if (equal(entries[it->second].first, key)) return it->second;
  return kNowhere;
}

const Value* Dict::find(const Value& key) const {
  const size_t at = locate(key);
  return at == kNowhere ? nullptr : &entries[at].second;
}

const Value* Dict::find(std::string_view key) const {
  if (entries.size() >= kIndexedFrom) return find(Value(key));
  for (const auto& [name, value] : entries)
    if (name.is_string() && name.as_string() == key) return &value;
  return nullptr;
}

void Dict::set(Value key, Value value) {
  extent.add(key);
  extent.add(value);
  if (const size_t at = locate(key); at != kNowhere) {
    entries[at].second = std::move(value);
    return;
  }
  entries.emplace_back(std::move(key), std::move(value));
  if (entries.size() == kIndexedFrom) {
    for (size_t i = 0; i < entries.size(); i++) index_.emplace(hash(entries[i].first), i);
  } else if (entries.size() > kIndexedFrom) {
    index_.emplace(hash(entries.back().first), entries.size() - 1);
  }
}

bool is_truthy(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kUndefined:
    case Value::Kind::kNone: return false;
    case Value::Kind::kBool:
    case Value::Kind::kInteger: return value.as_integer() != 0;
    case Value::Kind::kFloat: return value.as_float() != 0;
    case Value::Kind::kString: return !value.as_string().empty();
    case Value::Kind::kSequence: return !value.sequence().items.empty();
    case Value::Kind::kDict: return !value.dict().entries.empty();
    case Value::Kind::kObject: return value.object()->length().value_or(1) != 0;
  }
  return false;
}

bool is_hashable(const Value& value) {
  if (value.is(Value::Kind::kDict)) return false;
  if (!value.is(Value::Kind::kSequence)) return true;
  const Sequence& sequence = value.sequence();
  if (sequence.form == Sequence::Form::kRange) return true;
  if (!sequence.is_tuple()) return false;
  return std::all_of(sequence.items.begin(), sequence.items.end(), is_hashable);
}

// Numbers that compare equal hash alike, whatever their type.
size_t hash(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kBool:
    case Value::Kind::kInteger:
    case Value::Kind::kFloat: return std::hash<double>()(value.as_float());
    case Value::Kind::kString: return std::hash<std::string>()(value.as_string());
    case Value::Kind::kSequence: {
      size_t result = 17;
      for (const Value& item : value.sequence().items) result = mix(result, hash(item));
      return result;
    }
    case Value::Kind::kObject: return std::hash<const void*>()(value.object().get());
    default: return static_cast<size_t>(value.kind());
  }
}

std::string_view type_name(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kUndefined: return "Undefined";
    case Value::Kind::kNone: return "NoneType";
    case Value::Kind::kBool: return "bool";
    case Value::Kind::kInteger: return "int";
    case Value::Kind::kFloat: return "float";
    case Value::Kind::kString: return value.text().markup ? "Markup" : "str";
    case Value::Kind::kDict: return "dict";
    case Value::Kind::kObject: return value.object()->type_name();
    case Value::Kind::kSequence: break;
  }
  switch (value.sequence().form) {
    case Sequence::Form::kList: return "list";
    case Sequence::Form::kTuple:
    case Sequence::Form::kGroup: return "tuple";
    case Sequence::Form::kKeys: return "dict_keys";
    case Sequence::Form::kValues: return "dict_values";
    case Sequence::Form::kItems: return "dict_items";
    case Sequence::Form::kRange: return "range";
  }
  return "object";
}

}  // namespace isthmus::jinja
