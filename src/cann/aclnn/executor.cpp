// SPDX-License-Identifier: Apache-2.0
// What programs may do with an executor between the two phases, and start and end of aclnn.
#include "cann/aclnn/executor.h"

#include "aclnn/aclnn_base.h"
#include "cann/aclnn/objects.h"
#include "cann/aclnn/plan_cache.h"
#include "cann/error.h"
#include "cann/runtime/kept_results.h"

namespace isthmus::cann {
namespace {

enum class Side { kInput, kOutput, kAny };

bool on_side(Kind kind, Side side) {
  switch (kind) {
    case Kind::kIn:
    case Kind::kInList: return side != Side::kOutput;
    case Kind::kOut:
    case Kind::kOutList: return side != Side::kInput;
    case Kind::kInOut:
    case Kind::kInOutList: return true;
    default: return false;
  }
}
bool is_list(Kind kind) {
  return kind == Kind::kInList || kind == Kind::kOutList || kind == Kind::kInOutList;
}

// The slot of tensor `index` of a side, or of tensor `within` of the list that is there.
Result<size_t> find_slot(const Executor& executor, Side side, size_t index, bool list, size_t within) {
  size_t slot = 0, at = 0, lists = 0;
  for (const Parameter& parameter : executor.op->parameters) {
    if (!on_side(parameter.kind, Side::kAny)) continue;
    const size_t length = is_list(parameter.kind) ? executor.list_lengths[lists++] : 1;
    if (on_side(parameter.kind, side) && at++ == index) {
      if (is_list(parameter.kind) != list)
        return invalid_argument("'{}' is {} list of tensors", parameter.name, list ? "no" : "a");
      if (within >= length)
        return invalid_argument("'{}' has {} tensors, there is no number {}", parameter.name, length, within);
      return slot + within;
    }
    slot += length;
  }
  return invalid_argument("aclnn{} has {} such tensors, there is no number {}", executor.op->name, at, index);
}

Status point(const aclOpExecutor* handle, Side side, size_t index, bool list, size_t within,
             const TensorObject& tensor, void* addr) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Executor> executor, executors().find(handle));
  ASSIGN_OR_RETURN(const size_t slot, find_slot(*executor, side, index, list, within));
  const SlotUse& use = executor->call.plan->slots[slot];
  if (tensor.below != use.below || tensor.above != use.above)
    return invalid_argument("the tensor is another view than in phase one");
  TensorObject moved = tensor;
  moved.storage = reinterpret_cast<uint64_t>(addr);
  std::lock_guard lock(executor->mutex);
  executor->call.addresses.get()[slot] = moved.address();
  executor->pointed_elsewhere = true;
  return ok();
}

aclnnStatus set_address(const char* entry, Side side, const aclOpExecutor* executor, size_t index,
                        const aclTensor* tensor, void* addr) {
  if (!executor || !tensor)
    return fail(kAclnnNullArgument, "{}: the {} is null", entry, executor ? "aclTensor" : "executor");
  const auto found = tensors().find(tensor);
  if (!found.ok()) return report_aclnn(entry, found.status());
  return report_aclnn(entry, point(executor, side, index, false, 0, **found, addr));
}

aclnnStatus set_list_address(const char* entry, Side side, const aclOpExecutor* executor, size_t index,
                             size_t within, const aclTensorList* list, void* addr) {
  if (!executor || !list)
    return fail(kAclnnNullArgument, "{}: the {} is null", entry, executor ? "aclTensorList" : "executor");
  const auto found = tensor_lists().find(list);
  if (!found.ok()) return report_aclnn(entry, found.status());
  if (within >= (*found)->objects.size())
    return report_aclnn(entry, invalid_argument("the list has {} tensors, there is no number {}",
                                                (*found)->objects.size(), within));
  return report_aclnn(entry, point(executor, side, index, true, within, *tensor_of(**found, within), addr));
}

}  // namespace
}  // namespace isthmus::cann

using namespace isthmus::cann;  // NOLINT: entry points are outside of every namespace

extern "C" {

aclnnStatus aclSetAclOpExecutorRepeatable(aclOpExecutor* executor) {
  if (!executor) return fail(kAclnnNullArgument, "aclSetAclOpExecutorRepeatable: the executor is null");
  const auto found = executors().find(executor);
  if (!found.ok()) return report_aclnn("aclSetAclOpExecutorRepeatable", found.status());
  std::lock_guard lock((*found)->mutex);
  (*found)->repeatable = true;
  return 0;
}

aclnnStatus aclDestroyAclOpExecutor(aclOpExecutor* executor) {
  if (!executor) return fail(kAclnnNullArgument, "aclDestroyAclOpExecutor: the executor is null");
  return report_aclnn("aclDestroyAclOpExecutor", executors().remove(executor).status());
}

#define ISTHMUS_SET_ADDRESS(NAME, SIDE)                                                               \
  aclnnStatus acl##NAME(aclOpExecutor* executor, const size_t index, aclTensor* tensor, void* addr) { \
    return set_address("acl" #NAME, SIDE, executor, index, tensor, addr);                             \
  }                                                                                                   \
  aclnnStatus Acl##NAME(aclOpExecutor* executor, const size_t index, aclTensor* tensor, void* addr) { \
    return set_address("Acl" #NAME, SIDE, executor, index, tensor, addr);                             \
  }
#define ISTHMUS_SET_LIST_ADDRESS(NAME, SIDE)                                                     \
  aclnnStatus acl##NAME(aclOpExecutor* executor, size_t irIndex, const size_t relativeIndex,     \
                        aclTensorList* tensors, void* addr) {                                    \
    return set_list_address("acl" #NAME, SIDE, executor, irIndex, relativeIndex, tensors, addr); \
  }                                                                                              \
  aclnnStatus Acl##NAME(aclOpExecutor* executor, size_t irIndex, const size_t relativeIndex,     \
                        aclTensorList* tensors, void* addr) {                                    \
    return set_list_address("Acl" #NAME, SIDE, executor, irIndex, relativeIndex, tensors, addr); \
  }

ISTHMUS_SET_ADDRESS(SetInputTensorAddr, Side::kInput)
ISTHMUS_SET_ADDRESS(SetOutputTensorAddr, Side::kOutput)
ISTHMUS_SET_ADDRESS(SetTensorAddr, Side::kAny)
ISTHMUS_SET_LIST_ADDRESS(SetDynamicInputTensorAddr, Side::kInput)
ISTHMUS_SET_LIST_ADDRESS(SetDynamicOutputTensorAddr, Side::kOutput)
ISTHMUS_SET_LIST_ADDRESS(SetDynamicTensorAddr, Side::kAny)

aclnnStatus aclnnInit(const char* configPath) {
  (void)configPath;  // Nothing of a configuration concerns operators.
  return 0;
}

aclnnStatus aclnnFinalize(void) {
  forget_results();
  forget_plans(nullptr);
  return 0;
}

}  // extern "C"
