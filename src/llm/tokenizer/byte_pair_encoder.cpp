// SPDX-License-Identifier: Apache-2.0
// Byte-pair merging: a scan for short words, a priority queue over a linked list for long ones.
#include "llm/tokenizer/byte_pair_encoder.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace isthmus {
namespace {

constexpr uint64_t kEmptyPair = ~uint64_t{0};
constexpr uint32_t kNoRank = ~uint32_t{0};
// Below this many bytes, scanning all pairs for the lowest rank is faster than keeping a queue.
constexpr size_t kShortWordBytes = 32;

uint64_t pair_of(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

uint64_t hash_of(uint64_t pair) {
  pair ^= pair >> 32;
  pair *= 0x9E3779B97F4A7C15u;
  return pair ^ pair >> 29;
}

}  // namespace

BytePairEncoder::BytePairEncoder(const std::array<int32_t, 256>& token_of_byte,
                                 const std::vector<Merge>& merges)
    : token_of_byte_(token_of_byte) {
  const size_t size = std::bit_ceil(merges.size() * 2 + 2);
  table_.assign(size, {kEmptyPair, kNoRank, kNoToken});
  mask_ = size - 1;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const uint64_t pair = pair_of(merges[rank].left, merges[rank].right);
    uint64_t at = hash_of(pair) & mask_;
    while (table_[at].pair != kEmptyPair && table_[at].pair != pair) at = (at + 1) & mask_;
    table_[at] = {pair, static_cast<uint32_t>(rank), merges[rank].merged};
  }
}

const BytePairEncoder::Entry* BytePairEncoder::find(int32_t left, int32_t right) const {
  const uint64_t pair = pair_of(left, right);
  for (uint64_t at = hash_of(pair) & mask_;; at = (at + 1) & mask_) {
    if (table_[at].pair == pair) return &table_[at];
    if (table_[at].pair == kEmptyPair) return nullptr;
  }
}

void BytePairEncoder::encode(std::string_view word, std::vector<int32_t>& out) const {
  if (word.size() <= kShortWordBytes)
    encode_short(word, out);
  else
    encode_long(word, out);
}

void BytePairEncoder::encode_short(std::string_view word, std::vector<int32_t>& out) const {
  std::array<int32_t, kShortWordBytes> tokens;
  std::array<const Entry*, kShortWordBytes> merges;  // merges[i]: of tokens i and i + 1, or null
  size_t count = 0;
  for (const char c : word) {
    const int32_t token = token_of_byte_[static_cast<uint8_t>(c)];
    if (token != kNoToken) tokens[count++] = token;
  }
  for (size_t i = 0; i + 1 < count; ++i) merges[i] = find(tokens[i], tokens[i + 1]);
  while (true) {
    size_t best = count;
    uint32_t best_rank = kNoRank;
    for (size_t i = 0; i + 1 < count; ++i) {
      if (merges[i] && merges[i]->rank < best_rank) {
        best = i;
        best_rank = merges[i]->rank;
      }
    }
    if (best == count) break;
    tokens[best] = merges[best]->merged;
    --count;
    std::copy(tokens.begin() + best + 2, tokens.begin() + count + 1, tokens.begin() + best + 1);
    if (best + 1 < count) {
      std::copy(merges.begin() + best + 2, merges.begin() + count, merges.begin() + best + 1);
      merges[best] = find(tokens[best], tokens[best + 1]);
    }
    if (best > 0) merges[best - 1] = find(tokens[best - 1], tokens[best]);
  }
  out.insert(out.end(), tokens.begin(), tokens.begin() + count);
}

void BytePairEncoder::encode_long(std::string_view word, std::vector<int32_t>& out) const {
  constexpr uint32_t kEnd = ~uint32_t{0};
  struct Symbol {
    int32_t token;  // kNoToken once it has been merged into the one before it
    uint32_t previous;
    uint32_t next;
  };
  std::vector<Symbol> symbols;
  symbols.reserve(word.size());
  for (const char c : word) {
    const int32_t token = token_of_byte_[static_cast<uint8_t>(c)];
    if (token == kNoToken) continue;
    const auto at = static_cast<uint32_t>(symbols.size());
    symbols.push_back({token, at == 0 ? kEnd : at - 1, at + 1});
  }
  if (symbols.empty()) return;
  symbols.back().next = kEnd;

  // Rank in the high half and position in the low one: the smallest is the next merge. An entry is out of
  // date when the pair now at its position has another rank; ranks are unique to pairs, so nothing else needs
  // to be stored.
  std::vector<uint64_t> queue;
  queue.reserve(symbols.size());
  const auto pair_at = [&](uint32_t at) -> const Entry* {
    const uint32_t next = symbols[at].next;
    return symbols[at].token == kNoToken || next == kEnd ? nullptr
                                                         : find(symbols[at].token, symbols[next].token);
  };
  const auto entry_at = [](uint32_t rank, uint32_t at) { return uint64_t{rank} << 32 | at; };
  for (uint32_t at = 0; at < symbols.size(); ++at) {
    if (const Entry* entry = pair_at(at)) queue.push_back(entry_at(entry->rank, at));
  }
  const auto later = std::greater<uint64_t>();
  std::make_heap(queue.begin(), queue.end(), later);
  const auto offer = [&](uint32_t at) {
    if (const Entry* entry = pair_at(at)) {
      queue.push_back(entry_at(entry->rank, at));
      std::push_heap(queue.begin(), queue.end(), later);
    }
  };
  while (!queue.empty()) {
    std::pop_heap(queue.begin(), queue.end(), later);
    const uint64_t top = queue.back();
    queue.pop_back();
    const auto at = static_cast<uint32_t>(top);
    const Entry* entry = pair_at(at);
    if (!entry || entry->rank != top >> 32) continue;
    Symbol& symbol = symbols[at];
    Symbol& absorbed = symbols[symbol.next];
    symbol.token = entry->merged;
    symbol.next = absorbed.next;
    absorbed.token = kNoToken;
    if (symbol.next != kEnd) symbols[symbol.next].previous = at;
    if (symbol.previous != kEnd) offer(symbol.previous);
    offer(at);
  }
  for (uint32_t at = 0; at != kEnd; at = symbols[at].next) out.push_back(symbols[at].token);
}

}  // namespace isthmus
