// SPDX-License-Identifier: Apache-2.0
// Numbers and string escapes as they are written in templates.
#include "llm/jinja/lex_literal.h"

#include <charconv>
#include <limits>

#include "llm/jinja/unicode.h"

namespace isthmus::jinja {
namespace {

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if ((c | 32) >= 'a' && (c | 32) <= 'z') return (c | 32) - 'a' + 10;
  return 99;
}

bool is_decimal(char c) { return c >= '0' && c <= '9'; }

// Length of digits in this base from `at`, single underscores between them allowed; 0 if none.
size_t digits_at(std::string_view text, size_t at, int base, bool leading_underscore = false) {
  size_t end = at;
  if (leading_underscore && end < text.size() && text[end] == '_') end++;
  if (end >= text.size() || digit_value(text[end]) >= base) return 0;
  while (end < text.size()) {
    if (digit_value(text[end]) < base) {
      end++;
    } else if (text[end] == '_' && end + 1 < text.size() && digit_value(text[end + 1]) < base) {
      end += 2;
    } else {
      break;
    }
  }
  return end - at;
}

std::string without_underscores(std::string_view text) {
  std::string out(text);
  std::erase(out, '_');
  return out;
}

int base_of_prefix(std::string_view text) {
  if (text.size() < 2 || text[0] != '0') return 10;
  switch (text[1] | 32) {
    case 'x': return 16;
    case 'o': return 8;
    case 'b': return 2;
    default: return 10;
  }
}

// Digits without sign or prefix. Nothing when they don't fit.
std::optional<Integer> accumulate(std::string_view digits, int base) {
  Integer value = 0;
  for (char c : digits) {
    if (c == '_') continue;
    if (digit_value(c) >= base || __builtin_mul_overflow(value, Integer{base}, &value) ||
        __builtin_add_overflow(value, Integer{digit_value(c)}, &value))
      return std::nullopt;
  }
  return value;
}

std::string_view strip(std::string_view text) { return strip_right(strip_left(text)); }

}  // namespace

size_t number_length(std::string_view text, bool behind_dot) {
  const size_t whole = digits_at(text, 0, 10);
  size_t end = whole;
  if (!behind_dot && end < text.size() && text[end] == '.')
    if (const size_t fraction = digits_at(text, end + 1, 10)) end += 1 + fraction;
  if (!behind_dot && end < text.size() && (text[end] | 32) == 'e') {
    size_t exponent = end + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) exponent++;
    if (const size_t digits = digits_at(text, exponent, 10)) end = exponent + digits;
  }
  if (end > whole) return end;
  if (const int base = base_of_prefix(text); base != 10)
    if (const size_t digits = digits_at(text, 2, base, true)) return 2 + digits;
  if (text[0] != '0') return whole;
  return digits_at(text, 0, 1);  // 012 is 0 and then 12, which no grammar allows side by side
}

Result<Value> parse_number(std::string_view text) {
  const int base = base_of_prefix(text);
  if (base == 10 && text.find_first_of(".eE") != std::string_view::npos) {
    if (const auto value = read_float(text)) return Value(*value);
  } else if (const auto value = accumulate(base == 10 ? text : text.substr(2), base)) {
    return Value(*value);
  }
  return invalid_argument("the number {} is out of range", text);
}

Result<std::string> unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    switch (c) {
      case '\n': break;
      case '\\':
      case '\'':
      case '"': out += c; break;
      case 'a': out += '\a'; break;
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case 't': out += '\t'; break;
      case 'v': out += '\v'; break;
      case 'N': return unimplemented("characters by name (\\N) are not supported");
      case 'x':
      case 'u':
      case 'U': {
        const size_t length = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        const auto value =
            text.size() - i - 1 < length ? std::nullopt : accumulate(text.substr(i + 1, length), 16);
        if (!value || text.substr(i + 1, length).find('_') != std::string_view::npos)
          return invalid_argument("\\{} must be followed by {} hexadecimal digits", c, length);
        if (*value > 0x10FFFF || (*value >= 0xD800 && *value <= 0xDFFF))
          return invalid_argument("\\{}{} is not a character", c, text.substr(i + 1, length));
        append(out, static_cast<char32_t>(*value));
        i += length;
        break;
      }
      default:
        if (c >= '0' && c <= '7') {
          char32_t value = 0;
          size_t end = i;
          for (; end < text.size() && end < i + 3 && text[end] >= '0' && text[end] <= '7'; end++)
            value = value * 8 + static_cast<char32_t>(text[end] - '0');
          append(out, value);
          i = end - 1;
        } else if (static_cast<unsigned char>(c) >= 0x80) {
          // Jinja turns such a letter into an escape of its own before it looks for escapes, so "\é" is
          // "\xe9".
          const char32_t letter = next_character(text, i);
          i--;
          const auto code = static_cast<uint32_t>(letter);
          out += code < 0x100     ? fmt::format("\\x{:02x}", code)
                 : code < 0x10000 ? fmt::format("\\u{:04x}", code)
                                  : fmt::format("\\U{:08x}", code);
        } else {
          out += '\\';
          out += c;
        }
    }
  }
  return out;
}

std::optional<Integer> read_integer(std::string_view text, int base) {
  text = strip(text);
  bool negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  const int prefix = base_of_prefix(text);
  if (prefix != 10 && (base == 0 || base == prefix)) {
    base = prefix;
    text.remove_prefix(2);
    if (!text.empty() && text[0] == '_') text.remove_prefix(1);
  } else if (base == 0) {
    base = 10;
    if (text.size() > 1 && text[0] == '0' && text.find_first_not_of("0_") != std::string_view::npos)
      return std::nullopt;
  }
  if (text.empty() || digits_at(text, 0, base) != text.size()) return std::nullopt;
  const auto value = accumulate(text, base);
  if (!value) return std::nullopt;
  return negative ? -*value : *value;
}

std::optional<double> read_float(std::string_view text) {
  text = strip(text);
  bool negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  std::string lower = to_lower(text);
  double value = 0;
  if (lower == "inf" || lower == "infinity") {
    value = std::numeric_limits<double>::infinity();
  } else if (lower == "nan") {
    value = std::numeric_limits<double>::quiet_NaN();
  } else {
    for (size_t i = 0; i < text.size(); i++)
      if (text[i] == '_' &&
          (i == 0 || i + 1 == text.size() || !is_decimal(text[i - 1]) || !is_decimal(text[i + 1])))
        return std::nullopt;
    const std::string digits = without_underscores(lower);
    if (digits.empty() || (!is_decimal(digits[0]) && digits[0] != '.')) return std::nullopt;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (end != digits.data() + digits.size() || failure == std::errc::invalid_argument) return std::nullopt;
    if (failure == std::errc::result_out_of_range) {
      const size_t e = digits.find('e');
      value = e != std::string::npos && digits[e + 1] == '-' ? 0 : std::numeric_limits<double>::infinity();
    }
  }
  return negative ? -value : value;
}

}  // namespace isthmus::jinja
