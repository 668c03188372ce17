// SPDX-License-Identifier: Apache-2.0
// Filters on text: letter case, trimming, replacing, indenting, formatting, JSON.
#include <algorithm>

#include "llm/jinja/filters.h"
#include "llm/jinja/format.h"
#include "llm/jinja/text_methods.h"
#include "llm/jinja/unicode.h"

namespace isthmus::jinja {
namespace {

// Calls a method of str on the input's text.
Result<Value> by_method(Runtime& runtime, const Value& input, Arguments& arguments, std::string_view method) {
  ASSIGN_OR_RETURN(const Value text, soft_text(runtime, input));
  return find_text_method(method)(runtime, text, arguments);
}

Result<Value> upper(Runtime& runtime, const Value& input, Arguments& arguments) {
  return by_method(runtime, input, arguments, "upper");
}

Result<Value> lower(Runtime& runtime, const Value& input, Arguments& arguments) {
  return by_method(runtime, input, arguments, "lower");
}

Result<Value> capitalize(Runtime& runtime, const Value& input, Arguments& arguments) {
  return by_method(runtime, input, arguments, "capitalize");
}

Result<Value> trim(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("trim", arguments, {"chars"}));
  Arguments method;
  if (parameters.has(0)) method.positional.push_back(parameters[0]);
  return by_method(runtime, input, method, "strip");
}

Result<Value> center(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("center", arguments, {"width"}));
  Arguments method;
  method.positional.push_back(parameters.has(0) ? parameters[0] : Value(80));
  return by_method(runtime, input, method, "center");
}

// Words start behind white space, hyphens and opening brackets; unlike str.title, not behind other
// characters.
Result<Value> title(Runtime& runtime, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("title", arguments, {}).status());
  ASSIGN_OR_RETURN(const Value value, soft_text(runtime, input));
  const std::string& text = value.as_string();
  std::string out, word;
  const auto finish_word = [&] {
    if (word.empty()) return;
    size_t rest = 0;
    next_character(word, rest);
    out += to_upper(std::string_view(word).substr(0, rest)) + to_lower(std::string_view(word).substr(rest));
    word.clear();
  };
  for (size_t at = 0; at < text.size();) {
    const char32_t c = next_character(text, at);
    if (is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<') {
      finish_word();
      append(out, c);
    } else {
      append(word, c);
    }
  }
  finish_word();
  return runtime.text(std::move(out));
}

Result<Value> replace(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::bind("replace", arguments, {"old", "new", "count"}, 2));
  ASSIGN_OR_RETURN(const std::string text, to_text(runtime, input));
  ASSIGN_OR_RETURN(const std::string from, to_text(runtime, parameters[0]));
  ASSIGN_OR_RETURN(const std::string to, to_text(runtime, parameters[1]));
  Integer count = -1;
  if (!parameters.is_none(2)) {
    ASSIGN_OR_RETURN(count, parameters.integer(2, -1));
  }
  ASSIGN_OR_RETURN(std::string out, replace_text(runtime, text, from, to, count));
  return runtime.text(std::move(out));
}

Result<Value> indent(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::bind("indent", arguments, {"width", "first", "blank"}));
  if (input.is_undefined()) return invalid_argument("{}", input.undefined_message());
  if (!input.is_string()) return invalid_argument("'indent' needs a string, not '{}'", type_name(input));
  std::string prefix;
  if (parameters.has(0) && parameters[0].is_string()) {
    prefix = parameters[0].as_string();
  } else {
    ASSIGN_OR_RETURN(const Integer width, parameters.integer(0, 4));
    RETURN_IF_ERROR(
        runtime.charge(width > 0 ? static_cast<uint64_t>(std::min<Integer>(width, Integer{1} << 60)) : 0));
    prefix.assign(width > 0 ? static_cast<size_t>(width) : 0, ' ');
  }
  // The newline added first makes a last line of the text that ends in one.
  std::vector<std::string_view> lines;
  const std::string text = input.as_string() + "\n";
  split_lines(text, lines);
  RETURN_IF_ERROR(runtime.charge(text.size() + lines.size() * prefix.size()));
  std::string out = parameters.truthy(1) ? prefix : std::string();
  for (size_t i = 0; i < lines.size(); i++) {
    if (i) out += '\n';
    if (i && (parameters.truthy(2) || !lines[i].empty())) out += prefix;
    out += lines[i];
  }
  return runtime.text(std::move(out), input.text().markup);
}

