// SPDX-License-Identifier: Apache-2.0
// The profiler's functions: there is none behind them, and each says so.
#include "acl/acl_prof.h"
#include "cann/error.h"

using namespace isthmus::cann;  // NOLINT: entry points stand outside of namespaces

namespace {

aclError no_profiler(const char* entry) {
  return fail(ACL_ERROR_PROF_MODULES_UNSUPPORTED,
              "{}: there is no profiler here; ISTHMUS_CANN_SUMMARY counts operators", entry);
}

}  // namespace

aclError aclprofInit(const char*, size_t) { return no_profiler("aclprofInit"); }
aclError aclprofFinalize(void) { return no_profiler("aclprofFinalize"); }
aclprofConfig* aclprofCreateConfig(uint32_t*, uint32_t, aclprofAicoreMetrics, const aclprofAicoreEvents*,
                                   uint64_t) {
  no_profiler("aclprofCreateConfig");
  return nullptr;
}
aclError aclprofDestroyConfig(const aclprofConfig*) { return no_profiler("aclprofDestroyConfig"); }
aclError aclprofStart(const aclprofConfig*) { return no_profiler("aclprofStart"); }
aclError aclprofStop(const aclprofConfig*) { return no_profiler("aclprofStop"); }
aclprofStepInfo* aclprofCreateStepInfo(void) {
  no_profiler("aclprofCreateStepInfo");
  return nullptr;
}
void aclprofDestroyStepInfo(aclprofStepInfo*) { no_profiler("aclprofDestroyStepInfo"); }
aclError aclprofGetStepTimestamp(aclprofStepInfo*, aclprofStepTag, aclrtStream) {
  return no_profiler("aclprofGetStepTimestamp");
}
void* aclprofCreateStamp(void) {
  no_profiler("aclprofCreateStamp");
  return nullptr;
}
void aclprofDestroyStamp(void*) { no_profiler("aclprofDestroyStamp"); }
aclError aclprofSetStampTraceMessage(void*, const char*, uint32_t) {
  return no_profiler("aclprofSetStampTraceMessage");
}
aclError aclprofMark(void*) { return no_profiler("aclprofMark"); }
aclError aclprofPush(void*) { return no_profiler("aclprofPush"); }
aclError aclprofPop(void) { return no_profiler("aclprofPop"); }
aclError aclprofRangeStart(void*, uint32_t*) { return no_profiler("aclprofRangeStart"); }
aclError aclprofRangeStop(uint32_t) { return no_profiler("aclprofRangeStop"); }
