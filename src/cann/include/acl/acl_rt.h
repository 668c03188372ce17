/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, contexts, streams, events and memory.
 *
 * A thread works in a context, which names the device: aclrtSetDevice and aclrtCreateContext make one
 * current, and functions that need one fail with ACL_ERROR_RT_CONTEXT_NULL in a thread without. A stream
 * given as null is the default stream of the current context. Everything returns ACL_SUCCESS or a code, whose
 * sentence aclGetRecentErrMsg tells. */
#ifndef ISTHMUS_ACL_ACL_RT_H
#define ISTHMUS_ACL_ACL_RT_H

#include "acl_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Devices */

typedef enum aclrtRunMode { ACL_DEVICE = 0, ACL_HOST = 1 } aclrtRunMode;

/* Makes the device's default context current in this thread. Calls are counted. */
ACL_FUNC_VISIBILITY aclError aclrtSetDevice(int32_t device);
/* Takes one aclrtSetDevice back; the last one waits for the device and releases its default context and that
 * context's streams. */
ACL_FUNC_VISIBILITY aclError aclrtResetDevice(int32_t device);
ACL_FUNC_VISIBILITY aclError aclrtResetDeviceForce(int32_t device); /* whatever the count */
ACL_FUNC_VISIBILITY aclError aclrtGetDevice(int32_t* device);
ACL_FUNC_VISIBILITY aclError aclrtGetDeviceCount(uint32_t* count);
ACL_FUNC_VISIBILITY aclError aclrtGetRunMode(aclrtRunMode* mode);
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeDevice(void);

/* ---- Contexts */

/* The new context is current in this thread. */
ACL_FUNC_VISIBILITY aclError aclrtCreateContext(aclrtContext* context, int32_t device);
ACL_FUNC_VISIBILITY aclError aclrtDestroyContext(aclrtContext context);
ACL_FUNC_VISIBILITY aclError aclrtSetCurrentContext(aclrtContext context);
ACL_FUNC_VISIBILITY aclError aclrtGetCurrentContext(aclrtContext* context);

/* ---- Streams */

#define ACL_STREAM_FAST_LAUNCH 0x00000001u
#define ACL_STREAM_FAST_SYNC 0x00000002u

#define ACL_CONTINUE_ON_FAILURE 0x00000000u
#define ACL_STOP_ON_FAILURE 0x00000001u

typedef enum aclrtStreamStatus {
  ACL_STREAM_STATUS_COMPLETE = 0,
  ACL_STREAM_STATUS_NOT_READY = 1,
  ACL_STREAM_STATUS_RESERVED = 0xFFFF
} aclrtStreamStatus;

ACL_FUNC_VISIBILITY aclError aclrtCreateStream(aclrtStream* stream);
/* priority and flag (ACL_STREAM_...) are wishes: every stream here is fast to launch and to wait for. */
ACL_FUNC_VISIBILITY aclError aclrtCreateStreamWithConfig(aclrtStream* stream, uint32_t priority,
                                                         uint32_t flag);
/* Waits for its work. A stream that ended with its context may still be destroyed, once. */
ACL_FUNC_VISIBILITY aclError aclrtDestroyStream(aclrtStream stream);
ACL_FUNC_VISIBILITY aclError aclrtDestroyStreamForce(aclrtStream stream);
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeStream(aclrtStream stream);
/* timeout in milliseconds, -1: none; ACL_ERROR_RT_STREAM_SYNC_TIMEOUT when the work is not done by then. From
 * 30 seconds on there is no limit: work on the CPU is done by who waits for it. */
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout);
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeDeviceWithTimeout(int32_t timeout);
ACL_FUNC_VISIBILITY aclError aclrtStreamQuery(aclrtStream stream, aclrtStreamStatus* status);
ACL_FUNC_VISIBILITY aclError aclrtStreamGetId(aclrtStream stream, int32_t* id);

/* ---- Events */

#define ACL_EVENT_SYNC 0x00000001u
#define ACL_EVENT_CAPTURE_STREAM_PROGRESS 0x00000002u
#define ACL_EVENT_TIME_LINE 0x00000008u
#define ACL_EVENT_DEFAULT 0x0000000Eu
/* Orders a captured sequence with work outside of it: captured records and waits happen at each replay. */
#define ACL_EVENT_EXTERNAL 0x00000020u

