// SPDX-License-Identifier: Apache-2.0
// The entry points of events.
#include "acl/acl_rt.h"
#include "cann/error.h"
#include "cann/runtime/context.h"
#include "cann/runtime/event.h"

using namespace isthmus;        // NOLINT: entry points stand outside of namespaces
using namespace isthmus::cann;  // NOLINT

namespace {

HandleTable<FaceEvent>& event_handles() {
  static auto& table = *new HandleTable<FaceEvent>(3, "event");
  return table;
}

aclError create_event(const char* entry, aclrtEvent* event, uint32_t flags) {
  if (!event) return fail(ACL_ERROR_INVALID_PARAM, "{}: no place for the answer", entry);
  const Result<DevicePtr> device = current_device();
  if (!device.ok()) return report(entry, device.status());
  Result<std::unique_ptr<Event>> made = (*device)->create_event();
  if (!made.ok()) return report(entry, made.status());
  *event = event_handles().add(std::make_shared<FaceEvent>(std::move(made).value(), *device, flags));
  return ACL_SUCCESS;
}

using OnStream = Status (FaceEvent::*)(const StreamPtr&);
aclError on_stream(const char* entry, aclrtEvent event, aclrtStream stream, OnStream what) {
  const auto found = event_handles().find(event);
  if (!found.ok()) return report_handle(entry, event, found.status());
  const Result<StreamPtr> on = find_stream(stream);
  if (!on.ok()) return report_handle(entry, stream, on.status());
  return report(entry, ((**found).*what)(*on));
}

// The event, if there is a place for the answer.
aclError find_event(const char* entry, aclrtEvent event, const void* answer,
                    std::shared_ptr<FaceEvent>* found) {
  if (!answer) return fail(ACL_ERROR_INVALID_PARAM, "{}: no place for the answer", entry);
  auto result = event_handles().find(event);
  if (!result.ok()) return report_handle(entry, event, result.status());
  *found = std::move(result).value();
  return ACL_SUCCESS;
}

}  // namespace

aclError aclrtCreateEvent(aclrtEvent* event) {
  return create_event("aclrtCreateEvent", event, ACL_EVENT_DEFAULT);
}
aclError aclrtCreateEventWithFlag(aclrtEvent* event, uint32_t flag) {
  return create_event("aclrtCreateEventWithFlag", event, flag);
}
aclError aclrtCreateEventExWithFlag(aclrtEvent* event, uint32_t flag) {
  return create_event("aclrtCreateEventExWithFlag", event, flag);
}

aclError aclrtDestroyEvent(aclrtEvent event) {
  // Streams that still wait for it keep it.
  const auto removed = event_handles().remove(event);
  return removed.ok() ? ACL_SUCCESS : report_handle("aclrtDestroyEvent", event, removed.status());
}

aclError aclrtRecordEvent(aclrtEvent event, aclrtStream stream) {
  return on_stream("aclrtRecordEvent", event, stream, &FaceEvent::record);
}
aclError aclrtResetEvent(aclrtEvent event, aclrtStream stream) {
  return on_stream("aclrtResetEvent", event, stream, &FaceEvent::reset);
}
aclError aclrtStreamWaitEvent(aclrtStream stream, aclrtEvent event) {
  return on_stream("aclrtStreamWaitEvent", event, stream, &FaceEvent::make_wait);
}

aclError aclrtSynchronizeEvent(aclrtEvent event) {
  const auto found = event_handles().find(event);
  if (!found.ok()) return report_handle("aclrtSynchronizeEvent", event, found.status());
  return report("aclrtSynchronizeEvent", (*found)->wait());
}

aclError aclrtQueryEvent(aclrtEvent event, aclrtEventStatus* status) {
  std::shared_ptr<FaceEvent> found;
  if (const aclError code = find_event("aclrtQueryEvent", event, status, &found)) return code;
  const Result<bool> done = found->done();
  if (!done.ok()) return report("aclrtQueryEvent", done.status());
  *status = *done ? ACL_EVENT_STATUS_COMPLETE : ACL_EVENT_STATUS_NOT_READY;
  return ACL_SUCCESS;
}

aclError aclrtQueryEventStatus(aclrtEvent event, aclrtEventRecordedStatus* status) {
  std::shared_ptr<FaceEvent> found;
  if (const aclError code = find_event("aclrtQueryEventStatus", event, status, &found)) return code;
  const Result<bool> done = found->done();
  if (!done.ok()) return report("aclrtQueryEventStatus", done.status());
  *status =
      found->recorded() && *done ? ACL_EVENT_RECORDED_STATUS_COMPLETE : ACL_EVENT_RECORDED_STATUS_NOT_READY;
  return ACL_SUCCESS;
}

aclError aclrtQueryEventWaitStatus(aclrtEvent event, aclrtEventWaitStatus* status) {
  std::shared_ptr<FaceEvent> found;
  if (const aclError code = find_event("aclrtQueryEventWaitStatus", event, status, &found)) return code;
  const Result<bool> done = found->done();
  if (!done.ok()) return report("aclrtQueryEventWaitStatus", done.status());
  *status = *done ? ACL_EVENT_WAIT_STATUS_COMPLETE : ACL_EVENT_WAIT_STATUS_NOT_READY;
  return ACL_SUCCESS;
}

aclError aclrtEventElapsedTime(float* milliseconds, aclrtEvent start, aclrtEvent end) {
  std::shared_ptr<FaceEvent> from, to;
  if (const aclError code = find_event("aclrtEventElapsedTime", start, milliseconds, &from)) return code;
  if (const aclError code = find_event("aclrtEventElapsedTime", end, milliseconds, &to)) return code;
  const Result<double> seconds = to->since(*from);
  if (!seconds.ok()) {
    const bool never = seconds.status().code() == Code::kInvalidArgument;
    const bool early = seconds.status().code() == Code::kFailedPrecondition;
    return fail(never   ? ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID
                : early ? ACL_ERROR_RT_EVENT_NOT_COMPLETE
                        : runtime_code(seconds.status().code()),
                "aclrtEventElapsedTime: {}", seconds.status().message());
  }
  *milliseconds = static_cast<float>(*seconds * 1e3);
  return ACL_SUCCESS;
}
