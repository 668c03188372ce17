// SPDX-License-Identifier: Apache-2.0
// The entry points of streams.
#include "acl/acl_rt.h"
#include "cann/error.h"
#include "cann/runtime/context.h"

using namespace isthmus;        // NOLINT: entry points stand outside of namespaces
using namespace isthmus::cann;  // NOLINT

namespace {

aclError create_stream(const char* entry, aclrtStream* stream, uint32_t flags) {
  if (!stream) return fail(ACL_ERROR_INVALID_PARAM, "{}: no place for the answer", entry);
  const Result<ContextPtr> context = current_context();
  if (!context.ok()) return report(entry, context.status());
  const Result<aclrtStream> made = (*context)->create_stream(flags);
  if (!made.ok()) return report(entry, made.status());
  *stream = *made;
  return ACL_SUCCESS;
}

aclError destroy_stream(const char* entry, aclrtStream stream) {
  const Result<StreamPtr> removed = stream_handles().remove(stream);
  if (!removed.ok()) return fail(handle_code(stream), "{}: {}", entry, removed.status().message());
  const Status status = (*removed)->abandon();
  if (const auto context = (*removed)->context()) context->forget(*removed);
  return report(entry, status);
}

}  // namespace

aclError aclrtCreateStream(aclrtStream* stream) { return create_stream("aclrtCreateStream", stream, 0); }
aclError aclrtCreateStreamWithConfig(aclrtStream* stream, uint32_t, uint32_t flag) {
  return create_stream("aclrtCreateStreamWithConfig", stream, flag);
}
aclError aclrtDestroyStream(aclrtStream stream) { return destroy_stream("aclrtDestroyStream", stream); }
aclError aclrtDestroyStreamForce(aclrtStream stream) {
  return destroy_stream("aclrtDestroyStreamForce", stream);
}

aclError aclrtSynchronizeStream(aclrtStream stream) {
  const Result<StreamPtr> found = find_stream(stream);
  if (!found.ok()) return report_handle("aclrtSynchronizeStream", stream, found.status());
  return report("aclrtSynchronizeStream", (*found)->wait());
}

aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout) {
  const char* const entry = "aclrtSynchronizeStreamWithTimeout";
  const Result<StreamPtr> found = find_stream(stream);
  if (!found.ok()) return report_handle(entry, stream, found.status());
  const Result<bool> done = (*found)->wait_for(timeout);
  if (!done.ok()) return report(entry, done.status());
  if (*done) return ACL_SUCCESS;
  return fail(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, "{}: not done within {} ms", entry, timeout);
}

aclError aclrtStreamQuery(aclrtStream stream, aclrtStreamStatus* status) {
  if (!status) return fail(ACL_ERROR_INVALID_PARAM, "aclrtStreamQuery: no place for the answer");
  const Result<StreamPtr> found = find_stream(stream);
  if (!found.ok()) return report_handle("aclrtStreamQuery", stream, found.status());
  const Result<bool> idle = (*found)->idle();
  if (!idle.ok()) return report("aclrtStreamQuery", idle.status());
  *status = *idle ? ACL_STREAM_STATUS_COMPLETE : ACL_STREAM_STATUS_NOT_READY;
  return ACL_SUCCESS;
}

aclError aclrtStreamGetId(aclrtStream stream, int32_t* id) {
  if (!id) return fail(ACL_ERROR_INVALID_PARAM, "aclrtStreamGetId: no place for the answer");
  const Result<StreamPtr> found = find_stream(stream);
  if (!found.ok()) return report_handle("aclrtStreamGetId", stream, found.status());
  *id = (*found)->id();
  return ACL_SUCCESS;
}
