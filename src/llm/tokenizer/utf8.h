// SPDX-License-Identifier: Apache-2.0
// UTF-8 checking and repair: bytes from anywhere become text that Unicode algorithms may trust.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace isthmus {

// One step through bytes that may not be UTF-8. A valid step covers one code point. An invalid one covers the
// longest prefix of a well-formed sequence found here, at least one byte (the Unicode standard's "maximal
// subpart", which is what Python's errors='replace' and Rust's from_utf8_lossy replace by one U+FFFD).
struct Utf8Step {
  size_t length = 0;
  bool valid = false;
  bool truncated = false;   // invalid only because the text ends: more bytes could complete it
  uint32_t code_point = 0;  // 0 when invalid
};
// `text` must not be empty.
Utf8Step utf8_step(std::string_view text);

bool is_ascii(std::string_view text);
bool is_valid_utf8(std::string_view text);
// Appends `text` to `out` with U+FFFD for every broken part.
void append_repaired_utf8(std::string_view text, std::string& out);
// How many bytes at the end of `text` (0 to 3) begin a code point that is not complete yet.
size_t incomplete_utf8_tail(std::string_view text);
// Appends the UTF-8 of a code point; `code_point` must be a Unicode scalar value.
void append_utf8(uint32_t code_point, std::string& out);

}  // namespace isthmus
