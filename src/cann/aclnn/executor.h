// SPDX-License-Identifier: Apache-2.0
// An executor: a plan and the addresses of one call. It owns no memory of the program's and none of its
// objects, so these may be destroyed and it may move to another thread.
#pragma once

#include <array>
#include <mutex>
#include <vector>

#include "cann/aclnn/call.h"
#include "cann/aclnn/plan.h"
#include "cann/handles.h"
#include "cann/runtime.h"

namespace isthmus::cann {

// Addresses of few tensors in place, so that a call allocates once.
class Addresses {
 public:
  Addresses() = default;
  explicit Addresses(std::span<const uint64_t> values) : count_(values.size()) {
    if (count_ > few_.size())
      many_.assign(values.begin(), values.end());
    else
      std::copy(values.begin(), values.end(), few_.begin());
  }
  std::span<uint64_t> get() { return {many_.empty() ? few_.data() : many_.data(), count_}; }
  std::span<const uint64_t> get() const { return {many_.empty() ? few_.data() : many_.data(), count_}; }

 private:
  size_t count_ = 0;
  std::array<uint64_t, 8> few_{};
  std::vector<uint64_t> many_;
};

// A plan with addresses, as it is put on a stream: at once, or at every replay.
struct BoundPlan : Work {
  PlanPtr plan;
  Addresses addresses;
  uint64_t workspace = 0;
  std::vector<int64_t> counts;  // of the plan's sized outputs
  uint64_t checked = 0;         // memory_generation() when it was
  Status put_on(Stream& stream) override {
    if (memory_generation() != checked) RETURN_IF_ERROR(plan->check(addresses.get(), workspace));
    return plan->run(addresses.get(), workspace, counts, stream);
  }
};

struct Executor {
  const Operator* op = nullptr;
  std::vector<uint32_t> list_lengths;  // of the operator's tensor lists, in order
  BoundPlan call;                      // put on streams itself, but for repeatable ones, which put copies
  std::vector<const void*> sized;      // the handles of the plan's sized outputs
  // Of what follows, and of the addresses of a repeatable one: threads may share it.
  std::mutex mutex;
  bool repeatable = false;
  bool pointed_elsewhere = false;  // some address is not phase one's
};

HandleTable<Executor>& executors();

}  // namespace isthmus::cann