/* Complete is 0 in two of the three. */
typedef enum aclrtEventStatus {
  ACL_EVENT_STATUS_COMPLETE = 0,
  ACL_EVENT_STATUS_NOT_READY = 1,
  ACL_EVENT_STATUS_RESERVED = 2
} aclrtEventStatus;
typedef enum aclrtEventRecordedStatus {
  ACL_EVENT_RECORDED_STATUS_NOT_READY = 0,
  ACL_EVENT_RECORDED_STATUS_COMPLETE = 1
} aclrtEventRecordedStatus;
typedef enum aclrtEventWaitStatus {
  ACL_EVENT_WAIT_STATUS_COMPLETE = 0,
  ACL_EVENT_WAIT_STATUS_NOT_READY = 1,
  ACL_EVENT_WAIT_STATUS_RESERVED = 0xffff
} aclrtEventWaitStatus;

/* All events keep the time, whatever the flag says. */
ACL_FUNC_VISIBILITY aclError aclrtCreateEvent(aclrtEvent* event);
ACL_FUNC_VISIBILITY aclError aclrtCreateEventWithFlag(aclrtEvent* event, uint32_t flag);
ACL_FUNC_VISIBILITY aclError aclrtCreateEventExWithFlag(aclrtEvent* event, uint32_t flag);
ACL_FUNC_VISIBILITY aclError aclrtDestroyEvent(aclrtEvent event);
ACL_FUNC_VISIBILITY aclError aclrtRecordEvent(aclrtEvent event, aclrtStream stream);
/* As if it had never been recorded, in the order of the calls. */
ACL_FUNC_VISIBILITY aclError aclrtResetEvent(aclrtEvent event, aclrtStream stream);
/* Later work on the stream waits for the record issued last; for none when there was none. */
ACL_FUNC_VISIBILITY aclError aclrtStreamWaitEvent(aclrtStream stream, aclrtEvent event);
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeEvent(aclrtEvent event);
/* One never recorded is complete here ... */
ACL_FUNC_VISIBILITY aclError aclrtQueryEvent(aclrtEvent event, aclrtEventStatus* status);
/* ... and not ready here. */
ACL_FUNC_VISIBILITY aclError aclrtQueryEventStatus(aclrtEvent event, aclrtEventRecordedStatus* status);
ACL_FUNC_VISIBILITY aclError aclrtQueryEventWaitStatus(aclrtEvent event, aclrtEventWaitStatus* status);
/* Of recorded events that are done. */
ACL_FUNC_VISIBILITY aclError aclrtEventElapsedTime(float* milliseconds, aclrtEvent start, aclrtEvent end);

/* ---- Functions of the program, called in a stream's order
 *
 * A function that its stream waits for (block, and aclrtLaunchHostFunc) puts nothing on that stream and waits
 * for none. */

typedef void (*aclrtCallback)(void* data);
typedef void (*aclrtHostFunc)(void* data);
typedef enum aclrtCallbackBlockType {
  ACL_CALLBACK_NO_BLOCK = 0,
  ACL_CALLBACK_BLOCK = 1
} aclrtCallbackBlockType;

ACL_FUNC_VISIBILITY aclError aclrtLaunchHostFunc(aclrtStream stream, aclrtHostFunc function, void* data);
/* Callbacks of the stream run in this thread (of pthread_self), while it is in aclrtProcessReport. */
ACL_FUNC_VISIBILITY aclError aclrtSubscribeReport(uint64_t thread, aclrtStream stream);
ACL_FUNC_VISIBILITY aclError aclrtUnSubscribeReport(uint64_t thread, aclrtStream stream);
ACL_FUNC_VISIBILITY aclError aclrtLaunchCallback(aclrtCallback function, void* data,
                                                 aclrtCallbackBlockType block, aclrtStream stream);
/* Runs one callback; timeout in milliseconds, -1: none. */
ACL_FUNC_VISIBILITY aclError aclrtProcessReport(int32_t timeout);

/* ---- Memory */

typedef enum aclrtMemMallocPolicy {
  ACL_MEM_MALLOC_HUGE_FIRST = 0,
  ACL_MEM_MALLOC_HUGE_ONLY = 1,
  ACL_MEM_MALLOC_NORMAL_ONLY = 2,
  ACL_MEM_MALLOC_HUGE_FIRST_P2P = 3,
  ACL_MEM_MALLOC_HUGE_ONLY_P2P = 4,
  ACL_MEM_MALLOC_NORMAL_ONLY_P2P = 5
} aclrtMemMallocPolicy;

