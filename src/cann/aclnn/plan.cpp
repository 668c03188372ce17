// SPDX-License-Identifier: Apache-2.0
#include "cann/aclnn/plan.h"

#include "cann/aclnn/scratch.h"
#include "cann/runtime.h"

namespace isthmus::cann {

Status Plan::check_addresses(std::span<const uint64_t> addresses) const {
  for (size_t i = 0; i < slots.size(); ++i) {
    if (!slots[i].used) continue;
    if (addresses[i] == 0) return invalid_argument("the data of tensor {} is null", i);
    if (addresses[i] % slots[i].alignment != 0)
      return invalid_argument("the data of tensor {} at {:#x} is not aligned to {} bytes", i, addresses[i],
                              slots[i].alignment);
  }
  return ok();
}

Status Plan::run(std::span<const uint64_t> addresses, uint64_t workspace, std::span<int64_t> counts,
                 Stream& stream) const {
  if (&stream.device() != device.get())
    return invalid_argument("the stream is of {}, the call was prepared for {}", stream.device().id(),
                            device->id());
  if (scratch_bytes > 0 && workspace_bytes == 0) {
    ASSIGN_OR_RETURN(workspace, scratch_of(stream, scratch_bytes));
  }
  const uint64_t alignment = device->properties().alignment_bytes;
  workspace = (workspace + alignment - 1) / alignment * alignment;
  isthmus_tensor_arg_t args[ISTHMUS_MAX_OPERANDS];
  for (const PlanStep& step : steps) {
    for (size_t i = 0; i < step.args.size(); ++i) {
      args[i] = step.args[i];
      const Binding& binding = step.bindings[i];
      const auto offset = static_cast<uint64_t>(binding.offset);
      switch (binding.place) {
        case Place::kAbsent: args[i].address = 0; break;
        case Place::kArgument: args[i].address = addresses[binding.slot] + offset; break;
        case Place::kWorkspace: args[i].address = workspace + offset; break;
        case Place::kConstant: args[i].address = constants.address() + offset; break;
      }
    }
    RETURN_IF_ERROR(step.op->run(args, workspace + step.workspace, stream));
    count_operator(step.op->is_fallback());
  }
  for (size_t i = 0; i < sized.size(); ++i)
    RETURN_IF_ERROR(stream.download(&counts[i], workspace + sized[i].offset, sizeof counts[i]));
  return ok();
}

}  // namespace isthmus::cann