Result<Value> truncate(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::bind("truncate", arguments, {"length", "killwords", "end", "leeway"}));
  ASSIGN_OR_RETURN(const Integer length, parameters.integer(0, 255));
  ASSIGN_OR_RETURN(const std::string end, parameters.string(2, "..."));
  Integer leeway = 5;
  if (!parameters.is_none(3)) {
    ASSIGN_OR_RETURN(leeway, parameters.integer(3, 5));
  }
  const auto end_size = static_cast<Integer>(count_characters(end));
  if (length < end_size || leeway < 0)
    return invalid_argument("'truncate' needs a length of at least {} and a leeway that is not negative",
                            count_characters(end));
  const auto is_short = [&](size_t size) {
    return static_cast<Integer>(size) <= length || static_cast<Integer>(size) - length <= leeway;
  };
  // Whatever has a length can be short enough to be left alone, but only text can be cut.
  if (input.is_undefined()) return input;
  if (input.is(Value::Kind::kSequence) && is_short(input.sequence().items.size())) return input;
  if (input.is(Value::Kind::kDict) && is_short(input.dict().entries.size())) return input;
  if (!input.is_string()) return invalid_argument("'truncate' needs a string, not '{}'", type_name(input));
  const std::u32string text = to_characters(input.as_string());
  if (is_short(text.size())) return input;
  std::u32string_view kept = std::u32string_view(text).substr(0, static_cast<size_t>(length - end_size));
  if (const size_t space = kept.rfind(U' '); !parameters.truthy(1) && space != std::u32string_view::npos)
    kept = kept.substr(0, space);
  return runtime.text(to_utf8(kept) + end);
}

Result<Value> wordcount(Runtime& runtime, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("wordcount", arguments, {}).status());
  ASSIGN_OR_RETURN(const Value text, soft_text(runtime, input));
  size_t words = 0;
  bool inside = false;
  for (size_t at = 0; at < text.as_string().size();) {
    const bool word = is_word(next_character(text.as_string(), at));
    words += word && !inside;
    inside = word;
  }
  return Value::from_size(words);
}

Result<Value> string(Runtime& runtime, const Value& input, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("string", arguments, {}).status());
  return soft_text(runtime, input);
}

Result<Value> format(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Value text, soft_text(runtime, input));
  if (!arguments.named.empty() && !arguments.positional.empty())
    return invalid_argument("'format' takes values or named values, not both");
  Dict named;
  for (auto& [name, value] : arguments.named) named.set(Value(name), std::move(value));
  ASSIGN_OR_RETURN(const Value values, arguments.named.empty() ? make_tuple(std::move(arguments.positional))
                                                               : make_dict(std::move(named)));
  return format_percent(runtime, text.text(), values);
}

// Not Jinja's own: the form chat templates expect, which leaves HTML's special characters alone.
Result<Value> tojson(Runtime& runtime, const Value& input, Arguments& arguments) {
  ASSIGN_OR_RETURN(
      const Parameters parameters,
      Parameters::bind("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"}));
  JsonStyle style;
  style.ascii_only = parameters.truthy(0);
  style.sort_keys = parameters.truthy(3);
  if (!parameters.is_none(1)) {
    style.item_separator = ",";
    if (parameters[1].is_string()) {
      style.indent = parameters[1].as_string();
    } else {
      ASSIGN_OR_RETURN(const Integer width, parameters.integer(1, 0));
      if (width > 1000) return error(Code::kOutOfRange, "an indent of more than 1000 blanks");
      style.indent = std::string(width > 0 ? static_cast<size_t>(width) : 0, ' ');
    }
  }
  if (!parameters.is_none(2)) {
    ASSIGN_OR_RETURN(const List separators, runtime.items_of(parameters[2]));
    if (separators.size() != 2 || !separators[0].is_string() || !separators[1].is_string())
      return invalid_argument("'separators' of 'tojson' must be two strings");
    style.item_separator = separators[0].as_string();
    style.key_separator = separators[1].as_string();
  }
  ASSIGN_OR_RETURN(std::string text, to_json(runtime, input, style));
  return Value(std::move(text));
}

constexpr std::pair<std::string_view, Filter> kFilters[] = {
    {"upper", upper},       {"lower", lower},   {"capitalize", capitalize}, {"trim", trim},
    {"center", center},     {"title", title},   {"replace", replace},       {"indent", indent},
    {"truncate", truncate}, {"string", string}, {"wordcount", wordcount},   {"format", format},
    {"tojson", tojson},
};

}  // namespace

FilterTable text_filters() { return kFilters; }

}  // namespace isthmus::jinja
