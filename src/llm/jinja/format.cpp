// SPDX-License-Identifier: Apache-2.0
// Values as text: Python's str() and repr().
#include "llm/jinja/format.h"

#include <charconv>
#include <cmath>

#include "llm/jinja/unicode.h"

namespace isthmus::jinja {
namespace {

// A ring through a namespace is cut here; containers themselves are bounded when made.
constexpr int kMaxRingDepth = 500;

// Collects the text of one value and stops at the rendering's limit.
class Printer {
 public:
  explicit Printer(Runtime& runtime) : runtime_(runtime) {}

  Status repr(const Value& value) {
    RETURN_IF_ERROR(runtime_.step());
    if (out_.size() > runtime_.limits().output_bytes)
      return error(Code::kOutOfRange, "a value's text is longer than {} bytes",
                   runtime_.limits().output_bytes);
    switch (value.kind()) {
      case Value::Kind::kUndefined: out_ += "Undefined"; break;
      case Value::Kind::kNone: out_ += "None"; break;
      case Value::Kind::kBool: out_ += value.as_bool() ? "True" : "False"; break;
      case Value::Kind::kInteger: out_ += format_integer(value.as_integer()); break;
      case Value::Kind::kFloat: out_ += format_float(value.as_float()); break;
      case Value::Kind::kString:
        out_ += value.text().markup ? "Markup(" + quote(value.as_string()) + ")" : quote(value.as_string());
        break;
      case Value::Kind::kSequence: return sequence(value.sequence());
      case Value::Kind::kDict: return dict(value.dict());
      case Value::Kind::kObject: return object(*value.object());
    }
    return ok();
  }

  std::string take() { return std::move(out_); }

 private:
  Status items(const List& list, std::string_view open, std::string_view close) {
    out_ += open;
    for (size_t i = 0; i < list.size(); i++) {
      if (i) out_ += ", ";
      RETURN_IF_ERROR(repr(list[i]));
    }
    out_ += close;
    return ok();
  }

  Status sequence(const Sequence& sequence) {
    switch (sequence.form) {
      case Sequence::Form::kList: return items(sequence.items, "[", "]");
      case Sequence::Form::kTuple:
      case Sequence::Form::kGroup: return items(sequence.items, "(", sequence.items.size() == 1 ? ",)" : ")");
      case Sequence::Form::kKeys: return items(sequence.items, "dict_keys([", "])");
      case Sequence::Form::kValues: return items(sequence.items, "dict_values([", "])");
      case Sequence::Form::kItems: return items(sequence.items, "dict_items([", "])");
      case Sequence::Form::kRange:
        out_ += "range(" + format_integer(sequence.start) + ", " + format_integer(sequence.stop);
        if (sequence.step != 1) out_ += ", " + format_integer(sequence.step);
        out_ += ")";
    }
    return ok();
  }

  Status dict(const Dict& dict) {
    out_ += "{";
    for (size_t i = 0; i < dict.entries.size(); i++) {
      if (i) out_ += ", ";
      RETURN_IF_ERROR(repr(dict.entries[i].first));
      out_ += ": ";
      RETURN_IF_ERROR(repr(dict.entries[i].second));
    }
    out_ += "}";
    return ok();
  }

  Status object(Object& object) {
    if (auto* space = dynamic_cast<Namespace*>(&object)) {
      if (++ring_depth_ > kMaxRingDepth)
        return error(Code::kOutOfRange, "a namespace that contains itself cannot be printed");
      out_ += "<Namespace ";
      RETURN_IF_ERROR(dict(space->attributes));
      out_ += ">";
      ring_depth_--;
      return ok();
    }
    out_ += object.repr();
    return ok();
  }

  Runtime& runtime_;
  std::string out_;
  int ring_depth_ = 0;
};

}  // namespace

std::string format_integer(Integer value) {
  const bool negative = value < 0;
  __extension__ unsigned __int128 rest = negative ? -static_cast<unsigned __int128>(value) : value;
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    rest /= 10;
  } while (rest != 0);
  return negative ? "-" + digits : digits;
}

std::string format_float(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  std::string_view text(buffer, static_cast<size_t>(end - buffer));
  std::string out;
  if (text.front() == '-') {
    out = "-";
    text.remove_prefix(1);
  }
  const size_t e = text.find('e');
  std::string digits(text.substr(0, e));
  std::erase(digits, '.');
  const char* exponent_text = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
  int exponent = 0;
  std::from_chars(exponent_text, end, exponent);
  const int count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (count > 1) out += "." + digits.substr(1);
    return out + fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0) return out + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  if (count <= exponent + 1)
    return out + digits + std::string(static_cast<size_t>(exponent + 1 - count), '0') + ".0";
  return out + digits.substr(0, static_cast<size_t>(exponent) + 1) + "." +
         digits.substr(static_cast<size_t>(exponent) + 1);
}

std::string quote(std::string_view text) {
  const bool single = text.find('\'') == std::string_view::npos || text.find('"') != std::string_view::npos;
  const char32_t mark = single ? '\'' : '"';
  std::string out;
  append(out, mark);
  for (size_t at = 0; at < text.size();) {
    const char32_t c = next_character(text, at);
    if (c == mark || c == '\\') {
      out += '\\';
      append(out, c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == ' ' || is_printable(c)) {
      append(out, c);
    } else if (c < 0x100) {
      out += fmt::format("\\x{:02x}", static_cast<uint32_t>(c));
    } else if (c < 0x10000) {
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
    } else {
      out += fmt::format("\\U{:08x}", static_cast<uint32_t>(c));
    }
  }
  append(out, mark);
  return out;
}

Result<std::string> to_repr(Runtime& runtime, const Value& value) {
  Printer printer(runtime);
  RETURN_IF_ERROR(printer.repr(value));
  std::string text = printer.take();
  RETURN_IF_ERROR(runtime.charge(text.size()));
  return text;
}

Result<std::string> to_text(Runtime& runtime, const Value& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_undefined()) return std::string();
  return to_repr(runtime, value);
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&#34;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

Result<std::string> to_markup(Runtime& runtime, const Value& value) {
  if (value.is_string() && value.text().markup) return value.as_string();
  ASSIGN_OR_RETURN(std::string text, to_text(runtime, value));
  return escape_html(text);
}

}  // namespace isthmus::jinja
