// SPDX-License-Identifier: Apache-2.0
#include "cann/runtime/context.h"

#include <algorithm>
#include <map>

#include "acl/acl_rt.h"
#include "cann/aclnn/plan_cache.h"
#include "cann/error.h"
#include "cann/runtime/kept_results.h"
#include "cann/runtime/library.h"

namespace isthmus::cann {
namespace {

thread_local ContextPtr current;

// A device that aclrtSetDevice was called for.
struct InUse {
  int64_t count = 0;
  ContextPtr context;  // the default one
};

// Never destroyed, as the chips are not.
struct Contexts {
  std::mutex mutex;
  std::map<int32_t, InUse> devices;
  std::vector<std::weak_ptr<Context>> all;
  int32_t next_stream = 0;
};
Contexts& contexts() {
  static Contexts& contexts = *new Contexts;
  return contexts;
}

HandleTable<Context>& context_handles() {
  static auto& table = *new HandleTable<Context>(2, "context");
  return table;
}

int32_t next_stream_id() {
  std::lock_guard lock(contexts().mutex);
  return contexts().next_stream++;
}

// Holding the mutex of contexts().
Result<ContextPtr> make_context(int32_t device) {
  ASSIGN_OR_RETURN(DevicePtr chip, open_device(device));
  auto context = std::make_shared<Context>(device, std::move(chip));
  context->handle = context_handles().add(context);
  std::erase_if(contexts().all, [](const auto& c) { return c.expired(); });
  contexts().all.push_back(context);
  return context;
}

std::vector<ContextPtr> living_contexts(int32_t device_id) {
  std::vector<ContextPtr> found;
  std::lock_guard lock(contexts().mutex);
  for (const auto& weak : contexts().all)
    if (auto context = weak.lock();
        context && context->alive() && (device_id < 0 || context->device_id() == device_id))
      found.push_back(std::move(context));
  return found;
}

// The device's own, made when there is none. Holding the mutex of contexts().
Result<ContextPtr> default_context(int32_t device) {
  InUse& use = contexts().devices[device];
  if (use.context) return use.context;
  Result<ContextPtr> made = make_context(device);
  if (!made.ok()) {
    contexts().devices.erase(device);
    return made;
  }
  use.context = *made;
  use.context->is_default = true;
  return made;
}

void end_context(const ContextPtr& context) {
  (void)context_handles().remove(context->handle);
  context->end();
}

aclError reset_device(const char* entry, int32_t device, bool force) {
  ContextPtr ended;
  {
    std::lock_guard lock(contexts().mutex);
    const auto found = contexts().devices.find(device);
    if (found == contexts().devices.end())
      return fail(ACL_ERROR_RT_INVALID_DEVICEID, "{}: device {} is not in use: aclrtSetDevice comes first",
                  entry, device);
    if (--found->second.count > 0 && !force) return ACL_SUCCESS;
    ended = std::move(found->second.context);
    contexts().devices.erase(found);
  }
  const Status status = ended->abandon();
  end_context(ended);
  // They hold the device and memory of it. Contexts that are left make theirs anew.
  forget_results();
  forget_plans(ended->device().get());
  return report(entry, status);
}

}  // namespace

// -- Context --

Result<StreamPtr> Context::default_stream() {
  std::lock_guard lock(mutex_);
  if (default_) return default_;
  if (!alive()) return error(Code::kFailedPrecondition, "the context was destroyed");
  ASSIGN_OR_RETURN(auto chip, device_->create_stream());
  default_ = std::make_shared<FaceStream>(shared_from_this(), std::move(chip), next_stream_id(), 0);
  return default_;
}

Result<aclrtStream> Context::create_stream(uint32_t flags) {
  ASSIGN_OR_RETURN(auto chip, device_->create_stream());
  auto stream = std::make_shared<FaceStream>(shared_from_this(), std::move(chip), next_stream_id(), flags);
  std::lock_guard lock(mutex_);
  if (!alive()) return error(Code::kFailedPrecondition, "the context was destroyed");
  streams_.push_back(stream);
  return stream_handles().add(stream);
}

std::vector<StreamPtr> Context::streams() const {
  std::lock_guard lock(mutex_);
  std::vector<StreamPtr> streams;
  if (default_) streams.push_back(default_);
  streams.insert(streams.end(), streams_.begin(), streams_.end());
  return streams;
}

void Context::forget(const StreamPtr& stream) {
  std::lock_guard lock(mutex_);
  std::erase(streams_, stream);
}

Status Context::wait() {
  Status first;
  for (const StreamPtr& stream : streams()) {
    Status status = stream->wait();
    if (first.ok()) first = std::move(status);
  }
  return first;
}

Status Context::abandon() {
  Status first;
  for (const StreamPtr& stream : streams()) {
    Status status = stream->abandon();
    if (first.ok()) first = std::move(status);
  }
  return first;
}

void Context::settle() {
  for (const StreamPtr& stream : streams()) stream->settle();
}

void Context::end() {
  std::vector<StreamPtr> ended;
  StreamPtr ended_default;
  std::lock_guard lock(mutex_);
  alive_ = false;
  ended.swap(streams_);
  ended_default.swap(default_);
}

Result<ContextPtr> current_context() {
  if (current && current->alive()) return current;
  if (current && current->is_default && initialized()) {
    std::lock_guard lock(contexts().mutex);
    ASSIGN_OR_RETURN(current, default_context(current->device_id()));
    return current;
  }
  if (!initialized()) {
    current = nullptr;  // it holds a device
    return error(Code::kFailedPrecondition, "aclInit comes first");
  }
  if (current) {
    current = nullptr;
    return error(Code::kFailedPrecondition, "this thread's context was destroyed: call aclrtSetDevice again");
  }
  return error(Code::kFailedPrecondition, "this thread has no device: call aclrtSetDevice first");
}

Result<DevicePtr> current_device() {
  if (current && current->alive()) return current->device();
  ASSIGN_OR_RETURN(const ContextPtr context, current_context());
  return context->device();
}

bool in_use(int32_t device_id) {
  std::lock_guard lock(contexts().mutex);
  return contexts().devices.contains(device_id);
}

Status wait_for_device(int32_t device_id) {
  Status first;
  for (const ContextPtr& context : living_contexts(device_id)) {
    Status status = context->wait();
    if (first.ok()) first = std::move(status);
  }
  return first;
}

void settle_device(int32_t device_id) {
  for (const ContextPtr& context : living_contexts(device_id)) context->settle();
}

void end_all_contexts() {
  std::vector<std::weak_ptr<Context>> all;
  {
    std::lock_guard lock(contexts().mutex);
    all.swap(contexts().all);
    contexts().devices.clear();
  }
  for (const auto& weak : all) {
    const ContextPtr context = weak.lock();
    if (!context || !context->alive()) continue;
    (void)context->abandon();
    end_context(context);
  }
  forget_results();
  forget_plans(nullptr);
}

}  // namespace isthmus::cann

