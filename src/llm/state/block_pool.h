// SPDX-License-Identifier: Apache-2.0
// Which blocks of the paged cache belong to whom: counted references, and finished blocks kept for reuse by
// prefix.
#pragma once

#include <cstdint>
#include <list>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/status.h"

namespace isthmus {

// Numbers only; the memory is the engine's. A block holds kCacheBlock positions of every layer.
class BlockPool {
 public:
  explicit BlockPool(int64_t blocks);

  int64_t total() const { return static_cast<int64_t>(blocks_.size()); }
  int64_t available() const { return static_cast<int64_t>(free_.size()); }  // free, or kept and evictable

  // A block with one reference, contents undefined: a free one, else the kept one unused the longest.
  Result<int32_t> take();
  void retain(int32_t block);
  // Without references a block is free; one with a published prefix is kept until its place is needed.
  void release(int32_t block);
  bool shared(int32_t block) const { return blocks_[block].references > 1; }

  // Says that a full block holds these tokens after the prefix `parent` (0 at the start); returns the
  // prefix's key.
  uint64_t publish(int32_t block, uint64_t parent, std::span<const int32_t> tokens);
  // The block published for these tokens after that prefix, with a reference added; -1 when there is none.
  int32_t find(uint64_t parent, std::span<const int32_t> tokens, uint64_t* key);
  // The block is about to be written: nobody may find it any more.
  void unpublish(int32_t block);

 private:
  struct Block {
    int references = 0;
    uint64_t key = 0;  // 0: not published
    uint64_t parent = 0;
    std::vector<int32_t> tokens;         // compared in full: equal keys are not proof
    std::list<int32_t>::iterator place;  // in free_, while references is 0
  };
  std::vector<Block> blocks_;
  std::list<int32_t> free_;  // unused the longest first; never published ones before all
  std::unordered_map<uint64_t, int32_t> published_;
};

}  // namespace isthmus
