// SPDX-License-Identifier: Apache-2.0
// Numbers and string escapes as they are written in templates.
#pragma once

#include <optional>

#include <string>
#include <string_view>

#include "llm/jinja/value.h"

namespace isthmus::jinja {

// How many bytes of `text`, which starts with a digit, belong to the number. Behind a dot (x.0.1) it has no
// fraction.
size_t number_length(std::string_view text, bool behind_dot);
Result<Value> parse_number(std::string_view text);
// Replaces Python's escapes (\n, \x41, \u00e9, …) in what stands between two quotes.
Result<std::string> unescape(std::string_view text);

// Python's int(text, base) and float(text). Nothing where the text is no number.
std::optional<Integer> read_integer(std::string_view text, int base);
std::optional<double> read_float(std::string_view text);

}  // namespace isthmus::jinja
