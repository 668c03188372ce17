// SPDX-License-Identifier: Apache-2.0
// What an aclnn call runs: prepared operators in order, their operands bound to arguments or to places in the
// workspace. It knows no address, so it serves every call with the same dtypes, dims, strides and values.
#pragma once

#include <memory>
#include <vector>

#include "ops/prepared_op.h"
#include "runtime/device.h"

namespace isthmus::cann {

// Where an operand lies.
enum class Place : uint8_t { kAbsent, kArgument, kWorkspace, kConstant };
struct Binding {
  Place place = Place::kAbsent;
  uint32_t slot = 0;   // of an argument
  int64_t offset = 0;  // in bytes
};

struct PlanStep {
  std::unique_ptr<PreparedOp> op;
  std::vector<isthmus_tensor_arg_t> args;  // without addresses
  std::vector<Binding> bindings;
  uint64_t workspace = 0;  // offset of the operator's own
};

// What a plan needs of one tensor argument at every call.
struct SlotUse {
  bool used = false;  // it has elements that some step reads or writes
  bool written = false;
  uint8_t alignment = 1;
  int64_t below = 0, above = 0;  // bytes around the first element
};

// An output of the greatest size there can be, and where the plan leaves how much of it is the result.
struct SizedOutput {
  uint32_t slot = 0;
  int axis = 0;               // the dimension that the count becomes
  uint64_t offset = 0;        // of the count, an I64, in the intermediate results
  std::vector<int64_t> dims;  // the greatest ones
};

class Plan;

// A large elementwise call as the same call on some of its rows, over and over.
struct Parts {
  std::shared_ptr<const Plan> plan;  // null: the call is one
  int64_t count = 0;
  std::vector<uint64_t> steps;  // by slot: bytes from one part to the next
  uint32_t result = 0;          // slot
};

// Immutable once built. Thread-safe; whoever put it on a stream keeps it until the stream has done it.
class Plan {
 public:
  DevicePtr device;
  std::vector<PlanStep> steps;
  std::vector<SlotUse> slots;
  std::vector<const char*> slot_names;  // of the parameters they belong to
  // Pairs (written slot, other slot) that overlapped when the plan was made, and therefore may.
  std::vector<std::pair<uint32_t, uint32_t>> overlaps;
  uint64_t scratch_bytes = 0;    // for intermediate results, with room to align their start
  uint64_t workspace_bytes = 0;  // the same if the program has to give them, else 0: the stream does
  Buffer constants;
  // Not empty: who runs it waits, and tells the program's tensors how large they became.
  std::vector<SizedOutput> sized;
  Parts parts;  // with it there are no steps

  // Fails when an address is absent, not aligned for its dtype, or not memory of the device.
  Status check(std::span<const uint64_t> addresses, uint64_t workspace) const;
  // workspace: of workspace_bytes. counts: one for each sized output, filled when the stream has done it.
  Status run(std::span<const uint64_t> addresses, uint64_t workspace, std::span<int64_t> counts,
             Stream& stream) const;

 private:
  Status run_steps(std::span<const uint64_t> addresses, uint64_t workspace, std::span<int64_t> counts,
                   Stream& stream) const;
  Status run_parts(std::span<const uint64_t> addresses, Stream& stream) const;
};
using PlanPtr = std::shared_ptr<const Plan>;

// Whether the bytes of two tensors meet.
inline bool overlap(uint64_t a, const SlotUse& a_use, uint64_t b, const SlotUse& b_use) {
  if (a_use.above == 0 || b_use.above == 0) return false;  // no elements
  return a - static_cast<uint64_t>(a_use.below) < b + static_cast<uint64_t>(b_use.above) &&
         b - static_cast<uint64_t>(b_use.below) < a + static_cast<uint64_t>(a_use.above);
}

}  // namespace isthmus::cann
