// SPDX-License-Identifier: Apache-2.0
// Python's two ways of format strings: "%s and %d" % values, and "{} and {name}".format(…).
#include <algorithm>
#include <cmath>

#include "llm/jinja/format.h"
#include "llm/jinja/lex_literal.h"
#include "llm/jinja/operators.h"
#include "llm/jinja/unicode.h"

namespace isthmus::jinja {
namespace {

bool is_decimal(char c) { return c >= '0' && c <= '9'; }

// "%…" with the values still to be used.
class PercentFormatter {
 public:
  PercentFormatter(Runtime& runtime, const Text& format, const Value& values)
      : runtime_(runtime), text_(format.bytes), markup_(format.markup), values_(values) {
    is_tuple_ = values.is(Value::Kind::kSequence) && values.sequence().is_tuple();
  }

  Result<Value> run() {
    while (at_ < text_.size()) {
      const size_t percent = std::min(text_.find('%', at_), text_.size());
      out_ += text_.substr(at_, percent - at_);
      at_ = percent + 1;
      if (percent < text_.size()) RETURN_IF_ERROR(conversion());
      if (out_.size() > runtime_.limits().output_bytes)
        return error(Code::kOutOfRange, "'%' makes a text of more than {} bytes",
                     runtime_.limits().output_bytes);
    }
    const bool leftover =
        is_tuple_ ? used_ < values_.sequence().items.size()
                  : used_ == 0 && !values_.is(Value::Kind::kDict) && !(values_.is(Value::Kind::kSequence));
    if (leftover) return invalid_argument("the text left of '%' does not use all values");
    return runtime_.text(std::move(out_), markup_);
  }

 private:
  Result<Value> next_value() {
    if (is_tuple_ && used_ < values_.sequence().items.size()) return values_.sequence().items[used_++];
    if (!is_tuple_ && used_++ == 0) return values_;
    return invalid_argument("there are not enough values for the text left of '%'");
  }

  // A width or precision: digits, or "*" for the next value.
  Result<Integer> number() {
    Integer value = 0;
    if (at_ < text_.size() && text_[at_] == '*') {
      at_++;
      ASSIGN_OR_RETURN(const Value width, next_value());
      if (!width.is_integral()) return invalid_argument("'*' in a format needs an integer");
      value = width.as_integer();
    } else {
      while (at_ < text_.size() && is_decimal(text_[at_]) && value < 1'000'000)
        value = value * 10 + (text_[at_++] - '0');
    }
    if (value > 100'000 || value < -100'000)
      return error(Code::kOutOfRange, "a format asks for a width of more than 100000");
    return value;
  }

  Status conversion() {
    Value value;
    bool has_value = false;
    if (at_ < text_.size() && text_[at_] == '(') {
      const size_t end = text_.find(')', at_);
      if (end == std::string_view::npos || !values_.is(Value::Kind::kDict))
        return invalid_argument("'%(name)' needs a closing parenthesis and a mapping");
      const std::string_view name = text_.substr(at_ + 1, end - at_ - 1);
      const Value* found = values_.dict().find(name);
      if (!found) return invalid_argument("the mapping right of '%' has no {}", quote(name));
      value = *found;
      has_value = true;
      at_ = end + 1;
    }
    std::string flags;
    while (at_ < text_.size() && std::string_view("#0- +").find(text_[at_]) != std::string_view::npos)
      flags += text_[at_++];
    ASSIGN_OR_RETURN(Integer width, number());
    if (width < 0) flags += '-', width = -width;
    std::optional<int> precision;
    if (at_ < text_.size() && text_[at_] == '.') {
      at_++;
      ASSIGN_OR_RETURN(const Integer given, number());
      precision = static_cast<int>(std::max<Integer>(given, 0));
    }
    while (at_ < text_.size() && (text_[at_] == 'l' || text_[at_] == 'h' || text_[at_] == 'L')) at_++;
    if (at_ >= text_.size()) return invalid_argument("the format left of '%' ends in the middle");
    const char kind = text_[at_++];
    if (kind == '%') {
      out_ += '%';
      return ok();
    }
    if (!has_value) {
      ASSIGN_OR_RETURN(value, next_value());
    }
    return convert(kind, value, flags, width, precision);
  }