using namespace isthmus;        // NOLINT: entry points stand outside of namespaces
using namespace isthmus::cann;  // NOLINT

// -- Devices --

aclError aclrtSetDevice(int32_t device) {
  if (const aclError code = need_init("aclrtSetDevice")) return code;
  std::lock_guard lock(contexts().mutex);
  Result<ContextPtr> context = default_context(device);
  if (!context.ok()) return report("aclrtSetDevice", context.status());
  ++contexts().devices[device].count;
  current = std::move(context).value();
  return ACL_SUCCESS;
}

aclError aclrtResetDevice(int32_t device) { return reset_device("aclrtResetDevice", device, false); }
aclError aclrtResetDeviceForce(int32_t device) { return reset_device("aclrtResetDeviceForce", device, true); }

aclError aclrtGetDevice(int32_t* device) {
  if (!device) return fail(ACL_ERROR_INVALID_PARAM, "aclrtGetDevice: no place for the answer");
  const Result<ContextPtr> context = current_context();
  if (!context.ok()) return report("aclrtGetDevice", context.status());
  *device = (*context)->device_id();
  return ACL_SUCCESS;
}

aclError aclrtGetDeviceCount(uint32_t* count) {
  if (!count) return fail(ACL_ERROR_INVALID_PARAM, "aclrtGetDeviceCount: no place for the answer");
  const auto names = visible_devices();
  if (!names.ok()) return report("aclrtGetDeviceCount", names.status());
  *count = static_cast<uint32_t>(names->size());
  return ACL_SUCCESS;
}

aclError aclrtGetRunMode(aclrtRunMode* mode) {
  if (!mode) return fail(ACL_ERROR_INVALID_PARAM, "aclrtGetRunMode: no place for the answer");
  *mode = ACL_HOST;
  return ACL_SUCCESS;
}

aclError aclrtSynchronizeDeviceWithTimeout(int32_t timeout) {
  const char* const entry = "aclrtSynchronizeDeviceWithTimeout";
  const Result<ContextPtr> context = current_context();
  if (!context.ok()) return report(entry, context.status());
  for (const ContextPtr& one : living_contexts((*context)->device_id())) {
    for (const StreamPtr& stream : one->streams()) {
      const Result<bool> done = stream->wait_for(timeout);
      if (!done.ok()) return report(entry, done.status());
      if (!*done) return fail(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, "{}: not done within {} ms", entry, timeout);
    }
  }
  return ACL_SUCCESS;
}

aclError aclrtSynchronizeDevice(void) {
  const Result<ContextPtr> context = current_context();
  if (!context.ok()) return report("aclrtSynchronizeDevice", context.status());
  return report("aclrtSynchronizeDevice", wait_for_device((*context)->device_id()));
}

// -- Contexts --

aclError aclrtCreateContext(aclrtContext* context, int32_t device) {
  if (!context) return fail(ACL_ERROR_INVALID_PARAM, "aclrtCreateContext: no place for the answer");
  if (const aclError code = need_init("aclrtCreateContext")) return code;
  std::lock_guard lock(contexts().mutex);
  Result<ContextPtr> made = make_context(device);
  if (!made.ok()) return report("aclrtCreateContext", made.status());
  current = std::move(made).value();
  *context = current->handle;
  return ACL_SUCCESS;
}

aclError aclrtDestroyContext(aclrtContext context) {
  const Result<ContextPtr> found = context_handles().find(context);
  if (!found.ok()) return fail(handle_code(context), "aclrtDestroyContext: {}", found.status().message());
  {
    std::lock_guard lock(contexts().mutex);
    for (const auto& [device, use] : contexts().devices)
      if (use.context == *found)
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "aclrtDestroyContext: the default context of device {} ends with aclrtResetDevice",
                    device);
  }
  const Status status = (*found)->abandon();
  end_context(*found);
  return report("aclrtDestroyContext", status);
}

aclError aclrtSetCurrentContext(aclrtContext context) {
  Result<ContextPtr> found = context_handles().find(context);
  if (!found.ok()) return fail(handle_code(context), "aclrtSetCurrentContext: {}", found.status().message());
  current = std::move(found).value();
  return ACL_SUCCESS;
}

aclError aclrtGetCurrentContext(aclrtContext* context) {
  if (!context) return fail(ACL_ERROR_INVALID_PARAM, "aclrtGetCurrentContext: no place for the answer");
  const Result<ContextPtr> found = current_context();
  if (!found.ok()) return report("aclrtGetCurrentContext", found.status());
  *context = (*found)->handle;
  return ACL_SUCCESS;
}
