// SPDX-License-Identifier: Apache-2.0
// Letters and numbers assigned in Unicode 15.0 to 16.0, and one character whose class changed.
#include "llm/tokenizer/unicode_additions.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "llm/tokenizer/utf8.h"

namespace isthmus {
namespace {

struct Addition {
  uint32_t first;
  uint32_t last;
  uint32_t stand_in;  // of the same class and encoded length
};

constexpr uint32_t kLetter3 = 0x4E00;  // a letter of three bytes
constexpr uint32_t kLetter = 0x20000;  // a letter of four bytes
constexpr uint32_t kNumber = 0x1D7CE;  // a number of four bytes
constexpr uint32_t kFormat3 = 0x200B;  // a format character of three bytes

// In order of code points. U+180E has been a format character since Unicode 6.3; PCRE2 keeps it among the
// spaces.
// clang-format off
constexpr Addition kAdditions[] = {
    {0x180E, 0x180E, kFormat3},
    {0x1C89, 0x1C8A, kLetter3}, {0xA7CB, 0xA7CD, kLetter3}, {0xA7DA, 0xA7DC, kLetter3},
    {0x105C0, 0x105F3, kLetter}, {0x10D40, 0x10D49, kNumber}, {0x10D4A, 0x10D65, kLetter},
    {0x10D6F, 0x10D85, kLetter}, {0x10EC2, 0x10EC4, kLetter}, {0x1123F, 0x11240, kLetter},
    {0x11380, 0x11389, kLetter}, {0x1138B, 0x1138B, kLetter}, {0x1138E, 0x1138E, kLetter},
    {0x11390, 0x113B5, kLetter}, {0x113B7, 0x113B7, kLetter}, {0x113D1, 0x113D1, kLetter},
    {0x113D3, 0x113D3, kLetter}, {0x116D0, 0x116E3, kNumber}, {0x11BC0, 0x11BE0, kLetter},
    {0x11BF0, 0x11BF9, kNumber}, {0x11F02, 0x11F02, kLetter}, {0x11F04, 0x11F10, kLetter},
    {0x11F12, 0x11F33, kLetter}, {0x11F50, 0x11F59, kNumber}, {0x1342F, 0x1342F, kLetter},
    {0x13441, 0x13446, kLetter}, {0x13460, 0x143FA, kLetter}, {0x16100, 0x1611D, kLetter},
    {0x16130, 0x16139, kNumber}, {0x16D40, 0x16D6C, kLetter}, {0x16D70, 0x16D79, kNumber},
    {0x18CFF, 0x18CFF, kLetter}, {0x1B132, 0x1B132, kLetter}, {0x1B155, 0x1B155, kLetter},
    {0x1CCF0, 0x1CCF9, kNumber}, {0x1D2C0, 0x1D2D3, kNumber}, {0x1DF25, 0x1DF2A, kLetter},
    {0x1E030, 0x1E06D, kLetter}, {0x1E4D0, 0x1E4EB, kLetter}, {0x1E4F0, 0x1E4F9, kNumber},
    {0x1E5D0, 0x1E5ED, kLetter}, {0x1E5F0, 0x1E5F0, kLetter}, {0x1E5F1, 0x1E5FA, kNumber},
    {0x2B739, 0x2B739, kLetter}, {0x2EBF0, 0x2EE5D, kLetter}, {0x31350, 0x323AF, kLetter},
};
// clang-format on

const Addition* find_addition(uint32_t code_point) {
  const auto* at = std::lower_bound(std::begin(kAdditions), std::end(kAdditions), code_point,
                                    [](const Addition& a, uint32_t value) { return a.last < value; });
  return at != std::end(kAdditions) && at->first <= code_point ? at : nullptr;
}

}  // namespace

std::optional<std::string> stand_in_text(std::string_view text) {
  std::optional<std::string> copy;
  for (size_t i = 0; i < text.size();) {
    if (static_cast<uint8_t>(text[i]) <
        0xE1) {  // before U+1000: nothing in the table, and continuation bytes
      ++i;
      continue;
    }
    const Utf8Step step = utf8_step(text.substr(i));
    if (const Addition* addition = find_addition(step.code_point)) {
      if (!copy) copy = std::string(text);
      std::string stand_in;
      append_utf8(addition->stand_in, stand_in);
      copy->replace(i, step.length, stand_in);
    }
    i += step.length;
  }
  return copy;
}

}  // namespace isthmus
