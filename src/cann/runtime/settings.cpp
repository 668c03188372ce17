// SPDX-License-Identifier: Apache-2.0
// Settings and facts of devices and streams.
#include <unistd.h>

#include <cstring>
#include <map>
#include <mutex>

#include "acl/acl_rt.h"
#include "cann/error.h"
#include "cann/runtime/context.h"
#include "cann/runtime/library.h"

using namespace isthmus;        // NOLINT: entry points stand outside of namespaces
using namespace isthmus::cann;  // NOLINT

namespace {

aclError no_place(const char* entry) {
  return fail(ACL_ERROR_INVALID_PARAM, "{}: no place for the answer", entry);
}

aclError need_device(const char* entry) {
  const Result<DevicePtr> device = current_device();
  return report(entry, device.status());
}

// Of the process; contexts have no options of their own.
struct Options {
  std::mutex mutex;
  std::map<int, int64_t> values;
};
Options& options() {
  static Options& options = *new Options;
  return options;
}

}  // namespace

aclError aclrtSetDeviceSatMode(aclrtFloatOverflowMode mode) {
  const char* const entry = "aclrtSetDeviceSatMode";
  if (const aclError code = need_device(entry)) return code;
  if (mode == ACL_RT_OVERFLOW_MODE_INFNAN) return ACL_SUCCESS;
  if (mode == ACL_RT_OVERFLOW_MODE_SATURATION)
    return fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, "{}: arithmetic overflows to infinity, it never saturates",
                entry);
  return fail(ACL_ERROR_RT_PARAM_INVALID, "{}: {} is no mode", entry, static_cast<int>(mode));
}
aclError aclrtGetDeviceSatMode(aclrtFloatOverflowMode* mode) {
  if (!mode) return no_place("aclrtGetDeviceSatMode");
  *mode = ACL_RT_OVERFLOW_MODE_INFNAN;
  return ACL_SUCCESS;
}

aclError aclrtSetStreamOverflowSwitch(aclrtStream stream, uint32_t flag) {
  const char* const entry = "aclrtSetStreamOverflowSwitch";
  const Result<StreamPtr> found = find_stream(stream);
  if (!found.ok()) return report_handle(entry, stream, found.status());
  return flag == 0 ? ACL_SUCCESS
                   : fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, "{}: overflows are not watched", entry);
}
aclError aclrtGetStreamOverflowSwitch(aclrtStream stream, uint32_t* flag) {
  const char* const entry = "aclrtGetStreamOverflowSwitch";
  if (!flag) return no_place(entry);
  const Result<StreamPtr> found = find_stream(stream);
  if (!found.ok()) return report_handle(entry, stream, found.status());
  *flag = 0;
  return ACL_SUCCESS;
}

aclError aclrtSetStreamFailureMode(aclrtStream stream, uint64_t mode) {
  const char* const entry = "aclrtSetStreamFailureMode";
  const Result<StreamPtr> found = find_stream(stream);
  if (!found.ok()) return report_handle(entry, stream, found.status());
  if (mode > ACL_STOP_ON_FAILURE) return fail(ACL_ERROR_RT_PARAM_INVALID, "{}: {} is no mode", entry, mode);
  (*found)->stop_on_failure(mode == ACL_STOP_ON_FAILURE);
  return ACL_SUCCESS;
}

aclError aclrtSetOpWaitTimeout(uint32_t) { return need_device("aclrtSetOpWaitTimeout"); }
aclError aclrtSetOpExecuteTimeOut(uint32_t) { return need_device("aclrtSetOpExecuteTimeOut"); }

aclError aclrtSetSysParamOpt(aclSysParamOpt option, int64_t value) {
  if (option < 0 || option > 63)
    return fail(ACL_ERROR_INVALID_PARAM, "aclrtSetSysParamOpt: there is no option {}",
                static_cast<int>(option));
  std::lock_guard lock(options().mutex);
  options().values[option] = value;
  return ACL_SUCCESS;
}
aclError aclrtCtxSetSysParamOpt(aclSysParamOpt option, int64_t value) {
  if (const aclError code = need_device("aclrtCtxSetSysParamOpt")) return code;
  return aclrtSetSysParamOpt(option, value);
}
aclError aclrtGetSysParamOpt(aclSysParamOpt option, int64_t* value) {
  if (!value) return no_place("aclrtGetSysParamOpt");
  std::lock_guard lock(options().mutex);
  const auto found = options().values.find(option);
  // By default everything is deterministic.
  *value = found != options().values.end() ? found->second : option == ACL_OPT_DETERMINISTIC;
  return ACL_SUCCESS;
}

aclError aclrtGetLastError(aclrtLastErrLevel) { return last_code(true); }
aclError aclrtPeekAtLastError(aclrtLastErrLevel) { return last_code(false); }

aclError aclGetDeviceCapability(uint32_t device, aclDeviceInfo info, int64_t* value) {
  const char* const entry = "aclGetDeviceCapability";
  if (!value) return no_place(entry);
  const Result<DevicePtr> found = open_device(static_cast<int32_t>(device));
  if (!found.ok()) return report(entry, found.status());
  switch (info) {
    case ACL_DEVICE_INFO_AI_CORE_NUM:
    case ACL_DEVICE_INFO_VECTOR_CORE_NUM: *value = (*found)->properties().parallelism; return ACL_SUCCESS;
    case ACL_DEVICE_INFO_L2_SIZE: *value = 0; return ACL_SUCCESS;
  }
  return fail(ACL_ERROR_INVALID_PARAM, "{}: nothing is known of fact {}", entry, static_cast<int>(info));
}

aclError aclGetCannAttributeList(const aclCannAttr** attributes, size_t* count) {
  static const aclCannAttr kAttributes[] = {ACL_CANN_ATTR_INF_NAN};
  if (!attributes || !count) return no_place("aclGetCannAttributeList");
  *attributes = kAttributes;
  *count = 1;
  return ACL_SUCCESS;
}
aclError aclGetCannAttribute(aclCannAttr attribute, int32_t* value) {
  if (!value) return no_place("aclGetCannAttribute");
  if (attribute != ACL_CANN_ATTR_INF_NAN)
    return fail(ACL_ERROR_INVALID_PARAM, "aclGetCannAttribute: nothing is known of attribute {}",
                static_cast<int>(attribute));
  *value = 1;
  return ACL_SUCCESS;
}

aclError aclrtDeviceGetUuid(int32_t device, aclrtUuid* uuid) {
  const char* const entry = "aclrtDeviceGetUuid";
  if (!uuid) return no_place(entry);
  const Result<DevicePtr> found = open_device(device);
  if (!found.ok()) return report(entry, found.status());
  // "isthmus" and the device's id, which name it as long as the machine stays the same.
  const std::string text = "isthmus" + (*found)->id();
  std::memset(uuid->bytes, 0, sizeof uuid->bytes);
  std::memcpy(uuid->bytes, text.data(), std::min(text.size(), sizeof uuid->bytes));
  return ACL_SUCCESS;
}

aclError aclrtDeviceGetBareTgid(int32_t* process) {
  if (!process) return no_place("aclrtDeviceGetBareTgid");
  *process = static_cast<int32_t>(getpid());
  return ACL_SUCCESS;
}