  Status convert(char kind, const Value& value, const std::string& flags, Integer width,
                 std::optional<int> precision) {
    const auto flag = [&](char c) { return flags.find(c) != std::string::npos; };
    std::string body, sign;
    bool numeric = true;
    switch (kind) {
      case 's':
      case 'r':
      case 'a': {
        numeric = false;
        if (kind == 's') {
          ASSIGN_OR_RETURN(body, markup_ ? to_markup(runtime_, value) : to_text(runtime_, value));
        } else {
          ASSIGN_OR_RETURN(body, to_repr(runtime_, value));
        }
        if (precision) body = to_utf8(to_characters(body).substr(0, static_cast<size_t>(*precision)));
        break;
      }
      case 'c': {
        numeric = false;
        if (value.is_string() && count_characters(value.as_string()) == 1) {
          body = value.as_string();
        } else if (value.is_integral() && value.as_integer() >= 0 && value.as_integer() < 0xD800) {
          append(body, static_cast<char32_t>(value.as_integer()));
        } else {
          return invalid_argument("'%c' needs one character");
        }
        break;
      }
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o': {
        if (!value.is_number() || ((kind == 'x' || kind == 'X' || kind == 'o') && !value.is_integral()))
          return invalid_argument("'%{}' needs a number, not '{}'", kind, type_name(value));
        Integer whole = 0;
        if (value.is_integral()) {
          whole = value.as_integer();
        } else if (std::abs(value.as_float()) < 1e38) {
          whole = static_cast<Integer>(value.as_float());
        } else {
          return invalid_argument("'%{}' needs a finite number", kind);
        }
        if (whole < 0) sign = "-", whole = -whole;
        const std::string_view style = kind == 'x' ? "x" : kind == 'X' ? "X" : kind == 'o' ? "o" : "d";
        ASSIGN_OR_RETURN(body, format_by_specification(runtime_, Value(whole), style));
        if (precision && static_cast<size_t>(*precision) > body.size())
          body.insert(0, static_cast<size_t>(*precision) - body.size(), '0');
        if (flag('#') && style != "d") sign += fmt::format("0{}", kind);
        break;
      }
      case 'f':
      case 'F':
      case 'e':
      case 'E':
      case 'g':
      case 'G': {
        if (!value.is_number())
          return invalid_argument("'%{}' needs a number, not '{}'", kind, type_name(value));
        const double real = value.as_float();
        if (std::signbit(real) && !std::isnan(real)) sign = "-";
        ASSIGN_OR_RETURN(body, format_by_specification(runtime_, Value(std::abs(real)),
                                                       fmt::format(".{}{}", precision.value_or(6), kind)));
        break;
      }
      default: return invalid_argument("'%{}' is not a known conversion", kind);
    }
    if (numeric && sign.find('-') == std::string::npos)
      sign.insert(0, flag('+') ? "+" : flag(' ') ? " " : "");
    const Integer missing = width - static_cast<Integer>(sign.size() + count_characters(body));
    const std::string blanks(missing > 0 ? static_cast<size_t>(missing) : 0,
                             numeric && flag('0') && !flag('-') ? '0' : ' ');
    if (flag('-')) {
      out_ += sign + body + blanks;
    } else if (blanks.starts_with('0')) {
      out_ += sign + blanks + body;
    } else {
      out_ += blanks + sign + body;
    }
    return ok();
  }

  Runtime& runtime_;
  std::string_view text_;
  bool markup_;
  const Value& values_;
  bool is_tuple_;
  size_t used_ = 0;
  size_t at_ = 0;
  std::string out_;
};

// "{field!conversion:specification}"
class BraceFormatter {
 public:
  BraceFormatter(Runtime& runtime, const Arguments& arguments) : runtime_(runtime), arguments_(arguments) {}

