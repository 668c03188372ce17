// SPDX-License-Identifier: Apache-2.0
// Access between devices: copies work between any two, so there is nothing to switch.
#include "acl/acl_rt.h"
#include "cann/error.h"
#include "cann/runtime/context.h"
#include "cann/runtime/library.h"

using namespace isthmus;        // NOLINT: entry points stand outside of namespaces
using namespace isthmus::cann;  // NOLINT

namespace {

aclError check_peer(const char* entry, int32_t peer) {
  if (const Result<ContextPtr> context = current_context(); !context.ok())
    return report(entry, context.status());
  return check_device_id(entry, peer);
}

}  // namespace

aclError aclrtDeviceCanAccessPeer(int32_t* can, int32_t device, int32_t peer) {
  const char* const entry = "aclrtDeviceCanAccessPeer";
  if (!can) return fail(ACL_ERROR_INVALID_PARAM, "{}: no place for the answer", entry);
  if (const aclError code = check_device_id(entry, device)) return code;
  if (const aclError code = check_device_id(entry, peer)) return code;
  *can = device == peer ? 0 : 1;
  return ACL_SUCCESS;
}

aclError aclrtDeviceEnablePeerAccess(int32_t peer, uint32_t flags) {
  if (flags) return fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, "aclrtDeviceEnablePeerAccess: there are no flags");
  return check_peer("aclrtDeviceEnablePeerAccess", peer);
}

aclError aclrtDeviceDisablePeerAccess(int32_t peer) {
  return check_peer("aclrtDeviceDisablePeerAccess", peer);
}
