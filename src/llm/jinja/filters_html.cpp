// SPDX-License-Identifier: Apache-2.0
// Filters for HTML and URLs: escaping, and marking text as already escaped.
#include "llm/jinja/filters.h"
#include "llm/jinja/format.h"
#include "llm/jinja/unicode.h"

namespace isthmus::jinja {
namespace {

Result<Value> safe(Runtime& runtime, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("safe", arguments, {}).status());
  ASSIGN_OR_RETURN(std::string text, to_text(runtime, input));
  return runtime.text(std::move(text), true);
}

Result<Value> escape(Runtime& runtime, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("escape", arguments, {}).status());
  ASSIGN_OR_RETURN(std::string text, to_markup(runtime, input));
  return runtime.text(std::move(text), true);
}

Result<Value> force_escape(Runtime& runtime, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("forceescape", arguments, {}).status());
  ASSIGN_OR_RETURN(const std::string text, to_text(runtime, input));
  return runtime.text(escape_html(text), true);
}

std::string quote_url(std::string_view text, bool in_query) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && is_word(byte)) || c == '-' || c == '.' || c == '~' || (c == '/' && !in_query)) {
      out += c;
    } else if (c == ' ' && in_query) {
      out += '+';
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

Result<Value> urlencode(Runtime& runtime, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("urlencode", arguments, {}).status());
  const bool is_pairs = input.is(Value::Kind::kDict) || input.is(Value::Kind::kSequence);
  if (!is_pairs) {
    ASSIGN_OR_RETURN(const std::string text, to_text(runtime, input));
    return runtime.text(quote_url(text, false));
  }
  List pairs;
  if (input.is(Value::Kind::kDict)) {
    for (const auto& [key, value] : input.dict().entries) {
      ASSIGN_OR_RETURN(Value pair, make_tuple({key, value}));
      pairs.push_back(std::move(pair));
    }
  } else {
    pairs = input.sequence().items;
  }
  std::string out;
  for (const Value& pair : pairs) {
    ASSIGN_OR_RETURN(const List parts, runtime.items_of(pair));
    if (parts.size() != 2) return invalid_argument("'urlencode' needs pairs of a key and a value");
    ASSIGN_OR_RETURN(const std::string key, to_text(runtime, parts[0]));
    ASSIGN_OR_RETURN(const std::string value, to_text(runtime, parts[1]));
    if (!out.empty()) out += '&';
    out += quote_url(key, true) + "=" + quote_url(value, true);
  }
  return runtime.text(std::move(out));
}

Result<Value> xmlattr(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("xmlattr", arguments, {"autospace"}));
  if (!input.is(Value::Kind::kDict))
    return invalid_argument("'xmlattr' needs a mapping, not '{}'", type_name(input));
  std::string out;
  for (const auto& [key, value] : input.dict().entries) {
    if (value.is_none() || value.is_undefined()) continue;
    if (!key.is_string() || key.as_string().find_first_of(" \t\n\r\f\v/>=") != std::string::npos)
      return invalid_argument("an attribute's name must be a string without blanks, '/', '>' and '='");
    ASSIGN_OR_RETURN(const std::string text, to_markup(runtime, value));
    if (!out.empty()) out += ' ';
    out += escape_html(key.as_string()) + "=\"" + text + "\"";
  }
  if (!out.empty() && (!parameters.has(0) || parameters.truthy(0))) out.insert(0, " ");
  return runtime.text(std::move(out));
}

constexpr std::pair<std::string_view, Filter> kFilters[] = {
    {"safe", safe},           {"escape", escape},   {"e", escape},
    {"urlencode", urlencode}, {"xmlattr", xmlattr}, {"forceescape", force_escape},
};

}  // namespace

FilterTable html_filters() { return kFilters; }

}  // namespace isthmus::jinja
