// SPDX-License-Identifier: Apache-2.0
// The built-in tests, what may follow `is`.
#include <algorithm>
#include <unordered_map>

#include "llm/jinja/compare.h"
#include "llm/jinja/format.h"
#include "llm/jinja/operators.h"
#include "llm/jinja/runtime.h"
#include "llm/jinja/text_methods.h"
#include "llm/jinja/unicode.h"

namespace isthmus::jinja {
namespace {

// Tests without an argument that look at nothing but the value.
template <bool (*kHolds)(const Value&)>
Result<bool> simple(Runtime&, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("test", arguments, {}).status());
  return kHolds(input);
}

bool is_defined(const Value& value) { return !value.is_undefined(); }
bool is_undefined(const Value& value) { return value.is_undefined(); }
bool is_none(const Value& value) { return value.is_none(); }
bool is_boolean(const Value& value) { return value.is(Value::Kind::kBool); }
bool is_true(const Value& value) { return value.is(Value::Kind::kBool) && value.as_bool(); }
bool is_false(const Value& value) { return value.is(Value::Kind::kBool) && !value.as_bool(); }
bool is_integer(const Value& value) { return value.is(Value::Kind::kInteger); }
bool is_float(const Value& value) { return value.is(Value::Kind::kFloat); }
bool is_number(const Value& value) { return value.is_number(); }
bool is_string(const Value& value) { return value.is_string(); }
bool is_mapping(const Value& value) { return value.is(Value::Kind::kDict); }
bool is_escaped(const Value& value) { return value.is_string() && value.text().markup; }

bool is_callable(const Value& value) {
  // An undefined value has a call operator in Python, though all it does is fail.
  return value.is_undefined() || (value.is(Value::Kind::kObject) && value.object()->callable());
}

// What has a length and items by index; mappings and undefined values count.
bool is_sequence(const Value& value) {
  if (value.is(Value::Kind::kSequence)) {
    const Sequence::Form form = value.sequence().form;
    return form < Sequence::Form::kKeys || form > Sequence::Form::kItems;
  }
  return value.is_undefined() || value.is_string() || value.is(Value::Kind::kDict);
}

bool is_iterable(const Value& value) {
  if (value.is(Value::Kind::kObject))
    return dynamic_cast<Generator*>(value.object().get()) || value.object()->length().has_value();
  return value.is_undefined() || value.is_string() || value.is(Value::Kind::kSequence) ||
         value.is(Value::Kind::kDict);
}

Result<bool> is_case(Runtime& runtime, const Value& input, Arguments& arguments, std::string_view method) {
  RETURN_IF_ERROR(Parameters::bind("test", arguments, {}).status());
  ASSIGN_OR_RETURN(std::string text, to_text(runtime, input));
  Arguments none;
  ASSIGN_OR_RETURN(const Value result, find_text_method(method)(runtime, Value(std::move(text)), none));
  return is_truthy(result);
}

Result<bool> is_lower_case(Runtime& runtime, const Value& input, Arguments& arguments) {
  return is_case(runtime, input, arguments, "islower");
}

Result<bool> is_upper_case(Runtime& runtime, const Value& input, Arguments& arguments) {
  return is_case(runtime, input, arguments, "isupper");
}

Result<bool> remainder_is(Runtime& runtime, const Value& input, const Value& divisor, int rest) {
  ASSIGN_OR_RETURN(const Value remainder, binary(runtime, "%", input, divisor));
  return equal(remainder, Value(rest));
}

Result<bool> is_odd(Runtime& runtime, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("odd", arguments, {}).status());
  return remainder_is(runtime, input, Value(2), 1);
}

Result<bool> is_even(Runtime& runtime, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("even", arguments, {}).status());
  return remainder_is(runtime, input, Value(2), 0);
}

Result<bool> is_divisible(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("divisibleby", arguments, {"num"}, 1));
  return remainder_is(runtime, input, parameters[0], 0);
}

Result<bool> is_equal(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("==", arguments, {"other"}, 1));
  return runtime.equal(input, parameters[0]);
}

Result<bool> is_unequal(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const bool equal, is_equal(runtime, input, arguments));
  return !equal;
}

// kSigns: which results of order() make the test hold.
template <bool kLess, bool kEqual, bool kGreater>
Result<bool> is_ordered(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("comparison", arguments, {"other"}, 1));
  RETURN_IF_ERROR(runtime.step(std::min(extent_of(input).weight, extent_of(parameters[0]).weight)));
  ASSIGN_OR_RETURN(const int sign, order(input, parameters[0], kLess ? "<" : ">"));
  return (kLess && sign == -1) || (kEqual && sign == 0) || (kGreater && sign == 1);
}

Result<bool> is_in(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("in", arguments, {"seq"}, 1));
  return contains(runtime, parameters[0], input);
}

Result<bool> is_same(Runtime&, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("sameas", arguments, {"other"}, 1));
  return input.same_as(parameters[0]);
}

Result<bool> is_filter(Runtime&, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("filter", arguments, {}).status());
  return input.is_string() && find_filter(input.as_string());
}

Result<bool> is_test(Runtime&, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("test", arguments, {}).status());
  return input.is_string() && find_test(input.as_string());
}

constexpr auto kLess = is_ordered<true, false, false>;
constexpr auto kLessOrEqual = is_ordered<true, true, false>;
constexpr auto kGreater = is_ordered<false, false, true>;
constexpr auto kGreaterOrEqual = is_ordered<false, true, true>;

}  // namespace

Test find_test(std::string_view name) {
  static const std::unordered_map<std::string_view, Test> table = {
      {"defined", simple<is_defined>},
      {"undefined", simple<is_undefined>},
      {"none", simple<is_none>},
      {"boolean", simple<is_boolean>},
      {"true", simple<is_true>},
      {"false", simple<is_false>},
      {"integer", simple<is_integer>},
      {"float", simple<is_float>},
      {"number", simple<is_number>},
      {"string", simple<is_string>},
      {"mapping", simple<is_mapping>},
      {"sequence", simple<is_sequence>},
      {"iterable", simple<is_iterable>},
      {"callable", simple<is_callable>},
      {"escaped", simple<is_escaped>},
      {"lower", is_lower_case},
      {"upper", is_upper_case},
      {"odd", is_odd},
      {"even", is_even},
      {"divisibleby", is_divisible},
      {"sameas", is_same},
      {"in", is_in},
      {"filter", is_filter},
      {"test", is_test},
      {"==", is_equal},
      {"eq", is_equal},
      {"equalto", is_equal},
      {"!=", is_unequal},
      {"ne", is_unequal},
      {"<", kLess},
      {"lt", kLess},
      {"lessthan", kLess},
      {"<=", kLessOrEqual},
      {"le", kLessOrEqual},
      {">", kGreater},
      {"gt", kGreater},
      {"greaterthan", kGreater},
      {">=", kGreaterOrEqual},
      {"ge", kGreaterOrEqual},
  };
  const auto it = table.find(name);
  return it == table.end() ? nullptr : it->second;
}

}  // namespace isthmus::jinja
