// SPDX-License-Identifier: Apache-2.0
// How much of a device work may use, time limits, and the state of devices: facts that programs ask for. A
// device here is never shared out, and work is never cut short.
#include "acl/acl_rt.h"
#include "cann/error.h"
#include "cann/runtime/context.h"
#include "cann/runtime/library.h"

using namespace isthmus;        // NOLINT: entry points stand outside of namespaces
using namespace isthmus::cann;  // NOLINT

namespace {

aclError check_type(const char* entry, aclrtDevResLimitType type) {
  if (type == ACL_RT_DEV_RES_CUBE_CORE || type == ACL_RT_DEV_RES_VECTOR_CORE) return ACL_SUCCESS;
  return fail(ACL_ERROR_RT_PARAM_INVALID, "{}: {} is no kind of core", entry, static_cast<int>(type));
}

aclError answer(const char* entry, aclrtDevResLimitType type, const Result<DevicePtr>& device,
                uint32_t* value) {
  if (!value) return fail(ACL_ERROR_INVALID_PARAM, "{}: no place for the answer", entry);
  if (const aclError code = check_type(entry, type)) return code;
  if (!device.ok()) return report(entry, device.status());
  *value = static_cast<uint32_t>((*device)->properties().parallelism);
  return ACL_SUCCESS;
}

aclError whole_device(const char* entry) {
  return fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, "{}: work always has the whole device", entry);
}

}  // namespace

aclError aclrtGetDeviceResLimit(int32_t device, aclrtDevResLimitType type, uint32_t* value) {
  return answer("aclrtGetDeviceResLimit", type, open_device(device), value);
}
aclError aclrtSetDeviceResLimit(int32_t, aclrtDevResLimitType, uint32_t) {
  return whole_device("aclrtSetDeviceResLimit");
}
aclError aclrtResetDeviceResLimit(int32_t device) {
  return report("aclrtResetDeviceResLimit", open_device(device).status());
}

aclError aclrtGetStreamResLimit(aclrtStream stream, aclrtDevResLimitType type, uint32_t* value) {
  const char* const entry = "aclrtGetStreamResLimit";
  const Result<StreamPtr> found = find_stream(stream);
  if (!found.ok()) return report_handle(entry, stream, found.status());
  return answer(entry, type, current_device(), value);
}
aclError aclrtSetStreamResLimit(aclrtStream, aclrtDevResLimitType, uint32_t) {
  return whole_device("aclrtSetStreamResLimit");
}
aclError aclrtResetStreamResLimit(aclrtStream stream) {
  return report_handle("aclrtResetStreamResLimit", stream, find_stream(stream).status());
}
aclError aclrtUseStreamResInCurrentThread(aclrtStream stream) {
  return report_handle("aclrtUseStreamResInCurrentThread", stream, find_stream(stream).status());
}
aclError aclrtUnuseStreamResInCurrentThread(aclrtStream stream) {
  return report_handle("aclrtUnuseStreamResInCurrentThread", stream, find_stream(stream).status());
}
aclError aclrtGetResInCurrentThread(aclrtDevResLimitType type, uint32_t* value) {
  return answer("aclrtGetResInCurrentThread", type, current_device(), value);
}

aclError aclrtSetOpExecuteTimeOutV2(uint64_t timeout, uint64_t* actual) {
  const char* const entry = "aclrtSetOpExecuteTimeOutV2";
  if (!actual) return fail(ACL_ERROR_INVALID_PARAM, "{}: no place for the answer", entry);
  if (const Result<DevicePtr> device = current_device(); !device.ok()) return report(entry, device.status());
  *actual = timeout;
  return ACL_SUCCESS;
}

aclError aclrtGetPrimaryCtxState(int32_t device, uint32_t* flags, int32_t* active) {
  const char* const entry = "aclrtGetPrimaryCtxState";
  if (!active) return fail(ACL_ERROR_INVALID_PARAM, "{}: no place for the answer", entry);
  if (const aclError code = check_device_id(entry, device)) return code;
  if (flags) *flags = 0;
  *active = in_use(device) ? 1 : 0;
  return ACL_SUCCESS;
}

aclError aclrtGetLogicDevIdByUserDevId(int32_t user, int32_t* logic) {
  const char* const entry = "aclrtGetLogicDevIdByUserDevId";
  if (!logic) return fail(ACL_ERROR_INVALID_PARAM, "{}: no place for the answer", entry);
  if (const aclError code = check_device_id(entry, user)) return code;
  *logic = user;
  return ACL_SUCCESS;
}
