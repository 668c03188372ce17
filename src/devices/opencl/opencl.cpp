// SPDX-License-Identifier: Apache-2.0
#include "devices/opencl/opencl.h"

#include <dlfcn.h>

namespace isthmus::opencl {
namespace {

constexpr cl_int kPlatformNotFound = -1001;  // CL_PLATFORM_NOT_FOUND_KHR of the loader

struct Meaning {
  cl_int code;
  const char* name;
  Code status;
  const char* sentence;  // what it means and what to do
};

constexpr const char* kOurs = "this is a mistake of the OpenCL plug-in, please report it";
constexpr const char* kNoMemory =
    "the device has no such memory left; use a smaller model, fewer sequences or a shorter context";
constexpr const char* kLost = "the driver gave up; look into the system's log, then open the device again";

#define ISTHMUS_CL(NAME) NAME, #NAME
constexpr Meaning kMeanings[] = {
    {ISTHMUS_CL(CL_DEVICE_NOT_FOUND), Code::kNotFound, "there is no such device"},
    {ISTHMUS_CL(CL_DEVICE_NOT_AVAILABLE), Code::kUnavailable,
     "the device is busy or switched off; try later"},
    {ISTHMUS_CL(CL_COMPILER_NOT_AVAILABLE), Code::kUnimplemented,
     "the driver has no compiler; install the full driver"},
    {ISTHMUS_CL(CL_MEM_OBJECT_ALLOCATION_FAILURE), Code::kOutOfMemory, kNoMemory},
    {ISTHMUS_CL(CL_OUT_OF_RESOURCES), Code::kOutOfMemory,
     "the device ran out of memory or registers, or a kernel faulted; try with less memory in use"},
    {ISTHMUS_CL(CL_OUT_OF_HOST_MEMORY), Code::kOutOfMemory, "the host has no memory left for the driver"},
    {ISTHMUS_CL(CL_PROFILING_INFO_NOT_AVAILABLE), Code::kFailedPrecondition,
     "the event has no time yet; wait for it first"},
    {ISTHMUS_CL(CL_MEM_COPY_OVERLAP), Code::kInternal, kOurs},
    {ISTHMUS_CL(CL_BUILD_PROGRAM_FAILURE), Code::kInternal, "the kernel does not compile; see the log"},
    {ISTHMUS_CL(CL_MAP_FAILURE), Code::kOutOfMemory,
     "the host cannot see that memory; allocate less pinned memory"},
    {ISTHMUS_CL(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST), Code::kDeviceLost,
     "work it waited for failed before"},
    {ISTHMUS_CL(CL_COMPILE_PROGRAM_FAILURE), Code::kInternal, "the kernel does not compile; see the log"},
    {ISTHMUS_CL(CL_LINKER_NOT_AVAILABLE), Code::kUnimplemented,
     "the driver has no linker; install the full driver"},
    {ISTHMUS_CL(CL_LINK_PROGRAM_FAILURE), Code::kInternal, "the kernel does not link; see the log"},
    {ISTHMUS_CL(CL_INVALID_VALUE), Code::kInternal, kOurs},
    {ISTHMUS_CL(CL_INVALID_DEVICE), Code::kInternal, kOurs},
    {ISTHMUS_CL(CL_INVALID_CONTEXT), Code::kDeviceLost, kLost},
    {ISTHMUS_CL(CL_INVALID_QUEUE_PROPERTIES), Code::kUnimplemented,
     "the device has no such queues; unset ISTHMUS_OPENCL_ORDER"},
    {ISTHMUS_CL(CL_INVALID_COMMAND_QUEUE), Code::kDeviceLost, kLost},
    {ISTHMUS_CL(CL_INVALID_HOST_PTR), Code::kInvalidArgument, "the driver cannot use that host memory"},
    {ISTHMUS_CL(CL_INVALID_MEM_OBJECT), Code::kInternal, kOurs},
    {ISTHMUS_CL(CL_INVALID_BINARY), Code::kDataLoss, "a stored kernel is not for this driver"},
    {ISTHMUS_CL(CL_INVALID_BUILD_OPTIONS), Code::kInvalidArgument,
     "the compiler does not know these options"},
    {ISTHMUS_CL(CL_INVALID_PROGRAM), Code::kInternal, kOurs},
    {ISTHMUS_CL(CL_INVALID_PROGRAM_EXECUTABLE), Code::kInternal, kOurs},
    {ISTHMUS_CL(CL_INVALID_KERNEL_NAME), Code::kInvalidArgument, "the source has no kernel of that name"},
    {ISTHMUS_CL(CL_INVALID_KERNEL_DEFINITION), Code::kInternal, kOurs},
    {ISTHMUS_CL(CL_INVALID_KERNEL), Code::kInternal, kOurs},
    {ISTHMUS_CL(CL_INVALID_ARG_INDEX), Code::kInvalidArgument, "the kernel takes fewer arguments"},
    {ISTHMUS_CL(CL_INVALID_ARG_VALUE), Code::kInvalidArgument, "the kernel takes no such argument there"},
    {ISTHMUS_CL(CL_INVALID_ARG_SIZE), Code::kInvalidArgument, "the kernel's argument has another size there"},
    {ISTHMUS_CL(CL_INVALID_KERNEL_ARGS), Code::kInvalidArgument, "the kernel takes more arguments"},
    {ISTHMUS_CL(CL_INVALID_WORK_DIMENSION), Code::kInternal, kOurs},
    {ISTHMUS_CL(CL_INVALID_WORK_GROUP_SIZE), Code::kUnimplemented,
     "the device cannot run work groups of that size"},
    {ISTHMUS_CL(CL_INVALID_WORK_ITEM_SIZE), Code::kUnimplemented,
     "the device cannot run work groups of that shape"},
    {ISTHMUS_CL(CL_INVALID_GLOBAL_OFFSET), Code::kInternal, kOurs},
    {ISTHMUS_CL(CL_INVALID_EVENT_WAIT_LIST), Code::kInternal, kOurs},
    {ISTHMUS_CL(CL_INVALID_EVENT), Code::kInternal, kOurs},
    {ISTHMUS_CL(CL_INVALID_OPERATION), Code::kUnimplemented, "the driver does not support it"},
    {ISTHMUS_CL(CL_INVALID_BUFFER_SIZE), Code::kOutOfMemory,
     "one buffer of the device cannot be that big; use a smaller model or a shorter context"},
    {ISTHMUS_CL(CL_INVALID_GLOBAL_WORK_SIZE), Code::kUnimplemented,
     "the device cannot count that many work items"},
    {ISTHMUS_CL(CL_INVALID_PROPERTY), Code::kInternal, kOurs},
    {ISTHMUS_CL(CL_INVALID_COMPILER_OPTIONS), Code::kInvalidArgument,
     "the compiler does not know these options"},
    {kPlatformNotFound, "CL_PLATFORM_NOT_FOUND_KHR", Code::kNotFound,
     "no OpenCL driver is installed; Debian has pocl-opencl-icd"},
};
#undef ISTHMUS_CL

}  // namespace

const Api* find_api() {
  static const Api* const api = []() -> const Api* {
    void* library = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) return nullptr;
    auto* found = new Api;
#define ISTHMUS_OPENCL_FIND(NAME) found->NAME = reinterpret_cast<decltype(&::NAME)>(dlsym(library, #NAME));
    ISTHMUS_OPENCL_FUNCTIONS(ISTHMUS_OPENCL_FIND)
    ISTHMUS_OPENCL_OPTIONAL_FUNCTIONS(ISTHMUS_OPENCL_FIND)
#undef ISTHMUS_OPENCL_FIND
#define ISTHMUS_OPENCL_NEED(NAME) \
  if (!found->NAME) return nullptr;
    ISTHMUS_OPENCL_FUNCTIONS(ISTHMUS_OPENCL_NEED)
#undef ISTHMUS_OPENCL_NEED
    return found;
  }();
  return api;
}

Status check(cl_int code, const std::string& doing) {
  if (code == CL_SUCCESS) return ok();
  for (const Meaning& m : kMeanings)
    if (m.code == code) return error(m.status, "{} failed: {} ({}, {})", doing, m.sentence, m.name, code);
  return error(Code::kInternal,
               "{} failed with code {}, which OpenCL does not name; the driver's own documentation may",
               doing, code);
}

}  // namespace isthmus::opencl