typedef enum aclrtMemAttr {
  ACL_DDR_MEM = 0,
  ACL_HBM_MEM = 1,
  ACL_DDR_MEM_HUGE = 2,
  ACL_DDR_MEM_NORMAL = 3,
  ACL_HBM_MEM_HUGE = 4,
  ACL_HBM_MEM_NORMAL = 5,
  ACL_DDR_MEM_P2P_HUGE = 6,
  ACL_DDR_MEM_P2P_NORMAL = 7,
  ACL_HBM_MEM_P2P_HUGE = 8,
  ACL_HBM_MEM_P2P_NORMAL = 9
} aclrtMemAttr;

typedef enum aclrtMemcpyKind {
  ACL_MEMCPY_HOST_TO_HOST = 0,
  ACL_MEMCPY_HOST_TO_DEVICE = 1,
  ACL_MEMCPY_DEVICE_TO_HOST = 2,
  ACL_MEMCPY_DEVICE_TO_DEVICE = 3,
  ACL_MEMCPY_DEFAULT = 4 /* as the addresses say */
} aclrtMemcpyKind;

/* On the current device. The policy is a wish. */
ACL_FUNC_VISIBILITY aclError aclrtMalloc(void** address, size_t size, aclrtMemMallocPolicy policy);
ACL_FUNC_VISIBILITY aclError aclrtMallocAlign32(void** address, size_t size, aclrtMemMallocPolicy policy);
ACL_FUNC_VISIBILITY aclError aclrtMallocCached(void** address, size_t size, aclrtMemMallocPolicy policy);
/* There is nothing to flush: these only check the range. */
ACL_FUNC_VISIBILITY aclError aclrtMemFlush(void* address, size_t size);
ACL_FUNC_VISIBILITY aclError aclrtMemInvalidate(void* address, size_t size);
/* Waits for the device's work. Needs no current device. */
ACL_FUNC_VISIBILITY aclError aclrtFree(void* address);
ACL_FUNC_VISIBILITY aclError aclrtMallocHost(void** address, size_t size);
ACL_FUNC_VISIBILITY aclError aclrtFreeHost(void* address);

/* Own host memory that devices may use through the address that is answered, until it is unregistered: of
 * chips whose memory is the host's, ACL_ERROR_RT_FEATURE_NOT_SUPPORT elsewhere. */
typedef enum aclrtHostRegisterType { ACL_HOST_REGISTER_MAPPED = 0 } aclrtHostRegisterType;
ACL_FUNC_VISIBILITY aclError aclrtHostRegister(void* host, uint64_t size, aclrtHostRegisterType type,
                                               void** device_address);
ACL_FUNC_VISIBILITY aclError aclrtHostRegisterV2(void* host, uint64_t size, uint32_t flag);
ACL_FUNC_VISIBILITY aclError aclrtHostUnregister(void* host);
/* Always ACL_ERROR_RT_FEATURE_NOT_SUPPORT: programs then call aclrtMallocHost. */
typedef struct aclrtMallocConfig aclrtMallocConfig;
ACL_FUNC_VISIBILITY aclError aclrtMallocHostWithCfg(void** address, uint64_t size, aclrtMallocConfig* config);

/* capacity: the bytes there are at dst. In no order with any stream. */
ACL_FUNC_VISIBILITY aclError aclrtMemcpy(void* dst, size_t capacity, const void* src, size_t count,
                                         aclrtMemcpyKind kind);
/* Host memory not from aclrtMallocHost is read before the call returns, unless the stream is captured. */
ACL_FUNC_VISIBILITY aclError aclrtMemcpyAsync(void* dst, size_t capacity, const void* src, size_t count,
                                              aclrtMemcpyKind kind, aclrtStream stream);
/* Waits when one end is memory that was not allocated here. */
ACL_FUNC_VISIBILITY aclError aclrtMemcpyAsyncWithCondition(void* dst, size_t capacity, const void* src,
                                                           size_t count, aclrtMemcpyKind kind,
                                                           aclrtStream stream);
ACL_FUNC_VISIBILITY aclError aclrtMemcpy2d(void* dst, size_t dst_pitch, const void* src, size_t src_pitch,
                                           size_t width, size_t height, aclrtMemcpyKind kind);
ACL_FUNC_VISIBILITY aclError aclrtMemcpy2dAsync(void* dst, size_t dst_pitch, const void* src,
                                                size_t src_pitch, size_t width, size_t height,
                                                aclrtMemcpyKind kind, aclrtStream stream);
