// SPDX-License-Identifier: Apache-2.0
// Byte-pair merging of one word: the pair of the lowest rank first, the leftmost of equal ones.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace isthmus {

class BytePairEncoder {
 public:
  static constexpr int32_t kNoToken = -1;
  struct Merge {
    int32_t left;
    int32_t right;
    int32_t merged;
  };

  // `token_of_byte` holds the token of each single byte, or kNoToken: such a byte vanishes from the result
  // (as with Hugging Face tokenizers; SmolLM2 has no token for 21 of them). Of equal pairs in `merges` the
  // last one counts.
  BytePairEncoder(const std::array<int32_t, 256>& token_of_byte, const std::vector<Merge>& merges);

  // Appends the tokens of `word`. O(n log n) time and about 40 bytes of memory per byte. At most 2^31 - 1
  // bytes.
  void encode(std::string_view word, std::vector<int32_t>& out) const;

 private:
  struct Entry {
    uint64_t pair;
    uint32_t rank;
    int32_t merged;
  };
  const Entry* find(int32_t left, int32_t right) const;
  void encode_short(std::string_view word, std::vector<int32_t>& out) const;
  void encode_long(std::string_view word, std::vector<int32_t>& out) const;

  std::array<int32_t, 256> token_of_byte_;
  std::vector<Entry> table_;  // open addressing, a power of two in size, at most half full
  uint64_t mask_ = 0;
};

}  // namespace isthmus
