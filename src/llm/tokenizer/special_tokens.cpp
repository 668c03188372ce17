// SPDX-License-Identifier: Apache-2.0
// Search for special tokens: a sorted array narrowed byte by byte.
#include "llm/tokenizer/special_tokens.h"

#include <algorithm>

#include "llm/tokenizer/utf8.h"

namespace isthmus {
namespace {

// White space as Unicode's White_Space property defines it.
bool is_white_space(uint32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

size_t leading_white_space(std::string_view text) {
  size_t length = 0;
  while (length < text.size()) {
    const Utf8Step step = utf8_step(text.substr(length));
    if (!step.valid || !is_white_space(step.code_point)) break;
    length += step.length;
  }
  return length;
}

size_t trailing_white_space(std::string_view text) {
  size_t begin = text.size();
  while (begin > 0) {
    size_t at = begin - 1;
    while (at > 0 && begin - at < 4 && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80) --at;
    const Utf8Step step = utf8_step(text.substr(at, begin - at));
    if (!step.valid || at + step.length != begin || !is_white_space(step.code_point)) break;
    begin = at;
  }
  return text.size() - begin;
}

}  // namespace

Result<SpecialTokens> SpecialTokens::create(std::vector<SpecialToken> tokens) {
  for (const SpecialToken& token : tokens) {
    if (token.text.size() > kMaxTokenBytes)
      return invalid_argument("special token {} has {} bytes; at most {} are supported", token.id,
                              token.text.size(), kMaxTokenBytes);
  }
  SpecialTokens result;
  result.tokens_ = std::move(tokens);
  auto& sorted = result.tokens_;
  std::erase_if(sorted, [](const SpecialToken& token) { return token.text.empty(); });
  std::sort(sorted.begin(), sorted.end(), [](const SpecialToken& a, const SpecialToken& b) {
    return a.text != b.text ? a.text < b.text : a.id < b.id;
  });
  const auto same_text = [](const SpecialToken& a, const SpecialToken& b) { return a.text == b.text; };
  sorted.erase(std::unique(sorted.begin(), sorted.end(), same_text), sorted.end());
  for (const SpecialToken& token : sorted)
    ++result.first_byte_begin_[static_cast<uint8_t>(token.text[0]) + 1];
  for (size_t i = 1; i < 257; ++i) result.first_byte_begin_[i] += result.first_byte_begin_[i - 1];
  return result;
}

const SpecialToken* SpecialTokens::find(std::string_view text) const {
  const auto at =
      std::lower_bound(tokens_.begin(), tokens_.end(), text,
                       [](const SpecialToken& token, std::string_view t) { return token.text < t; });
  return at != tokens_.end() && at->text == text ? &*at : nullptr;
}

const SpecialToken* SpecialTokens::longest_prefix(std::string_view text) const {
  const uint8_t first = static_cast<uint8_t>(text[0]);
  auto begin = tokens_.begin() + first_byte_begin_[first];
  auto end = tokens_.begin() + first_byte_begin_[first + 1];
  const SpecialToken* longest = nullptr;
  // Tokens in [begin, end) share the first `length` bytes with the text; a token of that length sorts first.
  for (size_t length = 1; begin != end; ++length) {
    if (begin->text.size() == length) longest = &*begin++;
    if (length == text.size()) break;
    const uint8_t next = static_cast<uint8_t>(text[length]);
    const auto byte_at = [length](const SpecialToken& token) {
      return static_cast<uint8_t>(token.text[length]);
    };
    begin =
        std::partition_point(begin, end, [&](const SpecialToken& token) { return byte_at(token) < next; });
    end = std::partition_point(begin, end, [&](const SpecialToken& token) { return byte_at(token) == next; });
  }
  return longest;
}

std::vector<TextSegment> SpecialTokens::split(std::string_view text, bool parse_control) const {
  std::vector<TextSegment> segments;
  size_t done = 0;
  for (size_t i = 0; i < text.size();) {
    const uint8_t first = static_cast<uint8_t>(text[i]);
    const bool possible = first_byte_begin_[first] != first_byte_begin_[first + 1];
    const SpecialToken* token = possible ? longest_prefix(text.substr(i)) : nullptr;
    if (!token) {
      ++i;
      continue;
    }
    const size_t found = i;
    i += token->text.size();
    if (token->control && !parse_control) continue;
    // White space that the token before has taken is not taken again.
    size_t begin = std::max(done, found);
    if (token->strip_left) begin -= trailing_white_space(text.substr(done, begin - done));
    if (token->strip_right) i += leading_white_space(text.substr(i));
    const size_t end = i;
    if (begin > done) segments.push_back({text.substr(done, begin - done), -1});
    segments.push_back({text.substr(begin, end - begin), token->id});
    done = end;
  }
  if (done < text.size()) segments.push_back({text.substr(done), -1});
  return segments;
}

}  // namespace isthmus
