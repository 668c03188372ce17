// SPDX-License-Identifier: Apache-2.0
// Code points of UTF-8 text: templates index, slice, strip and change the case of strings by character.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace isthmus::jinja {

// The character at `at`, which must be inside `text`; moves `at` behind it. A byte that is no valid UTF-8
// becomes 0xDC00 + byte, and append() turns that back into the byte, so text passes through undamaged.
char32_t next_character(std::string_view text, size_t& at);
void append(std::string& text, char32_t character);

std::u32string to_characters(std::string_view text);
std::string to_utf8(std::u32string_view characters);
size_t count_characters(std::string_view text);
// Offset of the first byte that is not valid UTF-8, or npos.
size_t find_invalid_utf8(std::string_view text);

// These follow Python's str.isspace, str.isprintable, str.isalpha, … for every character templates are likely
// to meet; letters beyond ASCII are classified and mapped by the C library's C.UTF-8 tables.
bool is_space(char32_t c);
bool is_printable(char32_t c);
bool is_letter(char32_t c);
bool is_digit(char32_t c);   // decimal
bool is_number(char32_t c);  // digits, fractions, numerals
bool is_word(char32_t c);
bool is_upper(char32_t c);
bool is_lower(char32_t c);
bool is_line_break(char32_t c);

std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
std::string capitalize(std::string_view text);
std::string swap_case(std::string_view text);
// Python's str.title: every run of letters starts with a capital.
std::string title_words(std::string_view text);

std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);

}  // namespace isthmus::jinja
