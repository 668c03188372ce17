// SPDX-License-Identifier: Apache-2.0
// Arithmetic with Python's meanings.
#include "llm/jinja/operators.h"

#include <cmath>

#include "llm/jinja/format.h"

namespace isthmus::jinja {
namespace {

Status no_meaning(std::string_view symbol, const Value& a, const Value& b) {
  if (a.is_undefined()) return invalid_argument("{}", a.undefined_message());
  if (b.is_undefined()) return invalid_argument("{}", b.undefined_message());
  return invalid_argument("'{}' has no meaning between '{}' and '{}'", symbol, type_name(a), type_name(b));
}

Status overflow() { return error(Code::kOutOfRange, "an integer grew past 127 bits"); }

// Rounds towards minus infinity, as // does.
Integer floor_divide(Integer a, Integer b) {
  const Integer quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

double floor_modulo(double a, double b) {
  double rest = std::fmod(a, b);
  if (rest != 0 && (rest < 0) != (b < 0)) rest += b;
  return rest == 0 ? std::copysign(0.0, b) : rest;
}

double floor_quotient(double a, double b) {
  const double rest = floor_modulo(a, b);
  const double quotient = (a - rest) / b;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floored = std::floor(quotient);
  return quotient - floored > 0.5 ? floored + 1 : floored;
}

Result<Value> power(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral() && b.as_integer() >= 0) {
    Integer result = 1, base = a.as_integer();
    for (Integer exponent = b.as_integer(); exponent != 0; exponent >>= 1) {
      if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) return overflow();
      if (exponent > 1 && __builtin_mul_overflow(base, base, &base)) return overflow();
    }
    return Value(result);
  }
  const double x = a.as_float(), y = b.as_float();
  if (x == 0 && y < 0) return invalid_argument("zero cannot be raised to a negative power");
  const double result = std::pow(x, y);
  if (std::isnan(result) && !std::isnan(x) && !std::isnan(y))
    return invalid_argument("a negative number cannot be raised to a fraction");
  if (std::isinf(result) && std::isfinite(x) && std::isfinite(y))
    return error(Code::kOutOfRange, "the result of '**' is too large");
  return Value(result);
}

Result<Value> integers(char symbol, Integer a, Integer b) {
  Integer result = 0;
  switch (symbol) {
    case '+':
      if (__builtin_add_overflow(a, b, &result)) return overflow();
      return Value(result);
    case '-':
      if (__builtin_sub_overflow(a, b, &result)) return overflow();
      return Value(result);
    case '*':
      if (__builtin_mul_overflow(a, b, &result)) return overflow();
      return Value(result);
    default: break;
  }
  if (b == 0) return invalid_argument("division by zero");
  if (b == -1) return symbol == '%' ? Result<Value>(Value(0)) : negate(Value(a));
  return Value(symbol == '%' ? a - floor_divide(a, b) * b : floor_divide(a, b));
}

Result<Value> numbers(std::string_view symbol, const Value& a, const Value& b) {
  if (symbol == "**") return power(a, b);
  if (symbol == "/") {
    if (b.as_float() == 0) return invalid_argument("division by zero");
    // Integers a double does not hold would be rounded before they are divided.
    const auto is_wide = [](const Value& value) {
      constexpr Integer kExact = Integer{1} << 53;
      return value.is_integral() && (value.as_integer() > kExact || value.as_integer() < -kExact);
    };
    if (a.is_integral() && b.is_integral() && (is_wide(a) || is_wide(b)))
      return Value(static_cast<double>(static_cast<long double>(a.as_integer()) /
                                       static_cast<long double>(b.as_integer())));
    return Value(a.as_float() / b.as_float());
  }
  const char kind = symbol == "//" ? '/' : symbol[0];
  if (a.is_integral() && b.is_integral()) return integers(kind, a.as_integer(), b.as_integer());
  const double x = a.as_float(), y = b.as_float();
  switch (kind) {
    case '+': return Value(x + y);
    case '-': return Value(x - y);
    case '*': return Value(x * y);
    default: break;
  }
  if (y == 0) return invalid_argument("division by zero");
  return Value(kind == '%' ? floor_modulo(x, y) : floor_quotient(x, y));
}

Result<Value> repeat(Runtime& runtime, const Value& value, Integer count) {
  const bool is_text = value.is_string();
  const size_t size = is_text ? value.as_string().size() : value.sequence().items.size() * sizeof(Value);
  if (count < 0 || size == 0) count = 0;
  if (count > Integer{1} << 40) count = Integer{1} << 40;
  RETURN_IF_ERROR(runtime.charge(static_cast<uint64_t>(count) * std::min<uint64_t>(size, uint64_t{1} << 20)));
  if (is_text) {
    std::string text;
    for (Integer i = 0; i < count; i++) text += value.as_string();
    return runtime.text(std::move(text), value.text().markup);
  }
  List items;
  for (Integer i = 0; i < count; i++)
    items.insert(items.end(), value.sequence().items.begin(), value.sequence().items.end());
  return runtime.list(std::move(items), value.sequence().form);
}

bool can_repeat(const Value& value) {
  return value.is_string() ||
         (value.is(Value::Kind::kSequence) &&
          (value.sequence().form == Sequence::Form::kList || value.sequence().is_tuple()));
}

}  // namespace

Result<Value> add(Runtime& runtime, const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return numbers("+", a, b);
  if (a.is_string() && b.is_string()) {
    const Text &x = a.text(), &y = b.text();
    RETURN_IF_ERROR(runtime.charge(x.bytes.size() + y.bytes.size()));
    if (x.markup == y.markup) return Value(x.bytes + y.bytes, x.markup);
    return runtime.text(
        (x.markup ? x.bytes : escape_html(x.bytes)) + (y.markup ? y.bytes : escape_html(y.bytes)), true);
  }
  if (a.is(Value::Kind::kSequence) && b.is(Value::Kind::kSequence)) {
    const Sequence &x = a.sequence(), &y = b.sequence();
    const bool lists = x.form == Sequence::Form::kList && y.form == Sequence::Form::kList;
    if (lists || (x.is_tuple() && y.is_tuple())) {
      RETURN_IF_ERROR(runtime.charge((x.items.size() + y.items.size()) * sizeof(Value)));
      List items = x.items;
      items.insert(items.end(), y.items.begin(), y.items.end());
      return make_sequence(std::move(items), lists ? Sequence::Form::kList : Sequence::Form::kTuple);
    }
  }
  return no_meaning("+", a, b);
}

Result<Value> negate(const Value& value) {
  if (value.is(Value::Kind::kFloat)) return Value(-value.as_float());
  if (!value.is_number()) {
    if (value.is_undefined()) return invalid_argument("{}", value.undefined_message());
    return invalid_argument("'-' has no meaning for '{}'", type_name(value));
  }
  Integer result = 0;
  if (__builtin_sub_overflow(Integer{0}, value.as_integer(), &result)) return overflow();
  return Value(result);
}

Result<Value> binary(Runtime& runtime, std::string_view symbol, const Value& a, const Value& b) {
  if (symbol == "+") return add(runtime, a, b);
  if (a.is_number() && b.is_number()) return numbers(symbol, a, b);
  if (symbol == "%" && a.is_string()) return format_percent(runtime, a.text(), b);
  if (symbol == "*") {
    if (can_repeat(a) && b.is_integral()) return repeat(runtime, a, b.as_integer());
    if (can_repeat(b) && a.is_integral()) return repeat(runtime, b, a.as_integer());
  }
  return no_meaning(symbol, a, b);
}

}  // namespace isthmus::jinja
