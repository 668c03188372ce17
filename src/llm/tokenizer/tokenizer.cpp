// SPDX-License-Identifier: Apache-2.0
// Encoding and decoding: the steps in order. How one is made from a file is in tokenizer_create.cpp.
#include "llm/tokenizer/tokenizer.h"

#include <algorithm>

#include "llm/tokenizer/nfc.h"
#include "llm/tokenizer/utf8.h"

namespace isthmus {

Result<std::vector<int32_t>> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  if (text.size() > kMaxTextBytes)
    return error(Code::kOutOfRange, "the text has {} bytes; at most {} are tokenized at once", text.size(),
                 kMaxTextBytes);
  std::string repaired;
  if (!is_valid_utf8(text)) {
    append_repaired_utf8(text, repaired);
    text = repaired;
  }
  const std::unique_lock<std::mutex> lock(cache_mutex_, std::try_to_lock);
  WordCache* cache = lock.owns_lock() ? &cache_ : nullptr;

  std::vector<int32_t> tokens;
  if (options.add_special && add_bos_) tokens.push_back(bos_);
  for (const TextSegment& segment : special_tokens_.split(text, options.parse_special)) {
    if (segment.id >= 0) {
      tokens.push_back(segment.id);
    } else if (nfc_ && !is_ascii(segment.text)) {
      RETURN_IF_ERROR(encode_text(normalize_nfc(segment.text), cache, tokens));
    } else {
      RETURN_IF_ERROR(encode_text(segment.text, cache, tokens));
    }
  }
  if (options.add_special && add_eos_) tokens.push_back(eos_);
  return tokens;
}

Status Tokenizer::encode_text(std::string_view text, WordCache* cache, std::vector<int32_t>& out) const {
  return pre_tokenizer_->split(text, [&](std::string_view word) {
    if (cache && cache->append(word, out)) return;
    const size_t before = out.size();
    const auto whole = ignore_merges_ ? model_tokens_.find(word) : model_tokens_.end();
    if (whole != model_tokens_.end())
      out.push_back(whole->second);
    else
      encoder_->encode(word, out);
    if (cache) cache->store(word, std::span(out).subspan(before));
  });
}

std::string Tokenizer::decode(std::span<const int32_t> tokens, DecodeOptions options) const {
  std::string bytes;
  for (const int32_t token : tokens) {
    if (!options.skip_special || !is_control(token)) bytes += token_bytes(token);
  }
  if (is_valid_utf8(bytes)) return bytes;
  std::string text;
  append_repaired_utf8(bytes, text);
  return text;
}

std::string_view Tokenizer::token_bytes(int32_t token) const {
  if (token < 0 || static_cast<size_t>(token) >= token_bytes_.size()) return {};
  return token_bytes_[token];
}

TokenType Tokenizer::type(int32_t token) const {
  if (token < 0 || static_cast<size_t>(token) >= types_.size()) return TokenType::kUnused;
  return types_[token];
}

std::optional<int32_t> Tokenizer::find(std::string_view text) const {
  if (const SpecialToken* special = special_tokens_.find(text)) return special->id;
  const auto at = model_tokens_.find(text);
  if (at == model_tokens_.end()) return std::nullopt;
  return at->second;
}

bool Tokenizer::is_end_of_generation(int32_t token) const {
  return std::binary_search(end_of_generation_.begin(), end_of_generation_.end(), token);
}

}  // namespace isthmus
