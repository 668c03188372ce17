// SPDX-License-Identifier: Apache-2.0
// Code points of UTF-8 text: decoding, classes and letter case.
#include "llm/jinja/unicode.h"

#include <utf8proc.h>

namespace isthmus::jinja {
namespace {

constexpr char32_t kEscapedByte = 0xDC00;

utf8proc_category_t category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

void append_upper(std::string& text, char32_t c) {
  if (c < 0x80) {
    text += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  } else if (c == 0xDF) {
    text += "SS";  // the only common letter whose capital is two letters
  } else if (c >= 0xFB00 && c <= 0xFB06) {
    static constexpr const char* kLigatures[] = {"FF", "FI", "FL", "FFI", "FFL", "ST", "ST"};
    text += kLigatures[c - 0xFB00];
  } else {
    append(text, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))));
  }
}

void append_title(std::string& text, char32_t c) {
  if (c == 0xDF) {
    text += "Ss";
  } else if (c >= 0xFB00 && c <= 0xFB06) {
    static constexpr const char* kLigatures[] = {"Ff", "Fi", "Fl", "Ffi", "Ffl", "St", "St"};
    text += kLigatures[c - 0xFB00];
  } else {
    append(text, static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c))));
  }
}

void append_lower(std::string& text, char32_t c) {
  if (c < 0x80) {
    text += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  } else if (c == 0x130) {
    text += "i\u0307";
  } else {
    append(text, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  }
}

bool has_case(char32_t c) { return is_upper(c) || is_lower(c); }

// A capital sigma is written in its final form at the end of a word.
bool is_final_sigma(std::u32string_view text, size_t at) {
  if (text[at] != 0x3A3) return false;
  const bool letter_before = at > 0 && has_case(text[at - 1]);
  const bool letter_after = at + 1 < text.size() && has_case(text[at + 1]);
  return letter_before && !letter_after;
}

void append_lower_at(std::string& out, std::u32string_view text, size_t at) {
  if (is_final_sigma(text, at)) {
    append(out, 0x3C2);
  } else {
    append_lower(out, text[at]);
  }
}

}  // namespace

char32_t next_character(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return text[at++];
  size_t length = 0;
  char32_t c = 0, smallest = 0;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2, c = first & 0x1F, smallest = 0x80;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3, c = first & 0x0F, smallest = 0x800;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4, c = first & 0x07, smallest = 0x10000;
  }
  bool valid = length != 0 && text.size() - at >= length;
  for (size_t i = 1; valid && i < length; i++) {
    valid = (byte(at + i) & 0xC0) == 0x80;
    c = c << 6 | (byte(at + i) & 0x3F);
  }
  if (!valid || c < smallest || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
    at++;
    return kEscapedByte + first;
  }
  at += length;
  return c;
}

void append(std::string& text, char32_t c) {
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += static_cast<char>(0xC0 | c >> 6);
    text += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c >= kEscapedByte + 0x80 && c <= kEscapedByte + 0xFF) {
    text += static_cast<char>(c - kEscapedByte);
  } else if (c < 0x10000) {
    text += static_cast<char>(0xE0 | c >> 12);
    text += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    text += static_cast<char>(0xF0 | c >> 18);
    text += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    text += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (c & 0x3F));
  }
}

std::u32string to_characters(std::string_view text) {
  std::u32string characters;
  characters.reserve(text.size());
  for (size_t at = 0; at < text.size();) characters += next_character(text, at);
  return characters;
}

std::string to_utf8(std::u32string_view characters) {
  std::string text;
  text.reserve(characters.size());
  for (char32_t c : characters) append(text, c);
  return text;
}

size_t count_characters(std::string_view text) {
  size_t count = 0;
  for (size_t at = 0; at < text.size(); count++) next_character(text, at);
  return count;
}

size_t find_invalid_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = next_character(text, at);
    if (c >= kEscapedByte && c <= kEscapedByte + 0xFF) return start;
  }
  return std::string_view::npos;
}

bool is_space(char32_t c) {
  if (c < 0x80) return (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x20);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_printable(char32_t c) {
  if (c < 0x80) return c >= ' ' && c != 0x7F;
  switch (category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return false;
    default: return true;
  }
}

bool is_letter(char32_t c) {
  const utf8proc_category_t kind = category(c);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool is_digit(char32_t c) { return category(c) == UTF8PROC_CATEGORY_ND; }

bool is_number(char32_t c) {
  const utf8proc_category_t kind = category(c);
  return kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO;
}

bool is_word(char32_t c) { return c == '_' || is_letter(c) || is_number(c); }

bool is_upper(char32_t c) { return utf8proc_isupper(static_cast<utf8proc_int32_t>(c)); }

bool is_lower(char32_t c) {
  // Small letters without a capital count, and so do the ordinal signs.
  return utf8proc_islower(static_cast<utf8proc_int32_t>(c)) || category(c) == UTF8PROC_CATEGORY_LL ||
         c == 0xAA || c == 0xBA;
}

bool is_line_break(char32_t c) {
  return (c >= 0xA && c <= 0xD) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

std::string to_upper(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) append_upper(out, next_character(text, at));
  return out;
}

std::string to_lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const std::u32string characters = to_characters(text);
  for (size_t i = 0; i < characters.size(); i++) append_lower_at(out, characters, i);
  return out;
}

std::string capitalize(std::string_view text) {
  std::string out;
  const std::u32string characters = to_characters(text);
  for (size_t i = 0; i < characters.size(); i++) {
    if (i == 0) {
      append_title(out, characters[i]);
    } else {
      append_lower_at(out, characters, i);
    }
  }
  return out;
}

std::string swap_case(std::string_view text) {
  std::string out;
  const std::u32string characters = to_characters(text);
  for (size_t i = 0; i < characters.size(); i++) {
    if (is_upper(characters[i])) {
      append_lower_at(out, characters, i);
    } else {
      append_upper(out, characters[i]);
    }
  }
  return out;
}

std::string title_words(std::string_view text) {
  std::string out;
  const std::u32string characters = to_characters(text);
  bool in_word = false;
  for (size_t i = 0; i < characters.size(); i++) {
    if (in_word) {
      append_lower_at(out, characters, i);
    } else {
      append_title(out, characters[i]);
    }
    in_word = has_case(characters[i]);
  }
  return out;
}

std::string_view strip_left(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    size_t next = at;
    if (!is_space(next_character(text, next))) break;
    at = next;
  }
  return text.substr(at);
}

std::string_view strip_right(std::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    size_t start = end - 1;  // back over at most three continuation bytes to the character's first
    while (start > 0 && end - start < 4 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) start--;
    size_t next = start;
    if (!is_space(next_character(text, next)) || next != end) break;
    end = start;
  }
  return text.substr(0, end);
}

}  // namespace isthmus::jinja
