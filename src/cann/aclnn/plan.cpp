// SPDX-License-Identifier: Apache-2.0
#include "cann/aclnn/plan.h"

#include "cann/aclnn/scratch.h"
#include "cann/runtime.h"
#include "cann/runtime/kept_results.h"

namespace isthmus::cann {

Status Plan::check(std::span<const uint64_t> addresses, uint64_t workspace) const {
  for (size_t i = 0; i < slots.size(); ++i) {
    const SlotUse& use = slots[i];
    if (!use.used) continue;
    const uint64_t at = addresses[i];
    if (at == 0) return invalid_argument("the data of '{}' is null", slot_names[i]);
    if (at % use.alignment != 0)
      return invalid_argument("the data of '{}' at {:#x} is not aligned to {} bytes", slot_names[i], at,
                              use.alignment);
    RETURN_IF_ERROR(check_device_memory(*device, at - static_cast<uint64_t>(use.below),
                                        static_cast<uint64_t>(use.below + use.above)),
                    "the data of '{}'", slot_names[i]);
  }
  if (workspace_bytes == 0) return ok();
  return check_device_memory(*device, workspace, workspace_bytes).with_context("the workspace");
}

Status Plan::run(std::span<const uint64_t> addresses, uint64_t workspace, std::span<int64_t> counts,
                 Stream& stream) const {
  if (&stream.device() != device.get())
    return invalid_argument("the stream is of {}, the call was prepared for {}", stream.device().id(),
                            device->id());
  if (parts.plan) return run_parts(addresses, stream);
  for (size_t i = 0; i < slots.size(); ++i)
    if (slots[i].used && slots[i].written)
      note_write(addresses[i] - static_cast<uint64_t>(slots[i].below),
                 static_cast<uint64_t>(slots[i].below + slots[i].above));
  if (workspace_bytes > 0) note_write(workspace, workspace_bytes);
  return run_steps(addresses, workspace, counts, stream);
}

Status Plan::run_parts(std::span<const uint64_t> addresses, Stream& stream) const {
  std::vector<Stretch> reads;
  Stretch writes;
  for (size_t i = 0; i < parts.plan->slots.size(); ++i) {
    const SlotUse& use = parts.plan->slots[i];
    const Stretch stretch = {addresses[i] - static_cast<uint64_t>(use.below),
                             static_cast<uint64_t>(use.below + use.above), parts.steps[i]};
    if (i == parts.result)
      writes = stretch;
    else if (use.used)
      reads.push_back(stretch);
  }
  std::vector<uint64_t> at(addresses.begin(), addresses.end());
  return run_changed_parts(parts.plan, stream, reads, writes, parts.count, [&](int64_t part) {
    for (size_t i = 0; i < at.size(); ++i)
      at[i] = addresses[i] + parts.steps[i] * static_cast<uint64_t>(part);
    return parts.plan->run_steps(at, 0, {}, stream);
  });
}

Status Plan::run_steps(std::span<const uint64_t> addresses, uint64_t workspace, std::span<int64_t> counts,
                       Stream& stream) const {
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
