// SPDX-License-Identifier: Apache-2.0
// Normalisation form C from utf8proc's tables, with an ordering step of our own.
#include "llm/tokenizer/nfc.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "llm/tokenizer/utf8.h"

namespace isthmus {
namespace {

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

}  // namespace

std::string normalize_nfc(std::string_view text) {
  // Code points below U+0300 neither combine nor decompose in form C, so most text passes through here.
  if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0xCC; }))
    return std::string(text);

  std::vector<utf8proc_int32_t> code_points;
  code_points.reserve(text.size());
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    decompose(step.code_point, code_points);
    text.remove_prefix(step.length);
  }
  order_marks(code_points);
  const utf8proc_ssize_t count =
      utf8proc_normalize_utf32(code_points.data(), static_cast<utf8proc_ssize_t>(code_points.size()),
                               static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  std::string out;
  for (utf8proc_ssize_t i = 0; i < count; ++i) append_utf8(static_cast<uint32_t>(code_points[i]), out);
  return out;
}

}  // namespace isthmus
