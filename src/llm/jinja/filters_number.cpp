// SPDX-License-Identifier: Apache-2.0
// Filters on numbers: conversion and rounding.
#include <cmath>
#include <cstdlib>

#include "llm/jinja/filters.h"
#include "llm/jinja/format.h"
#include "llm/jinja/lex_literal.h"
#include "llm/jinja/operators.h"

namespace isthmus::jinja {
namespace {

// Python's int(value) of a float: towards zero; nothing for infinities, NaN and what 127 bits do not hold.
std::optional<Integer> truncate(double value) {
  if (!(std::abs(value) < 1.7e38)) return std::nullopt;
  return static_cast<Integer>(value);
}

Result<Value> to_int(Runtime&, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("int", arguments, {"default", "base"}));
  ASSIGN_OR_RETURN(const Integer base, parameters.integer(1, 10));
  if (input.is_undefined()) return invalid_argument("{}", input.undefined_message());
  if (input.is_integral()) return Value(input.as_integer());
  std::optional<Integer> value;
  if (input.is(Value::Kind::kFloat)) value = truncate(input.as_float());
  if (input.is_string()) {
    if (base == 0 || (base >= 2 && base <= 36))
      value = read_integer(input.as_string(), static_cast<int>(base));
    if (!value)
      if (const auto number = read_float(input.as_string())) value = truncate(*number);
  }
  if (value) return Value(*value);
  return parameters.has(0) ? parameters[0] : Value(0);
}

Result<Value> to_float(Runtime&, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("float", arguments, {"default"}));
  if (input.is_undefined()) return invalid_argument("{}", input.undefined_message());
  if (input.is_number()) return Value(input.as_float());
  if (input.is_string())
    if (const auto value = read_float(input.as_string())) return Value(*value);
  return parameters.has(0) ? parameters[0] : Value(0.0);
}

Result<Value> absolute(Runtime&, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("abs", arguments, {}).status());
  if (input.is(Value::Kind::kFloat)) return Value(std::abs(input.as_float()));
  if (!input.is_integral()) return invalid_argument("'abs' needs a number, not '{}'", type_name(input));
  return input.as_integer() < 0 ? negate(input) : Result<Value>(Value(input.as_integer()));
}

// To the nearest at this many decimals, ties to even, judged by the exact value as Python does.
double round_decimals(double value, int decimals) {
  if (!std::isfinite(value) || decimals > 340) return value;
  if (decimals >= 0) return std::strtod(fmt::format("{:.{}f}", value, decimals).c_str(), nullptr);
  if (decimals < -308) return std::copysign(0.0, value);
  const double unit = std::pow(10.0, -decimals);
  return std::nearbyint(value / unit) * unit;
}

Result<Value> round_integer(Integer value, Integer decimals) {
  if (decimals >= 0) return Value(value);
  if (decimals < -38) return Value(0);
  Integer unit = 1;
  for (Integer i = 0; i < -decimals; i++)
    if (__builtin_mul_overflow(unit, Integer{10}, &unit)) return Value(0);
  Integer quotient = value / unit, rest = value % unit;
  if (rest < 0) rest += unit, quotient--;
  const Integer twice = rest > unit / 2 ? 1 : rest == unit / 2 ? 0 : -1;
  if (twice > 0 || (twice == 0 && (quotient & 1))) quotient++;
  return Value(quotient * unit);
}

Result<Value> round_number(Runtime&, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::bind("round", arguments, {"precision", "method"}));
  ASSIGN_OR_RETURN(const Integer precision, parameters.integer(0, 0));
  ASSIGN_OR_RETURN(const std::string method, parameters.string(1, "common"));
  if (method != "common" && method != "ceil" && method != "floor")
    return invalid_argument("the method of 'round' must be 'common', 'ceil' or 'floor', not '{}'", method);
  if (!input.is_number()) {
    if (input.is_undefined()) return invalid_argument("{}", input.undefined_message());
    return invalid_argument("'round' needs a number, not '{}'", type_name(input));
  }
  const auto decimals = static_cast<int>(std::min<Integer>(std::max<Integer>(precision, -400), 400));
  if (method == "common") {
    if (input.is_integral()) return round_integer(input.as_integer(), precision);
    return Value(round_decimals(input.as_float(), decimals));
  }
  const double scale = std::pow(10.0, decimals);
  const double scaled = input.as_float() * scale;
  if (!std::isfinite(scaled) || scale == 0) return invalid_argument("the number is too large to be rounded");
  // Python rounds to an integer here, which has no negative zero; adding zero takes the sign off.
  return Value(((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) + 0.0) / scale);
}

Result<Value> filesizeformat(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("filesizeformat", arguments, {"binary"}));
  Arguments none;
  ASSIGN_OR_RETURN(const Value number, to_float(runtime, input, none));
  const double bytes = number.as_float(), base = parameters.truthy(0) ? 1024 : 1000;
  if (!std::isfinite(bytes)) return invalid_argument("'filesizeformat' needs a finite number");
  if (bytes == 1) return Value("1 Byte");
  if (bytes < base) return Value(format_integer(truncate(bytes).value_or(0)) + " Bytes");
  static constexpr std::string_view kUnits = "kMGTPEZY";
  double unit = base * base;
  size_t i = 0;
  for (; i + 1 < kUnits.size() && bytes >= unit; i++) unit *= base;
  const std::string prefix =
      parameters.truthy(0) ? (i == 0 ? "K" : std::string(1, kUnits[i])) + "i" : std::string(1, kUnits[i]);
  return Value(fmt::format("{:.1f} {}B", base * bytes / unit, prefix));
}

constexpr std::pair<std::string_view, Filter> kFilters[] = {
    {"int", to_int},
    {"float", to_float},
    {"abs", absolute},
    {"round", round_number},
    {"filesizeformat", filesizeformat},
};

}  // namespace

FilterTable number_filters() { return kFilters; }

}  // namespace isthmus::jinja
