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
  const Status status = (*removed)->wait();
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
