// SPDX-License-Identifier: Apache-2.0
// UTF-8 checking and repair.
#include "llm/tokenizer/utf8.h"

#include <algorithm>
#include <cstring>

namespace isthmus {
namespace {

// What a leading byte asks for: the number of continuation bytes and the range of the first of them. The
// narrowed ranges exclude overlong forms, surrogates and values above U+10FFFF (Unicode standard, table 3-7).
struct Lead {
  uint8_t continuation_count;  // 0: not a leading byte of a longer sequence
  uint8_t low;
  uint8_t high;
};

Lead lead_of(uint8_t byte) {
  if (byte < 0xC2) return {0, 0, 0};
  if (byte <= 0xDF) return {1, 0x80, 0xBF};
  if (byte == 0xE0) return {2, 0xA0, 0xBF};
  if (byte == 0xED) return {2, 0x80, 0x9F};
  if (byte <= 0xEF) return {2, 0x80, 0xBF};
  if (byte == 0xF0) return {3, 0x90, 0xBF};
  if (byte <= 0xF3) return {3, 0x80, 0xBF};
  if (byte == 0xF4) return {3, 0x80, 0x8F};
  return {0, 0, 0};
}

size_t ascii_prefix(std::string_view text) {
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    if (word & 0x8080808080808080u) break;
  }
  while (i < text.size() && static_cast<uint8_t>(text[i]) < 0x80) ++i;
  return i;
}

}  // namespace

Utf8Step utf8_step(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return {1, true, false, first};
  const Lead lead = lead_of(first);
  if (lead.continuation_count == 0) return {1, false, false, 0};
  uint32_t code_point = first & (0x3F >> lead.continuation_count);
  for (size_t i = 1; i <= lead.continuation_count; ++i) {
    if (i == text.size()) return {i, false, true, 0};
    const uint8_t low = i == 1 ? lead.low : 0x80;
    const uint8_t high = i == 1 ? lead.high : 0xBF;
    if (byte(i) < low || byte(i) > high) return {i, false, false, 0};
    code_point = code_point << 6 | (byte(i) & 0x3F);
  }
  return {lead.continuation_count + size_t{1}, true, false, code_point};
}

bool is_ascii(std::string_view text) { return ascii_prefix(text) == text.size(); }

bool is_valid_utf8(std::string_view text) {
  while (true) {
    text.remove_prefix(ascii_prefix(text));
    if (text.empty()) return true;
    const Utf8Step step = utf8_step(text);
    if (!step.valid) return false;
    text.remove_prefix(step.length);
  }
}

void append_repaired_utf8(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const size_t plain = ascii_prefix(text);
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) return;
    const Utf8Step step = utf8_step(text);
    if (step.valid)
      out.append(text.substr(0, step.length));
    else
      append_utf8(0xFFFD, out);
    text.remove_prefix(step.length);
  }
}

size_t incomplete_utf8_tail(std::string_view text) {
  for (size_t length = 1; length <= std::min<size_t>(3, text.size()); ++length) {
    const std::string_view tail = text.substr(text.size() - length);
    if ((static_cast<uint8_t>(tail[0]) & 0xC0) == 0x80)
      continue;  // a continuation byte: its lead is further back
    const Utf8Step step = utf8_step(tail);
    return step.truncated && step.length == length ? length : 0;
  }
  return 0;
}

void append_utf8(uint32_t code_point, std::string& out) {
  const auto put = [&](uint32_t value) { out.push_back(static_cast<char>(value)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

}  // namespace isthmus
