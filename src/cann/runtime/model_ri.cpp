// SPDX-License-Identifier: Apache-2.0
// The entry points of capture and replay.
#include <atomic>

#include "acl/acl_mdl.h"
#include "cann/error.h"
#include "cann/runtime/recording.h"

using namespace isthmus;        // NOLINT: entry points stand outside of namespaces
using namespace isthmus::cann;  // NOLINT

namespace {

std::atomic<int32_t> next_id{0};
thread_local aclmdlRICaptureMode thread_mode = ACL_MODEL_RI_CAPTURE_MODE_GLOBAL;

HandleTable<Recording>& recordings() {
  static auto& table = *new HandleTable<Recording>(4, "captured sequence");
  return table;
}
HandleTable<TaskGroup>& groups() {
  static auto& table = *new HandleTable<TaskGroup>(5, "task group");
  return table;
}

bool is_mode(int64_t mode) {
  return mode >= ACL_MODEL_RI_CAPTURE_MODE_GLOBAL && mode <= ACL_MODEL_RI_CAPTURE_MODE_RELAXED;
}

// The stream and what it is captured into.
aclError find_recording(const char* entry, aclrtStream stream, StreamPtr* found, RecordingPtr* recording) {
  Result<StreamPtr> on = find_stream(stream);
  if (!on.ok()) return report_handle(entry, stream, on.status());
  *recording = (*on)->recording();
  *found = std::move(on).value();
  return *recording ? ACL_SUCCESS
                    : fail(ACL_ERROR_RT_PARAM_INVALID,
                           "{}: the stream is not captured: aclmdlRICaptureBegin comes first", entry);
}

}  // namespace

aclError aclmdlRICaptureBegin(aclrtStream stream, aclmdlRICaptureMode mode) {
  const char* const entry = "aclmdlRICaptureBegin";
  if (!is_mode(mode))
    return fail(ACL_ERROR_INVALID_PARAM, "{}: {} is no mode", entry, static_cast<int>(mode));
  const Result<StreamPtr> found = find_stream(stream);
  if (!found.ok()) return report_handle(entry, stream, found.status());
  auto recording = std::make_shared<Recording>(*found, mode, next_id++);
  const Status status = (*found)->begin_recording(recording);
  if (!status.ok()) return report(entry, status);
  recording->handle = recordings().add(recording);
  return ACL_SUCCESS;
}

aclError aclmdlRICaptureEnd(aclrtStream stream, aclmdlRI* ri) {
  const char* const entry = "aclmdlRICaptureEnd";
  if (!ri) return fail(ACL_ERROR_INVALID_PARAM, "{}: no place for the answer", entry);
  *ri = nullptr;
  StreamPtr on;
  RecordingPtr recording;
  if (const aclError code = find_recording(entry, stream, &on, &recording)) return code;
  const Status status = recording->end(*on);
  if (status.ok()) {
    *ri = recording->handle;
    return ACL_SUCCESS;
  }
  if (!recording->ended()) return fail(kCaptureElsewhere, "{}: {}", entry, status.message());
  (void)recordings().remove(recording->handle);
  const bool left = status.code() == Code::kOutOfRange;
  return fail(left ? kCaptureLeftBehind : kCaptureInvalid, "{}: {}", entry, status.message());
}

aclError aclmdlRICaptureGetInfo(aclrtStream stream, aclmdlRICaptureStatus* status, aclmdlRI* ri) {
  const char* const entry = "aclmdlRICaptureGetInfo";
  if (!status) return fail(ACL_ERROR_INVALID_PARAM, "{}: no place for the answer", entry);
  const Result<StreamPtr> found = find_stream(stream);
  if (!found.ok()) return report_handle(entry, stream, found.status());
  const RecordingPtr recording = (*found)->recording();
  *status = !recording                ? ACL_MODEL_RI_CAPTURE_STATUS_NONE
            : recording->valid().ok() ? ACL_MODEL_RI_CAPTURE_STATUS_ACTIVE
                                      : ACL_MODEL_RI_CAPTURE_STATUS_INVALIDATED;
  if (ri) *ri = recording ? recording->handle : nullptr;
  return ACL_SUCCESS;
}

