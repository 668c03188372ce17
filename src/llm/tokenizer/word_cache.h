// SPDX-License-Identifier: Apache-2.0
// Remembers the tokens of recent short words, in a fixed amount of memory.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace isthmus {

// Not safe for use from several threads at once. A word has one slot, found by its hash; a new word replaces
// the old.
class WordCache {
 public:
  // Returns false when the word is not there.
  bool append(std::string_view word, std::vector<int32_t>& out) const;
  void store(std::string_view word, std::span<const int32_t> tokens);

 private:
  static constexpr size_t kSlots = 8192;
  static constexpr size_t kWordBytes = 31;
  static constexpr size_t kTokens = 11;

  struct Slot {
    uint8_t word_size = 0;
    std::array<char, kWordBytes> word;
    uint32_t token_count = 0;
    std::array<int32_t, kTokens> tokens;
  };
  static size_t slot_of(std::string_view word);

  std::vector<Slot> slots_;  // empty until the first store
};

}  // namespace isthmus
