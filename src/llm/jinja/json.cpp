// SPDX-License-Identifier: Apache-2.0
// Values as JSON, byte for byte as Python's json.dumps writes it.
#include <algorithm>
#include <cmath>

#include "llm/jinja/compare.h"
#include "llm/jinja/format.h"
#include "llm/jinja/unicode.h"

namespace isthmus::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(Runtime& runtime, const JsonStyle& style) : runtime_(runtime), style_(style) {}

  Status write(const Value& value) {
    RETURN_IF_ERROR(runtime_.step());
    if (out_.size() > runtime_.limits().output_bytes)
      return error(Code::kOutOfRange, "JSON text longer than {} bytes", runtime_.limits().output_bytes);
    switch (value.kind()) {
      case Value::Kind::kNone: out_ += "null"; return ok();
      case Value::Kind::kBool: out_ += value.as_bool() ? "true" : "false"; return ok();
      case Value::Kind::kInteger: out_ += format_integer(value.as_integer()); return ok();
      case Value::Kind::kFloat: out_ += number(value.as_float()); return ok();
      case Value::Kind::kString: string(value.as_string()); return ok();
      case Value::Kind::kDict: return dict(value.dict());
      case Value::Kind::kSequence:
        if (value.sequence().form == Sequence::Form::kList || value.sequence().is_tuple())
          return list(value.sequence().items);
        break;
      default: break;
    }
    return invalid_argument("a value of type '{}' has no form in JSON", type_name(value));
  }

  std::string take() { return std::move(out_); }

 private:
  static std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
    return format_float(value);
  }

  void unit(char32_t unit) { out_ += fmt::format("\\u{:04x}", static_cast<uint32_t>(unit)); }

  void string(std::string_view text) {
    out_ += '"';
    for (size_t at = 0; at < text.size();) {
      const char32_t c = next_character(text, at);
      switch (c) {
        case '"': out_ += "\\\""; continue;
        case '\\': out_ += "\\\\"; continue;
        case '\n': out_ += "\\n"; continue;
        case '\r': out_ += "\\r"; continue;
        case '\t': out_ += "\\t"; continue;
        case '\f': out_ += "\\f"; continue;
        case '\b': out_ += "\\b"; continue;
        default: break;
      }
      if (c < 0x20 || (style_.ascii_only && c > 0x7E && c < 0x10000)) {
        unit(c);
      } else if (style_.ascii_only && c >= 0x10000) {
        unit(0xD800 + ((c - 0x10000) >> 10));
        unit(0xDC00 + ((c - 0x10000) & 0x3FF));
      } else {
        append(out_, c);
      }
    }
    out_ += '"';
  }

  Status key(const Value& value) {
    switch (value.kind()) {
      case Value::Kind::kString: string(value.as_string()); return ok();
      case Value::Kind::kNone: out_ += "\"null\""; return ok();
      case Value::Kind::kBool: out_ += value.as_bool() ? "\"true\"" : "\"false\""; return ok();
      case Value::Kind::kInteger: out_ += '"' + format_integer(value.as_integer()) + '"'; return ok();
      case Value::Kind::kFloat: out_ += '"' + number(value.as_float()) + '"'; return ok();
      default: return invalid_argument("a key of type '{}' has no form in JSON", type_name(value));
    }
  }

  void new_line() {
    if (!style_.indent) return;
    out_ += '\n';
    for (int i = 0; i < depth_; i++) out_ += *style_.indent;
  }

  Status list(const List& items) {
    if (items.empty()) {
      out_ += "[]";
      return ok();
    }
    out_ += '[';
    depth_++;
    for (size_t i = 0; i < items.size(); i++) {
      if (i) out_ += style_.item_separator;
      new_line();
      RETURN_IF_ERROR(write(items[i]));
    }
    depth_--;
    new_line();
    out_ += ']';
    return ok();
  }

  Status dict(const Dict& dict) {
    if (dict.entries.empty()) {
      out_ += "{}";
      return ok();
    }
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : dict.entries) entries.push_back(&entry);
    if (style_.sort_keys) RETURN_IF_ERROR(sort(entries));
    out_ += '{';
    depth_++;
    for (size_t i = 0; i < entries.size(); i++) {
      if (i) out_ += style_.item_separator;
      new_line();
      RETURN_IF_ERROR(key(entries[i]->first));
      out_ += style_.key_separator;
      RETURN_IF_ERROR(write(entries[i]->second));
    }
    depth_--;
    new_line();
    out_ += '}';
    return ok();
  }

  static Status sort(std::vector<const std::pair<Value, Value>*>& entries) {
    Status failure;
    std::stable_sort(entries.begin(), entries.end(), [&](const auto* a, const auto* b) {
      const Result<int> result = order(a->first, b->first, "<");
      if (!result.ok()) failure = result.status();
      return result.ok() && *result == -1;
    });
    return failure;
  }

  Runtime& runtime_;
  const JsonStyle& style_;
  std::string out_;
  int depth_ = 0;
};

}  // namespace

Result<std::string> to_json(Runtime& runtime, const Value& value, const JsonStyle& style) {
  JsonWriter writer(runtime, style);
  RETURN_IF_ERROR(writer.write(value));
  std::string text = writer.take();
  RETURN_IF_ERROR(runtime.charge(text.size()));
  return text;
}

}  // namespace isthmus::jinja