aclError aclmdlRICaptureThreadExchangeMode(aclmdlRICaptureMode* mode) {
  if (!mode || !is_mode(*mode))
    return fail(ACL_ERROR_INVALID_PARAM, "aclmdlRICaptureThreadExchangeMode: the mode is {}",
                mode ? "unknown" : "null");
  std::swap(*mode, thread_mode);
  return ACL_SUCCESS;
}

aclError aclmdlRIExecuteAsync(aclmdlRI ri, aclrtStream stream) {
  const char* const entry = "aclmdlRIExecuteAsync";
  const auto recording = recordings().find(ri);
  if (!recording.ok()) return report_handle(entry, ri, recording.status());
  const Result<StreamPtr> found = find_stream(stream);
  if (!found.ok()) return report_handle(entry, stream, found.status());
  if (!(*recording)->ended())
    return fail(ACL_ERROR_RT_PARAM_INVALID, "{}: the sequence is still being captured", entry);
  return report(entry, (*found)->put((*recording)->works()));
}

aclError aclmdlRIDestroy(aclmdlRI ri) {
  const auto recording = recordings().find(ri);
  if (!recording.ok()) return report_handle("aclmdlRIDestroy", ri, recording.status());
  if (!(*recording)->ended())
    return fail(ACL_ERROR_RT_PARAM_INVALID, "aclmdlRIDestroy: the sequence is still being captured");
  (void)recordings().remove(ri);
  return ACL_SUCCESS;
}

aclError aclmdlRIGetId(aclmdlRI ri, uint32_t* id) {
  if (!id) return fail(ACL_ERROR_INVALID_PARAM, "aclmdlRIGetId: no place for the answer");
  const auto recording = recordings().find(ri);
  if (!recording.ok()) return report_handle("aclmdlRIGetId", ri, recording.status());
  *id = static_cast<uint32_t>((*recording)->id);
  return ACL_SUCCESS;
}

aclError aclmdlRICaptureTaskGrpBegin(aclrtStream stream) {
  StreamPtr on;
  RecordingPtr recording;
  if (const aclError code = find_recording("aclmdlRICaptureTaskGrpBegin", stream, &on, &recording))
    return code;
  return report("aclmdlRICaptureTaskGrpBegin", recording->begin_group(*on));
}

aclError aclmdlRICaptureTaskGrpEnd(aclrtStream stream, aclrtTaskGrp* group) {
  const char* const entry = "aclmdlRICaptureTaskGrpEnd";
  if (!group) return fail(ACL_ERROR_INVALID_PARAM, "{}: no place for the answer", entry);
  StreamPtr on;
  RecordingPtr recording;
  if (const aclError code = find_recording(entry, stream, &on, &recording)) return code;
  Result<TaskGroupPtr> ended = recording->end_group(*on);
  if (!ended.ok()) return report(entry, ended.status());
  // The handle lives as long as the process: nothing in the interface ends it.
  *group = groups().add(std::move(ended).value());
  return ACL_SUCCESS;
}

aclError aclmdlRICaptureTaskUpdateBegin(aclrtStream stream, aclrtTaskGrp group) {
  const char* const entry = "aclmdlRICaptureTaskUpdateBegin";
  const auto found = groups().find(group);
  if (!found.ok()) return report_handle(entry, group, found.status());
  const Result<StreamPtr> on = find_stream(stream);
  if (!on.ok()) return report_handle(entry, stream, on.status());
  return report(entry, (*on)->begin_update(*found));
}

aclError aclmdlRICaptureTaskUpdateEnd(aclrtStream stream) {
  const Result<StreamPtr> on = find_stream(stream);
  if (!on.ok()) return report_handle("aclmdlRICaptureTaskUpdateEnd", stream, on.status());
  return report("aclmdlRICaptureTaskUpdateEnd", (*on)->end_update());
}
