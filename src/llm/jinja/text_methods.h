// SPDX-License-Identifier: Apache-2.0
// The methods of strings, and the text operations filters share with them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "llm/jinja/runtime.h"

namespace isthmus::jinja {

// Null where str has no such method. `self` must be a string.
Method find_text_method(std::string_view name);
// The two halves of the table: those that change or take apart text, and those that look at it.
Method find_text_change(std::string_view name);   // methods_text_change.cpp
Method find_text_inquiry(std::string_view name);  // methods_text_inquiry.cpp

// Replaces the first `count` places, or all when it is negative.
Result<std::string> replace_text(Runtime& runtime, std::string_view text, std::string_view from,
                                 std::string_view to, Integer count);
// Without their ends, as str.splitlines does; with them if `keep_ends`.
void split_lines(std::string_view text, std::vector<std::string_view>& lines, bool keep_ends = false);

}  // namespace isthmus::jinja
