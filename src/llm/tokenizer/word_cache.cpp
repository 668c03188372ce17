// SPDX-License-Identifier: Apache-2.0
// The cache of words already merged.
#include "llm/tokenizer/word_cache.h"

#include <algorithm>
#include <cstring>
#include <functional>

namespace isthmus {

size_t WordCache::slot_of(std::string_view word) { return std::hash<std::string_view>{}(word) % kSlots; }

bool WordCache::append(std::string_view word, std::vector<int32_t>& out) const {
  if (slots_.empty() || word.empty() || word.size() > kWordBytes) return false;
  const Slot& slot = slots_[slot_of(word)];
  if (slot.word_size != word.size() || std::memcmp(slot.word.data(), word.data(), word.size()) != 0)
    return false;
  out.insert(out.end(), slot.tokens.begin(), slot.tokens.begin() + slot.token_count);
  return true;
}

void WordCache::store(std::string_view word, std::span<const int32_t> tokens) {
  if (word.empty() || word.size() > kWordBytes || tokens.size() > kTokens) return;
  if (slots_.empty()) slots_.resize(kSlots);
  Slot& slot = slots_[slot_of(word)];
  slot.word_size = static_cast<uint8_t>(word.size());
  std::copy(word.begin(), word.end(), slot.word.begin());
  slot.token_count = static_cast<uint32_t>(tokens.size());
  std::copy(tokens.begin(), tokens.end(), slot.tokens.begin());
}

}  // namespace isthmus
