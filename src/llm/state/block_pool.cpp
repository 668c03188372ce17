// SPDX-License-Identifier: Apache-2.0
#include "llm/state/block_pool.h"

#include <algorithm>

namespace isthmus {
namespace {

uint64_t prefix_key(uint64_t parent, std::span<const int32_t> tokens) {
  uint64_t key = parent ^ 0x9E3779B97F4A7C15u;
  for (int32_t token : tokens) {
    key = (key ^ static_cast<uint32_t>(token)) * 0xBF58476D1CE4E5B9u;
    key ^= key >> 29;
  }
  return key ? key : 1;
}

}  // namespace

BlockPool::BlockPool(int64_t blocks) : blocks_(static_cast<size_t>(blocks)) {
  for (size_t b = 0; b < blocks_.size(); ++b)
    blocks_[b].place = free_.insert(free_.end(), static_cast<int32_t>(b));
}

Result<int32_t> BlockPool::take() {
  if (free_.empty())
    return error(Code::kOutOfMemory, "all {} blocks of the cache are in use", blocks_.size());
  const int32_t block = free_.front();
  free_.pop_front();
  unpublish(block);
  blocks_[block].references = 1;
  return block;
}

void BlockPool::retain(int32_t block) {
  Block& b = blocks_[block];
  if (b.references++ == 0) free_.erase(b.place);
}

void BlockPool::release(int32_t block) {
  Block& b = blocks_[block];
  if (--b.references > 0) return;
  b.place = free_.insert(b.key ? free_.end() : free_.begin(), block);
}

uint64_t BlockPool::publish(int32_t block, uint64_t parent, std::span<const int32_t> tokens) {
  const uint64_t key = prefix_key(parent, tokens);
  if (published_.try_emplace(key, block).second) {
    blocks_[block].key = key;
    blocks_[block].parent = parent;
    blocks_[block].tokens.assign(tokens.begin(), tokens.end());
  }
  return key;
}

int32_t BlockPool::find(uint64_t parent, std::span<const int32_t> tokens, uint64_t* key) {
  *key = prefix_key(parent, tokens);
  auto found = published_.find(*key);
  if (found == published_.end()) return -1;
  const Block& b = blocks_[found->second];
  if (b.parent != parent || !std::equal(tokens.begin(), tokens.end(), b.tokens.begin(), b.tokens.end()))
    return -1;
  retain(found->second);
  return found->second;
}

void BlockPool::unpublish(int32_t block) {
  Block& b = blocks_[block];
  if (!b.key) return;
  published_.erase(b.key);
  b.key = 0;
  b.tokens.clear();
}

}  // namespace isthmus
