// SPDX-License-Identifier: Apache-2.0
// Normalisation form C from utf8proc's tables, with an ordering step of our own.
#include "llm/tokenizer/nfc.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <vector>

#include "llm/tokenizer/utf8.h"

namespace isthmus {
namespace {

// Hugging Face's tokenizers normalise by Unicode 9.0 (found by comparing every code point), and models have
// seen their text so. Code points that a later version made combine, reorder or decompose stay as they are.
// These are those of Unicode 10 to 17, in places the whole block; and U+11A7, which combines with nothing but
// which utf8proc 2.8 loses behind a Hangul syllable.
struct Range {
  uint32_t first;
  uint32_t last;
};
// clang-format off
constexpr Range kLeftAlone[] = {
    {0x7FD, 0x7FD}, {0x897, 0x89F}, {0x8CA, 0x8D3}, {0x9FE, 0x9FE}, {0xC3C, 0xC3C}, {0xD3B, 0xD3C},
    {0xEBA, 0xEBA}, {0xECE, 0xECE}, {0x11A7, 0x11A7}, {0x1715, 0x1715}, {0x1ABF, 0x1AFF},
    {0x1DF6, 0x1DFA}, {0xA82C, 0xA82C},
    {0x105C0, 0x105FF}, {0x10D24, 0x10D27}, {0x10D69, 0x10D6D}, {0x10EAB, 0x10EAC}, {0x10EFA, 0x10EFF},
    {0x10F46, 0x10F50}, {0x10F82, 0x10F85}, {0x11070, 0x11070}, {0x1133B, 0x1133B}, {0x11380, 0x113FF},
    {0x1145E, 0x1145E}, {0x11839, 0x1183A}, {0x11900, 0x1195F}, {0x119E0, 0x119E0}, {0x11A34, 0x11A34},
    {0x11A47, 0x11A47}, {0x11A99, 0x11A99}, {0x11D42, 0x11D42}, {0x11D44, 0x11D45}, {0x11D97, 0x11D97},
    {0x11F41, 0x11F42}, {0x16100, 0x1613F}, {0x16D40, 0x16D7F}, {0x16FF0, 0x16FF1}, {0x1E08F, 0x1E08F},
    {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2AE}, {0x1E2EC, 0x1E2EF}, {0x1E4EC, 0x1E4EF}, {0x1E5EE, 0x1E5EF},
};
// clang-format on

bool is_left_alone(uint32_t code_point) {
  const auto* at = std::lower_bound(std::begin(kLeftAlone), std::end(kLeftAlone), code_point,
                                    [](const Range& range, uint32_t value) { return range.last < value; });
  return at != std::end(kLeftAlone) && at->first <= code_point;
}

utf8proc_propval_t combining_class(utf8proc_int32_t code_point) {
  return utf8proc_get_property(code_point)->combining_class;
}

// Appends the canonical decomposition of one code point; the longest one has four parts.
void decompose(uint32_t code_point, std::vector<utf8proc_int32_t>& out) {
  utf8proc_int32_t parts[16];
  int last_boundary_class = 0;
  const utf8proc_ssize_t count = utf8proc_decompose_char(
      static_cast<utf8proc_int32_t>(code_point), parts, std::size(parts),
      static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_STABLE), &last_boundary_class);
  if (count < 0 || count > static_cast<utf8proc_ssize_t>(std::size(parts)))
    out.push_back(static_cast<utf8proc_int32_t>(code_point));
  else
    out.insert(out.end(), parts, parts + count);
}

// Puts each run of combining marks in order of their classes. utf8proc_decompose does this by swapping
// neighbours, which takes quadratic time for a long run of marks; hence a stable sort.
void order_marks(std::vector<utf8proc_int32_t>& code_points) {
  for (size_t i = 0; i < code_points.size();) {
    if (combining_class(code_points[i]) == 0) {
      ++i;
      continue;
    }
    size_t end = i + 1;
    while (end < code_points.size() && combining_class(code_points[end]) != 0) ++end;
    std::stable_sort(code_points.begin() + i, code_points.begin() + end,
                     [](auto a, auto b) { return combining_class(a) < combining_class(b); });
    i = end;
  }
}

// Appends the composed form of `code_points` and clears them.
void compose(std::vector<utf8proc_int32_t>& code_points, std::string& out) {
  order_marks(code_points);
  const utf8proc_ssize_t count =
      utf8proc_normalize_utf32(code_points.data(), static_cast<utf8proc_ssize_t>(code_points.size()),
                               static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  for (utf8proc_ssize_t i = 0; i < count; ++i) append_utf8(static_cast<uint32_t>(code_points[i]), out);
  code_points.clear();
}

}  // namespace

std::string normalize_nfc(std::string_view text) {
  // Code points below U+0300 neither combine nor decompose in form C, so most text passes through here.
  if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0xCC; }))
    return std::string(text);

  std::string out;
  out.reserve(text.size());
  std::vector<utf8proc_int32_t> pending;  // decomposed; ends where a newer code point stands
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    if (is_left_alone(step.code_point)) {
      compose(pending, out);
      out += text.substr(0, step.length);
    } else {
      decompose(step.code_point, pending);
    }
    text.remove_prefix(step.length);
  }
  compose(pending, out);
  return out;
}

}  // namespace isthmus
