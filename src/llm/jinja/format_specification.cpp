// SPDX-License-Identifier: Apache-2.0
// One value by a format specification such as ">10", "05d" or ",.2f".
#include <algorithm>
#include <cmath>

#include "llm/jinja/format.h"
#include "llm/jinja/unicode.h"

namespace isthmus::jinja {
namespace {

constexpr Integer kMaxWidth = 100'000;

struct Specification {
  std::string fill = " ";
  char align = 0;  // one of < > = ^
  char sign = '-';
  bool alternate = false;
  Integer width = 0;
  char grouping = 0;
  std::optional<int> precision;
  char type = 0;
};

bool is_align(char c) { return c == '<' || c == '>' || c == '=' || c == '^'; }

Result<Specification> parse(std::string_view text) {
  Specification result;
  size_t fill = 0;
  if (!text.empty()) next_character(text, fill);
  if (fill > 0 && fill < text.size() && is_align(text[fill])) {
    result.fill = text.substr(0, fill);
    result.align = text[fill];
    text.remove_prefix(fill + 1);
  } else if (!text.empty() && is_align(text[0])) {
    result.align = text[0];
    text.remove_prefix(1);
  }
  const auto take = [&](std::string_view any, char& into) {
    if (text.empty() || any.find(text[0]) == std::string_view::npos) return false;
    into = text[0];
    text.remove_prefix(1);
    return true;
  };
  const auto number = [&]() -> Result<Integer> {
    Integer value = 0;
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
      value = value * 10 + (text[0] - '0');
      if (value > kMaxWidth)
        return error(Code::kOutOfRange, "a format asks for a width of more than {}", int{kMaxWidth});
      text.remove_prefix(1);
    }
    return value;
  };
  char ignored = 0;
  take("+- ", result.sign);
  result.alternate = take("#", ignored);
  if (take("0", ignored)) {
    if (result.align == 0) result.align = '=', result.fill = "0";
  }
  ASSIGN_OR_RETURN(result.width, number());
  take(",_", result.grouping);
  if (take(".", ignored)) {
    if (text.empty() || text[0] < '0' || text[0] > '9')
      return invalid_argument("the precision of a format is missing");
    ASSIGN_OR_RETURN(const Integer precision, number());
    result.precision = static_cast<int>(precision);
  }
  take("bcdeEfFgGnosxX%", result.type);
  if (!text.empty()) return invalid_argument("the format specification has unknown characters: '{}'", text);
  return result;
}

std::string pad(const Specification& spec, std::string_view sign, std::string body, char natural) {
  const Integer missing = spec.width - static_cast<Integer>(sign.size() + count_characters(body));
  std::string left, right;
  const char align = spec.align ? spec.align : natural;
  const Integer before = missing <= 0 ? 0 : align == '<' ? 0 : align == '^' ? missing / 2 : missing;
  for (Integer i = 0; i < before; i++) left += spec.fill;
  for (Integer i = before; i < missing; i++) right += spec.fill;
  if (align == '=') return std::string(sign) + left + body;
  return left + std::string(sign) + body + right;
}

std::string group(std::string digits, char separator, size_t size) {
  for (size_t at = digits.size(); separator && at > size;) {
    at -= size;
    digits.insert(at, 1, separator);
  }
  return digits;
}

std::string in_base(Integer value, int base) {
  std::string digits;
  do {
    digits.insert(digits.begin(), "0123456789abcdef"[static_cast<size_t>(value % base)]);
    value /= base;
  } while (value != 0);
  return digits;
}

Result<std::string> format_whole(const Specification& spec, Integer value) {
  const bool negative = value < 0;
  if (negative) value = -value;
  std::string sign = negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  std::string digits;
  switch (spec.type) {
    case 'x':
    case 'X': digits = group(in_base(value, 16), spec.grouping, 4); break;
    case 'o': digits = group(in_base(value, 8), spec.grouping, 4); break;
    case 'b': digits = group(in_base(value, 2), spec.grouping, 4); break;
    default: digits = group(format_integer(value), spec.grouping, 3);
  }
  if (spec.alternate && (spec.type == 'x' || spec.type == 'X' || spec.type == 'o' || spec.type == 'b')) {
    sign += '0';
    sign += spec.type;
  }
  if (spec.type == 'X') digits = to_upper(digits);
  return pad(spec, sign, std::move(digits), '>');
}

// Digits of a float in the way `type` asks for, without the sign.
std::string float_digits(const Specification& spec, double value) {
  const int precision = spec.precision.value_or(6);
  if (std::isinf(value) || std::isnan(value)) return std::isnan(value) ? "nan" : "inf";
  switch (spec.type) {
    case 'e':
    case 'E': return fmt::format("{:.{}e}", value, precision);
    case 'f':
    case 'F': return fmt::format("{:.{}f}", value, precision);
    case '%': return fmt::format("{:.{}f}", value * 100, precision);
    case 'g':
    case 'G':
    case 'n': return fmt::format("{:.{}g}", value, std::max(precision, 1));
    default: break;
  }
  if (!spec.precision) return format_float(value);
  // Like g, but always with a digit behind the point unless there is an exponent.
  std::string digits = fmt::format("{:.{}g}", value, std::max(precision, 1));
  if (digits.find_first_of(".e") == std::string::npos) digits += ".0";
  return digits;
}

Result<std::string> format_real(const Specification& spec, double value) {
  const bool negative = std::signbit(value) && !std::isnan(value);
  std::string digits = float_digits(spec, std::abs(value));
  if (spec.grouping && std::isfinite(value)) {
    const size_t whole = std::min(digits.find_first_of(".e"), digits.size());
    digits = group(digits.substr(0, whole), spec.grouping, 3) + digits.substr(whole);
  }
  if (spec.type == 'E' || spec.type == 'G' || spec.type == 'F') digits = to_upper(digits);
  if (spec.type == '%') digits += '%';
  const std::string sign = negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  return pad(spec, sign, std::move(digits), '>');
}

}  // namespace

Result<std::string> format_by_specification(Runtime& runtime, const Value& value,
                                            std::string_view specification) {
  if (specification.empty()) return to_text(runtime, value);
  if (value.is_undefined()) return invalid_argument("{}", value.undefined_message());
  ASSIGN_OR_RETURN(const Specification spec, parse(specification));
  RETURN_IF_ERROR(runtime.charge(static_cast<uint64_t>(spec.width) * spec.fill.size()));
  const bool whole = spec.type == 0 || std::string_view("bcdnoxX").find(spec.type) != std::string_view::npos;
  if (value.is_string()) {
    if ((spec.type != 0 && spec.type != 's') || spec.align == '=' || spec.sign != '-' || spec.grouping)
      return invalid_argument("the format '{}' does not suit a string", specification);
    std::string text = value.as_string();
    if (spec.precision) text = to_utf8(to_characters(text).substr(0, static_cast<size_t>(*spec.precision)));
    return pad(spec, "", std::move(text), '<');
  }
  if (value.is_integral() && whole) {
    if (spec.precision)
      return invalid_argument("the format '{}' gives an integer a precision", specification);
    return format_whole(spec, value.as_integer());
  }
  if (value.is_number() &&
      (spec.type == 0 || std::string_view("eEfFgGn%").find(spec.type) != std::string_view::npos))
    return format_real(spec, value.as_float());
  return invalid_argument("the format '{}' does not suit a value of type '{}'", specification,
                          type_name(value));
}

}  // namespace isthmus::jinja