typedef enum aclrtMemLocationType {
  ACL_MEM_LOCATION_TYPE_HOST = 0,
  ACL_MEM_LOCATION_TYPE_DEVICE = 1,
  ACL_MEM_LOCATION_TYPE_UNREGISTERED = 2
} aclrtMemLocationType;
typedef struct aclrtMemLocation {
  uint32_t id; /* the device */
  aclrtMemLocationType type;
} aclrtMemLocation;
typedef struct aclrtMemcpyBatchAttr {
  aclrtMemLocation dstLoc;
  aclrtMemLocation srcLoc;
  uint8_t rsv[16];
} aclrtMemcpyBatchAttr;
/* Many copies, all checked before the first is made; *failed: the one that is wrong, SIZE_MAX for none. Which
 * end is a device's is told by the addresses, attributes are not looked at. */
ACL_FUNC_VISIBILITY aclError aclrtMemcpyBatch(void** dsts, size_t* capacities, void** srcs, size_t* sizes,
                                              size_t count, aclrtMemcpyBatchAttr* attributes,
                                              size_t* attribute_indices, size_t attribute_count,
                                              size_t* failed);
ACL_FUNC_VISIBILITY aclError aclrtMemcpyBatchAsync(void** dsts, size_t* capacities, void** srcs,
                                                   size_t* sizes, size_t count,
                                                   aclrtMemcpyBatchAttr* attributes,
                                                   size_t* attribute_indices, size_t attribute_count,
                                                   size_t* failed, aclrtStream stream);
ACL_FUNC_VISIBILITY aclError aclrtMemset(void* dst, size_t capacity, int32_t value, size_t count);
ACL_FUNC_VISIBILITY aclError aclrtMemsetAsync(void* dst, size_t capacity, int32_t value, size_t count,
                                              aclrtStream stream);
/* Whatever the attribute: a device here has one kind of memory. */
ACL_FUNC_VISIBILITY aclError aclrtGetMemInfo(aclrtMemAttr attribute, size_t* free, size_t* total);

typedef struct aclrtPtrAttributes {
  aclrtMemLocation location;
} aclrtPtrAttributes;
ACL_FUNC_VISIBILITY aclError aclrtPointerGetAttributes(const void* address, aclrtPtrAttributes* attributes);

/* ---- Virtual memory: pages in ranges that were reserved before, where the host can touch a device's memory;
 * ACL_ERROR_RT_FEATURE_NOT_SUPPORT elsewhere */

typedef void* aclrtDrvMemHandle;
typedef enum aclrtMemHandleType { ACL_MEM_HANDLE_TYPE_NONE = 0 } aclrtMemHandleType;
typedef enum aclrtMemAllocationType { ACL_MEM_ALLOCATION_TYPE_PINNED = 0 } aclrtMemAllocationType;
typedef enum aclrtMemGranularityOptions {
  ACL_RT_MEM_ALLOC_GRANULARITY_MINIMUM = 0,
  ACL_RT_MEM_ALLOC_GRANULARITY_RECOMMENDED = 1
} aclrtMemGranularityOptions;
typedef struct aclrtPhysicalMemProp {
  aclrtMemHandleType handleType;
  aclrtMemAllocationType allocationType;
  aclrtMemAttr memAttr;
  aclrtMemLocation location;
  uint64_t reserve;
} aclrtPhysicalMemProp;

/* What sizes and offsets are multiples of. */
ACL_FUNC_VISIBILITY aclError aclrtMemGetAllocationGranularity(aclrtPhysicalMemProp* prop,
                                                              aclrtMemGranularityOptions option,
                                                              size_t* granularity);
/* alignment is 0; flags: 1 for huge pages, a wish. */
ACL_FUNC_VISIBILITY aclError aclrtReserveMemAddress(void** address, size_t size, size_t alignment,
                                                    void* expected, uint64_t flags);
ACL_FUNC_VISIBILITY aclError aclrtReleaseMemAddress(void* address); /* after all was unmapped */
ACL_FUNC_VISIBILITY aclError aclrtMallocPhysical(aclrtDrvMemHandle* handle, size_t size,
                                                 const aclrtPhysicalMemProp* prop, uint64_t flags);
ACL_FUNC_VISIBILITY aclError aclrtFreePhysical(aclrtDrvMemHandle handle); /* what is mapped stays */
ACL_FUNC_VISIBILITY aclError aclrtMapMem(void* address, size_t size, size_t offset, aclrtDrvMemHandle handle,
                                         uint64_t flags);
ACL_FUNC_VISIBILITY aclError aclrtUnmapMem(void* address); /* one piece, by its beginning */

/* ---- Other devices: copies between any two work, by way of the host */

