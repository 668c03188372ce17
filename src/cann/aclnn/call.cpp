// SPDX-License-Identifier: Apache-2.0
// The two phases: find or make the plan, put it on the stream.
#include "cann/aclnn/call.h"

#include <algorithm>

#include "base/text.h"
#include "cann/aclnn/arguments.h"
#include "cann/aclnn/builder.h"
#include "cann/aclnn/executor.h"
#include "cann/aclnn/parts.h"
#include "cann/aclnn/plan_cache.h"
#include "cann/error.h"
#include "cann/runtime/stream.h"

namespace isthmus::cann {
namespace {

// "aclnnAdd: self F32 [2, 3], other F32 [4]: cause"
aclnnStatus fail_call(const Operator& op, std::span<const Arg> args, const Status& status) {
  std::string text;
  size_t i = 0;
  for (const Arg& arg : args) {
    if (i >= op.parameters.size()) break;
    const Parameter& parameter = op.parameters[i++];
    if (arg.type != Arg::Type::kTensor || !arg.handle) continue;
    const auto tensor = tensors().find(arg.handle);
    if (!tensor.ok()) continue;
    text +=
        fmt::format("{}{} {} {}", text.empty() ? "" : ", ", parameter.name, data_type_name((*tensor)->type),
                    dims_to_string({(*tensor)->dims, static_cast<size_t>((*tensor)->rank)}));
  }
  const std::string entry = fmt::format("aclnn{}", op.name);
  return report_aclnn(entry.c_str(), text.empty() ? status : Status(status).with_context(text));
}

Result<std::shared_ptr<Plan>> plan_as_one(const Operator& op, std::span<const Arg> args,
                                          const DevicePtr& device, const CallKey& key) {
  ASSIGN_OR_RETURN(std::vector<BoundArg> bound, bind_arguments(op, args));
  Builder builder(op, device, key, std::move(bound));
  RETURN_IF_ERROR(op.build ? op.build(builder) : build_regular(builder, op));
  return builder.finish(fallback_forbidden());
}

Result<PlanPtr> make_plan(const Operator& op, std::span<const Arg> args, const DevicePtr& device,
                          const CallKey& key) {
  ASSIGN_OR_RETURN(std::shared_ptr<Plan> plan, plan_as_one(op, args, device, key));
  const std::optional<PartArguments> part = PartArguments::of(op, args, key);
  if (!part) return PlanPtr(std::move(plan));
  CallKey part_key;
  RETURN_IF_ERROR(part_key.read(op, part->args(), device.get()));
  Parts parts = part->parts();
  ASSIGN_OR_RETURN(parts.plan, plan_as_one(op, part->args(), device, part_key));
  if (parts.plan->workspace_bytes > 0) return PlanPtr(std::move(plan));
  plan->parts = std::move(parts);
  plan->steps.clear();
  plan->scratch_bytes = plan->workspace_bytes = 0;
  return PlanPtr(std::move(plan));
}

// A pair of tensors that meet now and did not when the plan was made would be computed wrongly.
Status check_new_overlaps(const Plan& plan, std::span<const uint64_t> addresses) {
  for (uint32_t a = 0; a < plan.slots.size(); ++a) {
    if (!plan.slots[a].written) continue;
    for (uint32_t b = 0; b < plan.slots.size(); ++b) {
      if (a == b || !overlap(addresses[a], plan.slots[a], addresses[b], plan.slots[b])) continue;
      const std::pair<uint32_t, uint32_t> pair(a, b);
      if (std::find(plan.overlaps.begin(), plan.overlaps.end(), pair) == plan.overlaps.end())
        return invalid_argument(
            "tensors {} and {} overlap at their new addresses, which they did not in phase one", a, b);
    }
  }
  return ok();
}

// The handle of a slot that is an argument of its own, not part of a list.
const void* handle_of(std::span<const Arg> args, const CallKey& key, uint32_t slot) {
  uint32_t at = 0;
  size_t lists = 0;
  for (const Arg& arg : args) {
    if (arg.type == Arg::Type::kTensor && at++ == slot) return arg.handle;
    if (arg.type == Arg::Type::kTensorList) at += key.list_lengths[lists++];
  }
  return nullptr;
}

// Of a call whose outputs' sizes depend on data: runs it, and tells the program's tensors what they became,
// as far as they are still there.
Status run_sized(const Executor& executor, const std::shared_ptr<BoundPlan>& call, aclrtStream stream) {
  ASSIGN_OR_RETURN(const StreamPtr found, find_stream(stream));
  RETURN_IF_ERROR(found->put_and_wait(
      call, "the size of a result depends on data, for which the program waits: that cannot be captured"));
  const std::vector<SizedOutput>& sized = call->plan->sized;
  for (size_t i = 0; i < sized.size(); ++i) {
    const auto tensor = tensors().find(executor.sized[i]);
    if (!tensor.ok()) continue;
    std::vector<int64_t> dims = sized[i].dims;
    int64_t& dim = dims[static_cast<size_t>(sized[i].axis)];
    dim = std::clamp<int64_t>(call->counts[i], 0, dim);
    (void)tensors().replace(executor.sized[i], std::make_shared<TensorObject>((*tensor)->shrunk(dims)));
  }
  return ok();
}

}  // namespace

HandleTable<Executor>& executors() {
  static auto* const table = new HandleTable<Executor>(72, "aclOpExecutor");
  return *table;
}

aclnnStatus prepare_call(const Operator& op, std::initializer_list<Arg> args, uint64_t* workspace_size,
                         aclOpExecutor** executor) {
  return prepare_call(op, std::span<const Arg>(args.begin(), args.size()), workspace_size, executor);
}

aclnnStatus prepare_call(const Operator& op, std::span<const Arg> args, uint64_t* workspace_size,
                         aclOpExecutor** executor) {
  if (!workspace_size || !executor)
    return fail(kAclnnNullArgument, "aclnn{}: {} is null", op.name,
                workspace_size ? "executor" : "workspaceSize");
  const Result<DevicePtr> device = current_device();
  if (!device.ok()) return fail_call(op, args, device.status());
  thread_local CallKey key;
  const Status read = key.read(op, args, device->get());
  if (!read.ok()) {
    const aclnnStatus code = fail_call(op, args, read);
    return key.null_argument ? kAclnnNullArgument : code;
  }
  PlanPtr plan = find_plan(key.bytes);
  if (!plan) {
    Result<PlanPtr> made = make_plan(op, args, *device, key);
    if (!made.ok()) return fail_call(op, args, made.status());
    plan = std::move(made).value();
    keep_plan(key.bytes, plan);
  }
  auto result = std::make_shared<Executor>();
  result->op = &op;
  result->list_lengths = key.list_lengths;
  result->call.addresses = Addresses(key.addresses);
  for (const SizedOutput& output : plan->sized) result->sized.push_back(handle_of(args, key, output.slot));
  result->call.counts.resize(plan->sized.size());
  *workspace_size = plan->workspace_bytes;
  result->call.plan = std::move(plan);
  *executor = static_cast<aclOpExecutor*>(executors().add(std::move(result)));
  return 0;
}

aclnnStatus run_call(const Operator& op, void* workspace, uint64_t workspace_size, aclOpExecutor* handle,
                     aclrtStream stream) {
  if (!handle) return fail(kAclnnNullArgument, "aclnn{}: the executor is null", op.name);
  const auto refuse = [&](const Status& status) {
    return report_aclnn(fmt::format("aclnn{}", op.name).c_str(), status);
  };
  Result<std::shared_ptr<Executor>> found = executors().find(handle);
  if (!found.ok())
    return refuse(error(found.status().code(),
                        "{}; one ends with its call unless aclSetAclOpExecutorRepeatable keeps it",
                        found.status().message()));
  const std::shared_ptr<Executor> executor = std::move(found).value();
  if (executor->op != &op)
    return fail(kAclnnInvalidArgument, "aclnn{}: the executor was made by aclnn{}GetWorkspaceSize", op.name,
                executor->op->name);
  std::unique_lock lock(executor->mutex);
  // A one-shot executor is used up, whatever becomes of the call.
  if (!executor->repeatable) {
    const auto removed = executors().remove(handle);
    if (!removed.ok()) return refuse(removed.status());
  }
  const Plan& plan = *executor->call.plan;
  if (plan.workspace_bytes > 0 && !workspace)
    return fail(kAclnnNullArgument, "aclnn{}: the workspace is null, {} bytes are needed", op.name,
                plan.workspace_bytes);
  if (workspace_size < plan.workspace_bytes)
    return fail(kAclnnInvalidArgument, "aclnn{}: a workspace of {} bytes, {} are needed", op.name,
                workspace_size, plan.workspace_bytes);
  const std::span<const uint64_t> addresses = std::as_const(executor->call.addresses).get();
  const uint64_t checked = memory_generation();
  Status status = plan.check(addresses, reinterpret_cast<uint64_t>(workspace));
  if (status.ok() && executor->pointed_elsewhere) status = check_new_overlaps(plan, addresses);
  if (!status.ok()) return refuse(status);
  std::shared_ptr<BoundPlan> call;
  if (executor->repeatable)
    call = std::make_shared<BoundPlan>(executor->call);
  else
    call = std::shared_ptr<BoundPlan>(executor, &executor->call);
  call->workspace = reinterpret_cast<uint64_t>(workspace);
  call->checked = checked;
  lock.unlock();
  if (plan.sized.empty())
    status = put(stream, std::move(call));
  else
    status = run_sized(*executor, call, stream);
  if (!status.ok()) return refuse(status);
  count_call(op.name);
  return 0;
}

aclnnStatus missing_operator(const char* name) {
  std::vector<std::pair<size_t, const char*>> nearest;
  for (const Operator* op : all_operators()) nearest.emplace_back(edit_distance(name, op->name), op->name);
  const size_t count = std::min<size_t>(3, nearest.size());
  std::partial_sort(nearest.begin(), nearest.begin() + static_cast<std::ptrdiff_t>(count), nearest.end());
  std::string list;
  for (size_t i = 0; i < count; ++i) list += fmt::format("{}aclnn{}", i ? ", " : "", nearest[i].second);
  return report_aclnn(
      fmt::format("aclnn{}", name).c_str(),
      unimplemented("there is no such operator here yet (nearest: {}; docs/cann-coverage.md has all)", list));
}

}  // namespace isthmus::cann