  Result<std::string> run(std::string_view text, int depth) {
    if (depth > 2) return invalid_argument("replacement fields are nested too deeply");
    std::string out;
    for (size_t at = 0; at < text.size(); at++) {
      const char c = text[at];
      if (c != '{' && c != '}') {
        out += c;
      } else if (at + 1 < text.size() && text[at + 1] == c) {
        out += c;
        at++;
      } else if (c == '}') {
        return invalid_argument("a single '}}' stands in a format string");
      } else {
        const size_t end = closing(text, at);
        if (end == std::string_view::npos)
          return invalid_argument("a '{{' in a format string is never closed");
        ASSIGN_OR_RETURN(const std::string part, field(text.substr(at + 1, end - at - 1), depth));
        out += part;
        RETURN_IF_ERROR(runtime_.charge(part.size()));
        if (out.size() > runtime_.limits().output_bytes)
          return error(Code::kOutOfRange, "'format' makes a text of more than {} bytes",
                       runtime_.limits().output_bytes);
        at = end;
      }
    }
    return out;
  }

 private:
  static size_t closing(std::string_view text, size_t at) {
    int open = 0;
    for (; at < text.size(); at++) {
      open += text[at] == '{' ? 1 : text[at] == '}' ? -1 : 0;
      if (open == 0) return at;
    }
    return std::string_view::npos;
  }

  Result<Value> base(std::string_view name) {
    const bool is_index = !name.empty() && std::all_of(name.begin(), name.end(), is_decimal);
    if (!name.empty() && !is_index) {
      for (const auto& [key, value] : arguments_.named)
        if (key == name) return value;
      return invalid_argument("'format' was given no {}", quote(name));
    }
    const std::optional<Integer> index = is_index ? read_integer(name, 10) : static_cast<Integer>(next_++);
    if (!index || *index >= static_cast<Integer>(arguments_.positional.size()))
      return invalid_argument("'format' was given only {} values", arguments_.positional.size());
    return arguments_.positional[static_cast<size_t>(*index)];
  }

  // name.attribute[item]…
  Result<Value> resolve(std::string_view path) {
    size_t end = std::min(path.find_first_of(".["), path.size());
    ASSIGN_OR_RETURN(Value value, base(path.substr(0, end)));
    while (end < path.size()) {
      const bool is_item = path[end] == '[';
      path.remove_prefix(end + 1);
      end = std::min(path.find_first_of(is_item ? "]" : ".["), path.size());
      const std::string_view name = path.substr(0, end);
      if (is_item && end == path.size()) return invalid_argument("a '[' in a format string is never closed");
      const std::optional<Integer> index = is_item ? read_integer(name, 10) : std::nullopt;
      ASSIGN_OR_RETURN(value, !is_item ? attribute_of(runtime_, value, name)
                                       : item_of(runtime_, value, index ? Value(*index) : Value(name)));
      if (is_item) end++;
    }
    return value;
  }

  Result<std::string> field(std::string_view text, int depth) {
    const size_t end = std::min(text.find_first_of("!:"), text.size());
    ASSIGN_OR_RETURN(Value value, resolve(text.substr(0, end)));
    text.remove_prefix(end);
    if (text.starts_with('!')) {
      if (text.size() < 2 || (text.size() > 2 && text[2] != ':') ||
          std::string_view("rsa").find(text[1]) == std::string_view::npos)
        return invalid_argument("'!' in a format string must be followed by r, s or a");
      ASSIGN_OR_RETURN(std::string shown,
                       text[1] == 's' ? to_text(runtime_, value) : to_repr(runtime_, value));
      value = Value(std::move(shown));
      text.remove_prefix(2);
    }
    if (text.starts_with(':')) text.remove_prefix(1);
    ASSIGN_OR_RETURN(const std::string specification, run(text, depth + 1));
    return format_by_specification(runtime_, value, specification);
  }

  Runtime& runtime_;
  const Arguments& arguments_;
  size_t next_ = 0;
};

}  // namespace

Result<Value> format_percent(Runtime& runtime, const Text& format, const Value& values) {
  return PercentFormatter(runtime, format, values).run();
}

Result<Value> format_braces(Runtime& runtime, const Text& format, const Arguments& arguments) {
  ASSIGN_OR_RETURN(std::string text, BraceFormatter(runtime, arguments).run(format.bytes, 0));
  return runtime.text(std::move(text), format.markup);
}

}  // namespace isthmus::jinja
