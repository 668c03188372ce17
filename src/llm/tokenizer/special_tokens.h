// SPDX-License-Identifier: Apache-2.0
// Finds the tokens that stand for themselves in raw text (control and user-defined ones), before anything
// else.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace isthmus {

struct SpecialToken {
  std::string text;
  int32_t id = 0;
  bool control = false;      // only matched when the caller trusts the text
  bool strip_left = false;   // takes the white space before it
  bool strip_right = false;  // takes the white space after it
};

// A stretch of text: one special token, or ordinary text when id is -1.
struct TextSegment {
  std::string_view text;
  int32_t id = -1;
};

class SpecialTokens {
 public:
  // Longer than any real one; keeps the search linear in the text whatever a file says.
  static constexpr size_t kMaxTokenBytes = 512;

  static Result<SpecialTokens> create(std::vector<SpecialToken> tokens);

  // Leftmost match first, the longest of those. With `parse_control` false control tokens become ordinary
  // text (and still hide a token inside them, as in Hugging Face tokenizers with encode_special_tokens).
  std::vector<TextSegment> split(std::string_view text, bool parse_control) const;
  // Null when no token has exactly this text.
  const SpecialToken* find(std::string_view text) const;
  const std::vector<SpecialToken>& tokens() const { return tokens_; }

 private:
  const SpecialToken* longest_prefix(std::string_view text) const;

  std::vector<SpecialToken> tokens_;  // sorted by text
  // For each first byte the range of tokens that begin with it.
  std::array<uint32_t, 257> first_byte_begin_{};
};

}  // namespace isthmus
