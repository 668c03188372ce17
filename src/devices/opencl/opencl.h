// SPDX-License-Identifier: Apache-2.0
// OpenCL's functions, found at run time in libOpenCL.so.1, and its error codes as sentences.
#pragma once

#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS  // clCreateCommandQueue is all that OpenCL 1.2 devices have
#include <CL/cl.h>

#include <string>

#include "base/status.h"

namespace isthmus::opencl {

#define ISTHMUS_OPENCL_FUNCTIONS(X) \
  X(clGetPlatformIDs)               \
  X(clGetPlatformInfo)              \
  X(clGetDeviceIDs)                 \
  X(clGetDeviceInfo)                \
  X(clCreateContext)                \
  X(clReleaseContext)               \
  X(clCreateCommandQueue)           \
  X(clReleaseCommandQueue)          \
  X(clFlush)                        \
  X(clFinish)                       \
  X(clCreateBuffer)                 \
  X(clReleaseMemObject)             \
  X(clEnqueueReadBuffer)            \
  X(clEnqueueWriteBuffer)           \
  X(clEnqueueCopyBuffer)            \
  X(clEnqueueFillBuffer)            \
  X(clEnqueueMapBuffer)             \
  X(clEnqueueUnmapMemObject)        \
  X(clEnqueueMarkerWithWaitList)    \
  X(clEnqueueBarrierWithWaitList)   \
  X(clEnqueueNDRangeKernel)         \
  X(clCreateUserEvent)              \
  X(clSetUserEventStatus)           \
  X(clWaitForEvents)                \
  X(clRetainEvent)                  \
  X(clReleaseEvent)                 \
  X(clGetEventInfo)                 \
  X(clGetEventProfilingInfo)        \
  X(clCreateProgramWithSource)      \
  X(clCreateProgramWithBinary)      \
  X(clBuildProgram)                 \
  X(clGetProgramInfo)               \
  X(clGetProgramBuildInfo)          \
  X(clReleaseProgram)               \
  X(clCreateKernel)                 \
  X(clReleaseKernel)                \
  X(clSetKernelArg)                 \
  X(clGetKernelWorkGroupInfo)
// OpenCL 2.0 and later: null where the loader is older.
#define ISTHMUS_OPENCL_OPTIONAL_FUNCTIONS(X) \
  X(clSVMAlloc)                              \
  X(clSVMFree)                               \
  X(clEnqueueSVMMemcpy)                      \
  X(clEnqueueSVMMemFill)                     \
  X(clSetKernelArgSVMPointer)

struct Api {
#define ISTHMUS_OPENCL_MEMBER(NAME) decltype(&::NAME) NAME = nullptr;
  ISTHMUS_OPENCL_FUNCTIONS(ISTHMUS_OPENCL_MEMBER)
  ISTHMUS_OPENCL_OPTIONAL_FUNCTIONS(ISTHMUS_OPENCL_MEMBER)
#undef ISTHMUS_OPENCL_MEMBER
};

// The functions, or null where this machine has no OpenCL loader. Looked for once; never unloaded, since
// drivers do not expect it.
const Api* find_api();

// ok() for CL_SUCCESS. Otherwise what failed, what that means, what to do, and the code's name.
Status check(cl_int code, const std::string& doing);

}  // namespace isthmus::opencl