ACL_FUNC_VISIBILITY aclError aclrtDeviceCanAccessPeer(int32_t* can, int32_t device, int32_t peer);
ACL_FUNC_VISIBILITY aclError aclrtDeviceEnablePeerAccess(int32_t peer, uint32_t flags);
ACL_FUNC_VISIBILITY aclError aclrtDeviceDisablePeerAccess(int32_t peer);

/* ---- Facts and settings */

typedef enum aclrtFloatOverflowMode {
  ACL_RT_OVERFLOW_MODE_SATURATION = 0,
  ACL_RT_OVERFLOW_MODE_INFNAN = 1,
  ACL_RT_OVERFLOW_MODE_UNDEF = 2
} aclrtFloatOverflowMode;
/* Arithmetic here overflows to infinity: saturation is ACL_ERROR_RT_FEATURE_NOT_SUPPORT. */
ACL_FUNC_VISIBILITY aclError aclrtSetDeviceSatMode(aclrtFloatOverflowMode mode);
ACL_FUNC_VISIBILITY aclError aclrtGetDeviceSatMode(aclrtFloatOverflowMode* mode);
/* Overflows are not watched: flag 1 is ACL_ERROR_RT_FEATURE_NOT_SUPPORT. */
ACL_FUNC_VISIBILITY aclError aclrtSetStreamOverflowSwitch(aclrtStream stream, uint32_t flag);
ACL_FUNC_VISIBILITY aclError aclrtGetStreamOverflowSwitch(aclrtStream stream, uint32_t* flag);
/* Zeros: nothing overflowed; into memory of the stream's device. */
ACL_FUNC_VISIBILITY aclError aclrtGetOverflowStatus(void* dst, size_t size, aclrtStream stream);
ACL_FUNC_VISIBILITY aclError aclrtResetOverflowStatus(aclrtStream stream);
/* With ACL_STOP_ON_FAILURE a stream whose wait failed takes no more work. */
ACL_FUNC_VISIBILITY aclError aclrtSetStreamFailureMode(aclrtStream stream, uint64_t mode);
/* In seconds; work is never cut short, so these only check for a device. */
ACL_FUNC_VISIBILITY aclError aclrtSetOpWaitTimeout(uint32_t timeout);
ACL_FUNC_VISIBILITY aclError aclrtSetOpExecuteTimeOut(uint32_t timeout);
ACL_FUNC_VISIBILITY aclError aclrtSetOpExecuteTimeOutV2(uint64_t timeout, uint64_t* actual);

/* Work always has the whole device: Get answers how many cores that is, Set is
 * ACL_ERROR_RT_FEATURE_NOT_SUPPORT. */
typedef enum aclrtDevResLimitType {
  ACL_RT_DEV_RES_CUBE_CORE = 0,
  ACL_RT_DEV_RES_VECTOR_CORE = 1
} aclrtDevResLimitType;
ACL_FUNC_VISIBILITY aclError aclrtGetDeviceResLimit(int32_t device, aclrtDevResLimitType type,
                                                    uint32_t* value);
ACL_FUNC_VISIBILITY aclError aclrtSetDeviceResLimit(int32_t device, aclrtDevResLimitType type,
                                                    uint32_t value);
ACL_FUNC_VISIBILITY aclError aclrtResetDeviceResLimit(int32_t device);
ACL_FUNC_VISIBILITY aclError aclrtGetStreamResLimit(aclrtStream stream, aclrtDevResLimitType type,
                                                    uint32_t* value);
ACL_FUNC_VISIBILITY aclError aclrtSetStreamResLimit(aclrtStream stream, aclrtDevResLimitType type,
                                                    uint32_t value);
ACL_FUNC_VISIBILITY aclError aclrtResetStreamResLimit(aclrtStream stream);
ACL_FUNC_VISIBILITY aclError aclrtUseStreamResInCurrentThread(aclrtStream stream);
ACL_FUNC_VISIBILITY aclError aclrtUnuseStreamResInCurrentThread(aclrtStream stream);
ACL_FUNC_VISIBILITY aclError aclrtGetResInCurrentThread(aclrtDevResLimitType type, uint32_t* value);
/* Whether the device is in use by aclrtSetDevice. */
ACL_FUNC_VISIBILITY aclError aclrtGetPrimaryCtxState(int32_t device, uint32_t* flags, int32_t* active);
ACL_FUNC_VISIBILITY aclError aclrtGetLogicDevIdByUserDevId(int32_t user, int32_t* logic);

