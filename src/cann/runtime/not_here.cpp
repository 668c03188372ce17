// SPDX-License-Identifier: Apache-2.0
// Functions that programs link to and only the maker's own chips can do: binaries of kernels, memory of other
// processes, dumps. Each says so. Those whose names do not begin with acl are what PyTorch's extension asks
// for.
#include <chrono>
#include <cstring>

#include "acl/acl.h"
#include "cann/error.h"

using namespace isthmus::cann;  // NOLINT: entry points stand outside of namespaces

namespace {

aclError not_here(const char* entry, const char* what) {
  return fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, "{}: {}", entry, what);
}
constexpr const char* kBinaries = "ready-made kernels of a chip cannot run here";
constexpr const char* kProcesses = "memory cannot be shared with other processes";
constexpr const char* kDumps = "nothing is dumped here";

}  // namespace

aclError aclrtBinaryLoadFromData(const void*, size_t, const aclrtBinaryLoadOptions*, aclrtBinHandle*) {
  return not_here("aclrtBinaryLoadFromData", kBinaries);
}
aclError aclrtBinaryGetFunction(const aclrtBinHandle, const char*, aclrtFuncHandle*) {
  return not_here("aclrtBinaryGetFunction", kBinaries);
}
aclError aclrtGetFunctionAddr(aclrtFuncHandle, void**, void**) {
  return not_here("aclrtGetFunctionAddr", kBinaries);
}

aclError aclrtMemExportToShareableHandle(aclrtDrvMemHandle, aclrtMemHandleType, uint64_t, uint64_t*) {
  return not_here("aclrtMemExportToShareableHandle", kProcesses);
}
aclError aclrtMemSetPidToShareableHandle(uint64_t, int32_t*, size_t) {
  return not_here("aclrtMemSetPidToShareableHandle", kProcesses);
}
aclError aclrtMemImportFromShareableHandle(uint64_t, int32_t, aclrtDrvMemHandle*) {
  return not_here("aclrtMemImportFromShareableHandle", kProcesses);
}

aclError aclrtIpcMemGetExportKey(void*, size_t, char*, size_t, uint64_t) {
  return not_here("aclrtIpcMemGetExportKey", kProcesses);
}
aclError aclrtIpcMemSetImportPid(const char*, int32_t*, size_t) {
  return not_here("aclrtIpcMemSetImportPid", kProcesses);
}
aclError aclrtIpcMemImportByKey(void**, const char*, uint64_t) {
  return not_here("aclrtIpcMemImportByKey", kProcesses);
}
aclError aclrtIpcMemClose(const char*) { return not_here("aclrtIpcMemClose", kProcesses); }

aclError aclmdlInitDump(void) { return not_here("aclmdlInitDump", kDumps); }
aclError aclmdlSetDump(const char*) { return not_here("aclmdlSetDump", kDumps); }
aclError aclmdlFinalizeDump(void) { return not_here("aclmdlFinalizeDump", kDumps); }

extern "C" {

#define VISIBLE __attribute__((visibility("default")))

VISIBLE int rtDevBinaryRegister(const void*, void**) { return not_here("rtDevBinaryRegister", kBinaries); }
VISIBLE int rtFunctionRegister(void*, const void*, const char*, const void*, uint32_t) {
  return not_here("rtFunctionRegister", kBinaries);
}
VISIBLE int rtKernelLaunch(const void*, uint32_t, void*, uint32_t, void*, void*) {
  return not_here("rtKernelLaunch", kBinaries);
}
VISIBLE int rtGetC2cCtrlAddr(uint64_t*, uint32_t*) { return not_here("rtGetC2cCtrlAddr", kBinaries); }

// A profiler that never began: it takes no reports.
VISIBLE uint64_t MsprofSysCycleTime(void) {
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}
VISIBLE uint64_t MsprofGetHashId(const char* text, size_t length) {
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (size_t i = 0; text && i < length; ++i)
    hash = (hash ^ static_cast<unsigned char>(text[i])) * 0x100000001b3u;
  return hash;
}
constexpr const char* kProfiler = "there is no profiler here";
VISIBLE int32_t MsprofRegisterCallback(uint32_t, void*) {
  return not_here("MsprofRegisterCallback", kProfiler);
}
VISIBLE int32_t MsprofReportApi(uint32_t, const void*) { return not_here("MsprofReportApi", kProfiler); }
VISIBLE int32_t MsprofReportCompactInfo(uint32_t, const void*, uint32_t) {
  return not_here("MsprofReportCompactInfo", kProfiler);
}
VISIBLE int32_t MsprofReportAdditionalInfo(uint32_t, const void*, uint32_t) {
  return not_here("MsprofReportAdditionalInfo", kProfiler);
}

}  // extern "C"
