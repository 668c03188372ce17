// SPDX-License-Identifier: Apache-2.0
// The program's own host memory that devices may use through its address, on chips whose memory is the
// host's.
#include "acl/acl_rt.h"
#include "cann/error.h"
#include "cann/runtime/context.h"
#include "cann/runtime/memory.h"

using namespace isthmus;        // NOLINT: entry points stand outside of namespaces
using namespace isthmus::cann;  // NOLINT

namespace {

aclError register_memory(const char* entry, void* host, uint64_t size) {
  if (!host) return fail(ACL_ERROR_INVALID_PARAM, "{}: the address is null", entry);
  const Result<ContextPtr> context = current_context();
  if (!context.ok()) return report(entry, context.status());
  const DevicePtr& device = (*context)->device();
  if (!device->has(ISTHMUS_FEATURE_HOST_ACCESS))
    return fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, "{}: {} cannot use the host's memory in place: copy it",
                entry, device->id());
  return report(entry, register_host_memory({reinterpret_cast<uint64_t>(host), size, MemoryKind::kDevice,
                                             (*context)->device_id(), device}));
}

}  // namespace

aclError aclrtHostRegister(void* host, uint64_t size, aclrtHostRegisterType type, void** device_address) {
  const char* const entry = "aclrtHostRegister";
  if (!device_address) return fail(ACL_ERROR_INVALID_PARAM, "{}: no place for the answer", entry);
  *device_address = nullptr;
  if (type != ACL_HOST_REGISTER_MAPPED)
    return fail(ACL_ERROR_RT_PARAM_INVALID, "{}: {} is no way to register", entry, static_cast<int>(type));
  if (const aclError code = register_memory(entry, host, size)) return code;
  *device_address = host;
  return ACL_SUCCESS;
}

aclError aclrtHostRegisterV2(void* host, uint64_t size, uint32_t) {
  return register_memory("aclrtHostRegisterV2", host, size);
}

aclError aclrtHostUnregister(void* host) {
  if (!host) return fail(ACL_ERROR_INVALID_PARAM, "aclrtHostUnregister: the address is null");
  return report("aclrtHostUnregister", unregister_host_memory(host));
}

aclError aclrtMallocHostWithCfg(void** address, uint64_t, aclrtMallocConfig*) {
  // What programs take as a word to call aclrtMallocHost.
  if (address) *address = nullptr;
  return fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
              "aclrtMallocHostWithCfg: host memory has no attributes here: aclrtMallocHost gives it");
}
