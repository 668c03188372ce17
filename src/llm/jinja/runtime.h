// SPDX-License-Identifier: Apache-2.0
// What filters, tests, methods and functions see of the interpreter: the bounds of a rendering, and calls
// back.
#pragma once

#include <ctime>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "llm/jinja/object.h"
#include "llm/jinja/value.h"

namespace isthmus::jinja {

// Bounds of one rendering; templates come inside other people's models. The defaults are far above what any
// known chat template needs for a conversation of a million tokens.
struct Limits {
  uint64_t steps = 100'000'000;  // expressions and statements evaluated, values compared
  uint32_t depth = 1000;  // nested expressions, statements and macro calls; each takes up to 3 KB of stack
  uint64_t output_bytes = uint64_t{256} << 20;   // of the rendered text, and of any one string
  uint64_t allocated_bytes = uint64_t{4} << 30;  // summed over all values made
  std::optional<std::tm> now;                    // what strftime_now shows; the local time when absent
};

class Runtime {
 public:
  explicit Runtime(const Limits& limits) : limits_(limits) {}
  virtual ~Runtime() = default;

  const Limits& limits() const { return limits_; }
  Status step(uint64_t count = 1);
  // To be called before a value of about this size is made.
  Status charge(uint64_t bytes);

  virtual Result<Value> filter(std::string_view name, const Value& input, Arguments arguments) = 0;
  virtual Result<bool> test(std::string_view name, const Value& input, Arguments arguments) = 0;
  // Objects that can form rings: kept to the end of the rendering, then emptied.
  virtual void keep(std::shared_ptr<Object> object) = 0;

  Result<Value> call(const Value& callee, Arguments arguments);
  // Everything an iteration over the value gives; walks generators to their end.
  Result<List> items_of(const Value& value);
  Result<Value> list(List items, Sequence::Form form = Sequence::Form::kList);
  Result<Value> generator(List items, Status error = ok());
  Result<Value> function(std::string_view name, Function::Body body, const Value& self);
  Result<Value> text(std::string bytes, bool markup = false);
  Result<bool> equal(const Value& a, const Value& b);

 private:
  Limits limits_;
  uint64_t steps_ = 0;
  uint64_t bytes_ = 0;
};

// Matches a call's arguments with parameter names, as Python does.
class Parameters {
 public:
  // The first `required` names must be given. `arguments` must outlive this.
  static Result<Parameters> bind(std::string_view callee, Arguments& arguments,
                                 std::initializer_list<std::string_view> names, size_t required = 0);

  bool has(size_t i) const { return values_[i] != nullptr; }
  const Value& operator[](size_t i) const { return *values_[i]; }
  bool truthy(size_t i) const { return has(i) && is_truthy(*values_[i]); }
  // Absent or none.
  bool is_none(size_t i) const { return !has(i) || values_[i]->is_none(); }
  Result<Integer> integer(size_t i, Integer otherwise) const;
  Result<std::string> string(size_t i, std::string_view otherwise) const;

 private:
  std::string callee_;
  std::vector<std::string_view> names_;
  std::vector<const Value*> values_;
};

using Filter = Result<Value> (*)(Runtime&, const Value& input, Arguments&);
using Test = Result<bool> (*)(Runtime&, const Value& input, Arguments&);
using Method = Function::Body;

Filter find_filter(std::string_view name);  // null where there is none
Test find_test(std::string_view name);
// range, dict, namespace, raise_exception, strftime_now, …; undefined where there is none.
Value find_global(std::string_view name);

}  // namespace isthmus::jinja
