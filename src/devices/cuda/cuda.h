// SPDX-License-Identifier: Apache-2.0
// The functions of NVIDIA's driver, found at run time in libcuda.so.1, and its error codes as sentences. They
// are declared here, so that nothing of CUDA is needed to build.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/status.h"

namespace isthmus::cuda {

using CUcontext = struct CUctx_st*;
using CUstream = struct CUstream_st*;
using CUevent = struct CUevent_st*;
using CUmodule = struct CUmod_st*;
using CUfunction = struct CUfunc_st*;
using CUgraph = struct CUgraph_st*;
using CUgraphExec = struct CUgraphExec_st*;
using CUmemoryPool = struct CUmemPoolHandle_st*;
using CUdeviceptr = uint64_t;
using CUdevice = int;

struct CUmemPoolProps {
  int allocation_type;
  int handle_types;
  int location_type;
  int location;
  void* security_attributes;
  size_t most_bytes;
  unsigned char reserved[56];
};

enum : int {
  kSuccess = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kNotReady = 600,
};
enum : int {  // device attributes
  kMaxThreadsPerBlock = 1,
  kMaxGridX = 5,
  kMaxGridY = 6,
  kMaxGridZ = 7,
  kMultiprocessors = 16,
  kIntegrated = 18,
  kUnifiedAddressing = 41,
  kCapabilityMajor = 75,
  kCapabilityMinor = 76,
  kReadOnlyRegistration = 113,
  kMemoryPools = 115,
};
constexpr int kFunctionMaxThreads = 0;    // function attribute
constexpr int kPoolReleaseThreshold = 4;  // pool attribute
constexpr int kAllocationPinned = 1, kLocationDevice = 1;
constexpr unsigned kStreamNonBlocking = 1, kCaptureRelaxed = 2;
constexpr unsigned kHostPortable = 1, kHostDeviceMap = 2, kHostReadOnly = 8;

// X(member, exported name, parameters)
#define ISTHMUS_CUDA_FUNCTIONS(X)                                                                        \
  X(init, cuInit, (unsigned))                                                                            \
  X(driver_version, cuDriverGetVersion, (int*))                                                          \
  X(error_name, cuGetErrorName, (int, const char**))                                                     \
  X(error_string, cuGetErrorString, (int, const char**))                                                 \
  X(device_count, cuDeviceGetCount, (int*))                                                              \
  X(device_get, cuDeviceGet, (CUdevice*, int))                                                           \
  X(device_name, cuDeviceGetName, (char*, int, CUdevice))                                                \
  X(device_memory, cuDeviceTotalMem_v2, (size_t*, CUdevice))                                             \
  X(device_attribute, cuDeviceGetAttribute, (int*, int, CUdevice))                                       \
  X(context_retain, cuDevicePrimaryCtxRetain, (CUcontext*, CUdevice))                                    \
  X(context_release, cuDevicePrimaryCtxRelease_v2, (CUdevice))                                           \
  X(context_push, cuCtxPushCurrent_v2, (CUcontext))                                                      \
  X(context_pop, cuCtxPopCurrent_v2, (CUcontext*))                                                       \
  X(allocate, cuMemAlloc_v2, (CUdeviceptr*, size_t))                                                     \
  X(free, cuMemFree_v2, (CUdeviceptr))                                                                   \
  X(host_allocate, cuMemHostAlloc, (void**, size_t, unsigned))                                           \
  X(host_free, cuMemFreeHost, (void*))                                                                   \
  X(host_register, cuMemHostRegister_v2, (void*, size_t, unsigned))                                      \
  X(host_unregister, cuMemHostUnregister, (void*))                                                       \
  X(host_address, cuMemHostGetDevicePointer_v2, (CUdeviceptr*, void*, unsigned))                         \
  X(copy, cuMemcpyAsync, (CUdeviceptr, CUdeviceptr, size_t, CUstream))                                   \
  X(copy_to_device, cuMemcpyHtoDAsync_v2, (CUdeviceptr, const void*, size_t, CUstream))                  \
  X(copy_to_host, cuMemcpyDtoHAsync_v2, (void*, CUdeviceptr, size_t, CUstream))                          \
  X(fill, cuMemsetD8Async, (CUdeviceptr, unsigned char, size_t, CUstream))                               \
  X(stream_create, cuStreamCreate, (CUstream*, unsigned))                                                \
  X(stream_destroy, cuStreamDestroy_v2, (CUstream))                                                      \
  X(stream_synchronize, cuStreamSynchronize, (CUstream))                                                 \
  X(stream_query, cuStreamQuery, (CUstream))                                                             \
  X(stream_wait_event, cuStreamWaitEvent, (CUstream, CUevent, unsigned))                                 \
  X(stream_capture, cuStreamBeginCapture_v2, (CUstream, unsigned))                                       \
  X(stream_end_capture, cuStreamEndCapture, (CUstream, CUgraph*))                                        \
  X(call_host, cuLaunchHostFunc, (CUstream, void (*)(void*), void*))                                     \
  X(event_create, cuEventCreate, (CUevent*, unsigned))                                                   \
  X(event_destroy, cuEventDestroy_v2, (CUevent))                                                         \
  X(event_record, cuEventRecord, (CUevent, CUstream))                                                    \
  X(event_synchronize, cuEventSynchronize, (CUevent))                                                    \
  X(event_query, cuEventQuery, (CUevent))                                                                \
  X(event_elapsed, cuEventElapsedTime, (float*, CUevent, CUevent))                                       \
  X(graph_instantiate, cuGraphInstantiateWithFlags, (CUgraphExec*, CUgraph, unsigned long long))         \
  X(graph_launch, cuGraphLaunch, (CUgraphExec, CUstream))                                                \
  X(graph_destroy, cuGraphDestroy, (CUgraph))                                                            \
  X(graph_exec_destroy, cuGraphExecDestroy, (CUgraphExec))                                               \
  X(module_load, cuModuleLoadData, (CUmodule*, const void*))                                             \
  X(module_unload, cuModuleUnload, (CUmodule))                                                           \
  X(module_function, cuModuleGetFunction, (CUfunction*, CUmodule, const char*))                          \
  X(function_attribute, cuFuncGetAttribute, (int*, int, CUfunction))                                     \
  X(launch, cuLaunchKernel,                                                                              \
    (CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream, void**, \
     void**))
// Younger than CUDA 11.4: null where the driver is older.
#define ISTHMUS_CUDA_OPTIONAL_FUNCTIONS(X)                                                  \
  X(pool_create, cuMemPoolCreate, (CUmemoryPool*, const CUmemPoolProps*))                   \
  X(pool_destroy, cuMemPoolDestroy, (CUmemoryPool))                                         \
  X(pool_set, cuMemPoolSetAttribute, (CUmemoryPool, int, void*))                            \
  X(pool_allocate, cuMemAllocFromPoolAsync, (CUdeviceptr*, size_t, CUmemoryPool, CUstream)) \
  X(pool_free, cuMemFreeAsync, (CUdeviceptr, CUstream))                                     \
  X(function_parameter, cuFuncGetParamInfo, (CUfunction, size_t, size_t*, size_t*))

struct Api {
#define ISTHMUS_CUDA_MEMBER(MEMBER, NAME, PARAMETERS) int(*MEMBER) PARAMETERS = nullptr;
  ISTHMUS_CUDA_FUNCTIONS(ISTHMUS_CUDA_MEMBER)
  ISTHMUS_CUDA_OPTIONAL_FUNCTIONS(ISTHMUS_CUDA_MEMBER)
#undef ISTHMUS_CUDA_MEMBER
};

// The functions, the driver being initialised, or null where this machine has no working one. Looked for
// once; never unloaded, since the driver does not expect it.
const Api* find_api();
const std::string& why_no_api();  // when find_api() gives nullptr

// ok() for success. Otherwise what failed, what that means, what to do, and the code's name.
Status check(int code, const std::string& doing);

// The device's context on this thread, and the one before again when it goes: others in the process use CUDA,
// too.
class Current {
 public:
  Current(const Api& cuda, CUcontext context) : cuda_(cuda), code_(cuda.context_push(context)) {}
  ~Current() {
    CUcontext popped;
    if (code_ == kSuccess) cuda_.context_pop(&popped);
  }
  Current(const Current&) = delete;

 private:
  const Api& cuda_;
  int code_;
};

// What objects of a device share; outlives them.
struct Shared {
  const Api& cuda;
  CUcontext context = nullptr;
  CUmemoryPool pool = nullptr;  // null where the driver has none
  Current enter() const { return Current(cuda, context); }
};

}  // namespace isthmus::cuda