/* Kept and answered; results are the same every time whatever they say. One never set is 0, and 1 for
 * determinism. */
typedef enum aclSysParamOpt {
  ACL_OPT_DETERMINISTIC = 0,
  ACL_OPT_ENABLE_DEBUG_KERNEL = 1,
  ACL_OPT_STRONG_CONSISTENCY = 2
} aclSysParamOpt;
ACL_FUNC_VISIBILITY aclError aclrtSetSysParamOpt(aclSysParamOpt option, int64_t value);
ACL_FUNC_VISIBILITY aclError aclrtGetSysParamOpt(aclSysParamOpt option, int64_t* value);
ACL_FUNC_VISIBILITY aclError aclrtCtxSetSysParamOpt(aclSysParamOpt option, int64_t value);

typedef enum aclrtLastErrLevel { ACL_RT_THREAD_LEVEL = 0 } aclrtLastErrLevel;
/* The code of the calling thread's last failure, 0 for none; Get forgets it. */
ACL_FUNC_VISIBILITY aclError aclrtGetLastError(aclrtLastErrLevel level);
ACL_FUNC_VISIBILITY aclError aclrtPeekAtLastError(aclrtLastErrLevel level);

typedef enum aclDeviceInfo {
  ACL_DEVICE_INFO_AI_CORE_NUM = 0,
  ACL_DEVICE_INFO_VECTOR_CORE_NUM = 1,
  ACL_DEVICE_INFO_L2_SIZE = 2 /* 0: not known */
} aclDeviceInfo;
ACL_FUNC_VISIBILITY aclError aclGetDeviceCapability(uint32_t device, aclDeviceInfo info, int64_t* value);
typedef enum aclCannAttr { ACL_CANN_ATTR_UNDEFINED = -1, ACL_CANN_ATTR_INF_NAN = 0 } aclCannAttr;
ACL_FUNC_VISIBILITY aclError aclGetCannAttributeList(const aclCannAttr** attributes, size_t* count);
ACL_FUNC_VISIBILITY aclError aclGetCannAttribute(aclCannAttr attribute, int32_t* value); /* 1: it is so */

typedef struct aclrtUuid {
  char bytes[16];
} aclrtUuid;
ACL_FUNC_VISIBILITY aclError aclrtDeviceGetUuid(int32_t device, aclrtUuid* uuid); /* the same each time */
ACL_FUNC_VISIBILITY aclError aclrtDeviceGetBareTgid(int32_t* process);

/* ---- What only makers' own chips have: ACL_ERROR_RT_FEATURE_NOT_SUPPORT */

typedef void* aclrtBinHandle;
typedef void* aclrtFuncHandle;
typedef struct aclrtBinaryLoadOptions aclrtBinaryLoadOptions;
ACL_FUNC_VISIBILITY aclError aclrtBinaryLoadFromData(const void* data, size_t length,
                                                     const aclrtBinaryLoadOptions* options,
                                                     aclrtBinHandle* binary);
ACL_FUNC_VISIBILITY aclError aclrtBinaryGetFunction(const aclrtBinHandle binary, const char* name,
                                                    aclrtFuncHandle* function);
ACL_FUNC_VISIBILITY aclError aclrtGetFunctionAddr(aclrtFuncHandle function, void** cube, void** vector);
ACL_FUNC_VISIBILITY aclError aclrtMemExportToShareableHandle(aclrtDrvMemHandle handle,
                                                             aclrtMemHandleType type, uint64_t flags,
                                                             uint64_t* shareable);
ACL_FUNC_VISIBILITY aclError aclrtMemSetPidToShareableHandle(uint64_t shareable, int32_t* processes,
                                                             size_t count);
ACL_FUNC_VISIBILITY aclError aclrtMemImportFromShareableHandle(uint64_t shareable, int32_t device,
                                                               aclrtDrvMemHandle* handle);
/* Always ACL_ERROR_RT_FEATURE_NOT_SUPPORT, as those above. */
ACL_FUNC_VISIBILITY aclError aclrtIpcMemGetExportKey(void* address, size_t size, char* key, size_t length,
                                                     uint64_t flags);
ACL_FUNC_VISIBILITY aclError aclrtIpcMemSetImportPid(const char* key, int32_t* processes, size_t count);
ACL_FUNC_VISIBILITY aclError aclrtIpcMemImportByKey(void** address, const char* key, uint64_t flags);
ACL_FUNC_VISIBILITY aclError aclrtIpcMemClose(const char* key);

#ifdef __cplusplus
}
#endif
#endif
