// SPDX-License-Identifier: Apache-2.0
// Values as text: Python's str() and repr(), JSON, and Python's two ways of format strings.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "llm/jinja/runtime.h"
#include "llm/jinja/value.h"

namespace isthmus::jinja {

std::string format_integer(Integer value);
// The shortest digits that read back the same, in Python's notation: 1.0, 1e+16, 0.0001, inf.
std::string format_float(double value);

// What {{ value }} prints. Errors: longer than the rendering's limits allow.
Result<std::string> to_text(Runtime& runtime, const Value& value);
// As inside a printed list: strings quoted and escaped.
Result<std::string> to_repr(Runtime& runtime, const Value& value);
std::string quote(std::string_view text);

struct JsonStyle {
  std::optional<std::string> indent;  // absent: one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool ascii_only = false;
  bool sort_keys = false;
};
// The bytes of Python's json.dumps. Errors: a value JSON has no form for.
Result<std::string> to_json(Runtime& runtime, const Value& value, const JsonStyle& style);

// format % values
Result<Value> format_percent(Runtime& runtime, const Text& format, const Value& values);
// format.format(…)
Result<Value> format_braces(Runtime& runtime, const Text& format, const Arguments& arguments);
// One value by a specification such as ">10" or ".2f", as in "{:.2f}".
Result<std::string> format_by_specification(Runtime& runtime, const Value& value,
                                            std::string_view specification);

// &, <, >, " and ' as HTML entities.
std::string escape_html(std::string_view text);
// The text of a value, escaped unless it is marked as safe.
Result<std::string> to_markup(Runtime& runtime, const Value& value);

}  // namespace isthmus::jinja
