/* SPDX-License-Identifier: Apache-2.0 */
/* The profiler's functions, for programs that link to them. There is no profiler behind them: each returns
 * ACL_ERROR_PROF_MODULES_UNSUPPORTED, and what would be made is null. `isthmus profile` and
 * ISTHMUS_CANN_SUMMARY tell where time goes. */
#ifndef ISTHMUS_ACL_ACL_PROF_H
#define ISTHMUS_ACL_ACL_PROF_H

#include "acl_base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACL_PROF_ACL_API 0x0001ULL
#define ACL_PROF_TASK_TIME 0x0002ULL
#define ACL_PROF_AICORE_METRICS 0x0004ULL
#define ACL_PROF_AICPU 0x0008ULL
#define ACL_PROF_L2CACHE 0x0010ULL
#define ACL_PROF_HCCL_TRACE 0x0020ULL
#define ACL_PROF_TRAINING_TRACE 0x0040ULL
#define ACL_PROF_MSPROFTX 0x0080ULL
#define ACL_PROF_RUNTIME_API 0x0100ULL

typedef enum aclprofAicoreMetrics {
  ACL_AICORE_ARITHMETIC_UTILIZATION = 0,
  ACL_AICORE_PIPE_UTILIZATION = 1,
  ACL_AICORE_MEMORY_BANDWIDTH = 2,
  ACL_AICORE_L0B_AND_WIDTH = 3,
  ACL_AICORE_RESOURCE_CONFLICT_RATIO = 4,
  ACL_AICORE_MEMORY_UB = 5,
  ACL_AICORE_L2_CACHE = 6,
  ACL_AICORE_PIPE_EXECUTE_UTILIZATION = 7,
  ACL_AICORE_NONE = 0xFF
} aclprofAicoreMetrics;
typedef enum aclprofStepTag { ACL_STEP_START = 0, ACL_STEP_END = 1 } aclprofStepTag;

typedef struct aclprofConfig aclprofConfig;
typedef struct aclprofAicoreEvents aclprofAicoreEvents;
typedef struct aclprofStepInfo aclprofStepInfo;

ACL_FUNC_VISIBILITY aclError aclprofInit(const char* folder, size_t length);
ACL_FUNC_VISIBILITY aclError aclprofFinalize(void);
ACL_FUNC_VISIBILITY aclprofConfig* aclprofCreateConfig(uint32_t* devices, uint32_t count,
                                                       aclprofAicoreMetrics metrics,
                                                       const aclprofAicoreEvents* events, uint64_t what);
ACL_FUNC_VISIBILITY aclError aclprofDestroyConfig(const aclprofConfig* config);
ACL_FUNC_VISIBILITY aclError aclprofStart(const aclprofConfig* config);
ACL_FUNC_VISIBILITY aclError aclprofStop(const aclprofConfig* config);
ACL_FUNC_VISIBILITY aclprofStepInfo* aclprofCreateStepInfo(void);
ACL_FUNC_VISIBILITY void aclprofDestroyStepInfo(aclprofStepInfo* info);
ACL_FUNC_VISIBILITY aclError aclprofGetStepTimestamp(aclprofStepInfo* info, aclprofStepTag tag,
                                                     aclrtStream stream);
/* Marks in a profile. */
ACL_FUNC_VISIBILITY void* aclprofCreateStamp(void);
ACL_FUNC_VISIBILITY void aclprofDestroyStamp(void* stamp);
ACL_FUNC_VISIBILITY aclError aclprofSetStampTraceMessage(void* stamp, const char* text, uint32_t length);
ACL_FUNC_VISIBILITY aclError aclprofMark(void* stamp);
ACL_FUNC_VISIBILITY aclError aclprofPush(void* stamp);
ACL_FUNC_VISIBILITY aclError aclprofPop(void);
ACL_FUNC_VISIBILITY aclError aclprofRangeStart(void* stamp, uint32_t* range);
ACL_FUNC_VISIBILITY aclError aclprofRangeStop(uint32_t range);

#ifdef __cplusplus
}
#endif
#endif
