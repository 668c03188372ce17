// SPDX-License-Identifier: Apache-2.0
// The state of sequences between steps: paged groups (keys and values) and slot groups (convolution and
// recurrent states), with what prefix reuse, preemption, speculation and saving are built of.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "llm/state/block_pool.h"
#include "runtime/device.h"

namespace isthmus {

// Positions in one block of a paged group.
inline constexpr int64_t kCacheBlock = 64;

// One state group, as a model family declares it.
struct StateDeclaration {
  enum Kind {
    kPaged,  // first dimension: blocks of kCacheBlock positions, given out by block tables
    kSlot,   // first dimension: one slot per sequence; all it has seen is folded into the slot
  };
  Kind kind;
  std::string name;  // of the graph's state value
  Dtype dtype;
  std::vector<int64_t> dims;  // after the first dimension
};

// What one sequence holds. A plain value; the store counts who uses what.
struct SequenceState {
  int64_t computed = 0;         // positions whose state exists
  std::vector<int32_t> blocks;  // of paged groups, in order of position
  std::vector<uint64_t> keys;   // of the full blocks that are published for reuse
  int32_t slot = -1;            // of slot groups; -1: none yet, or no such group
};

// One thread at a time. Device work goes to each group's stream, in order with the steps on it.
class StateStore {
 public:
  // A group and the stream of the steps that use it; the stream outlives the store.
  struct PlacedGroup {
    StateDeclaration declaration;
    Stream* stream;
  };
  // Room for `blocks` blocks of every paged group and `slots` sequences of every slot group, on the device of
  // its stream.
  static Result<std::unique_ptr<StateStore>> create(std::vector<PlacedGroup> groups, int64_t blocks,
                                                    int64_t slots, bool prefix_reuse);

  struct Group {
    StateDeclaration declaration;
    Stream* stream = nullptr;
    Buffer buffer;
    uint64_t unit_bytes = 0;  // of one block or slot
  };
  const std::vector<Group>& groups() const { return groups_; }
  uint64_t bytes() const;
  const BlockPool& pool() const { return *pool_; }
  bool has_slots() const { return has_slots_; }

  // Makes positions [computed, end) writable: blocks taken, shared ones copied, a zeroed slot on the first
  // call.
  Status append(SequenceState& state, int64_t end);
  // A copy that shares all blocks until one of the two writes, and has a slot of its own.
  Result<SequenceState> fork(const SequenceState& state);
  // Keeps the first `length` positions. Slot groups cannot go back: with one, fewer than computed means none
  // at all.
  void truncate(SequenceState& state, int64_t length);
  void release(SequenceState& state);  // everything; the state is then empty

  // Takes over blocks that hold the beginning of these tokens already; leaves at least the last token to
  // compute.
  void reuse_prefix(SequenceState& state, std::span<const int32_t> tokens);
  // Publishes the full blocks computed so far.
  void publish(SequenceState& state, std::span<const int32_t> tokens);

  // Copies everything computed to the host, and back into an empty state. `bytes` must be exactly
  // saved_bytes().
  uint64_t saved_bytes(int64_t computed) const;
  Status copy_out(const SequenceState& state, std::span<std::byte> bytes);
  Result<SequenceState> copy_in(int64_t computed, std::span<const std::byte> bytes);
  // Names the groups and their shapes: equal fingerprints can exchange saved states.
  uint64_t fingerprint() const;

 private:
  StateStore() = default;
  isthmus_address_t address(const Group& group, int32_t unit) const {
    return group.buffer.address() + static_cast<uint64_t>(unit) * group.unit_bytes;
  }
  Status wait() const;  // for the groups' streams
  // Calls body(group, unit) for each block and slot of the first `computed` positions, in a fixed order.
  template <typename Body>
  Status for_each_unit(const SequenceState& state, int64_t computed, Body body) const;

  std::vector<Group> groups_;
  std::unique_ptr<BlockPool> pool_;
  std::vector<int32_t> free_slots_;
  bool has_slots_ = false;
  bool prefix_reuse_ = true;
};

}  // namespace isthmus
