// SPDX-License-Identifier: Apache-2.0
#include "devices/cuda/cuda.h"

#include <dlfcn.h>

#include <memory>

namespace isthmus::cuda {
namespace {

struct Meaning {
  int code;
  const char* name;
  Code status;
  const char* sentence;  // what it means and what to do
};

constexpr const char* kOurs = "this is a mistake of the CUDA plug-in, please report it";
constexpr const char* kFaulted =
    "a kernel faulted, and the device refuses all work of this process from now on; start the process again";
constexpr const char* kCapture = "that cannot be captured; run it without capture";

constexpr Meaning kMeanings[] = {
    {1, "CUDA_ERROR_INVALID_VALUE", Code::kInvalidArgument,
     "an address, a size or an argument lies outside of what the device knows"},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", Code::kOutOfMemory,
     "the device has no such memory left; use a smaller model, fewer sequences or a shorter context"},
    {3, "CUDA_ERROR_NOT_INITIALIZED", Code::kUnavailable, "the driver is not started"},
    {4, "CUDA_ERROR_DEINITIALIZED", Code::kUnavailable, "the process is ending, and the driver is gone"},
    {36, "CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER", Code::kUnimplemented, "the driver is too old; renew it"},
    {46, "CUDA_ERROR_DEVICE_UNAVAILABLE", Code::kUnavailable,
     "another process has the device for itself; try later"},
    {100, "CUDA_ERROR_NO_DEVICE", Code::kNotFound, "the driver sees no device; look at CUDA_VISIBLE_DEVICES"},
    {101, "CUDA_ERROR_INVALID_DEVICE", Code::kNotFound, "there is no such device"},
    {200, "CUDA_ERROR_INVALID_IMAGE", Code::kDataLoss, "the compiled kernel is damaged"},
    {201, "CUDA_ERROR_INVALID_CONTEXT", Code::kDeviceLost, kFaulted},
    {209, "CUDA_ERROR_NO_BINARY_FOR_GPU", Code::kUnimplemented,
     "the kernel was compiled for other devices; renew NVRTC"},
    {214, "CUDA_ERROR_ECC_UNCORRECTABLE", Code::kDeviceLost, "the device's memory is damaged; replace it"},
    {218, "CUDA_ERROR_INVALID_PTX", Code::kInternal, "the driver does not take the compiled kernel"},
    {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", Code::kUnimplemented,
     "NVRTC is newer than the driver; renew the driver or use an older NVRTC"},
    {400, "CUDA_ERROR_INVALID_HANDLE", Code::kFailedPrecondition,
     "the event was never recorded, or what it belongs to is gone"},
    {401, "CUDA_ERROR_ILLEGAL_STATE", Code::kFailedPrecondition,
     "it does not fit what was done before, such as a capture begun twice or ended without a begin"},
    {500, "CUDA_ERROR_NOT_FOUND", Code::kInvalidArgument, "the source has no kernel of that name"},
    {600, "CUDA_ERROR_NOT_READY", Code::kFailedPrecondition, "the work is not done yet; wait for it first"},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS", Code::kDeviceLost, kFaulted},
    {701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", Code::kUnimplemented,
     "the device has too few registers or too little local memory for work groups of that size"},
    {702, "CUDA_ERROR_LAUNCH_TIMEOUT", Code::kDeviceLost,
     "a kernel ran longer than a device with a display allows; start the process again"},
    {709, "CUDA_ERROR_CONTEXT_IS_DESTROYED", Code::kDeviceLost,
     "another part of the process reset the device"},
    {710, "CUDA_ERROR_ASSERT", Code::kDeviceLost, kFaulted},
    {712, "CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED", Code::kFailedPrecondition,
     "some of these host pages are imported already"},
    {713, "CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED", Code::kInternal, kOurs},
    {714, "CUDA_ERROR_HARDWARE_STACK_ERROR", Code::kDeviceLost, kFaulted},
    {715, "CUDA_ERROR_ILLEGAL_INSTRUCTION", Code::kDeviceLost, kFaulted},
    {716, "CUDA_ERROR_MISALIGNED_ADDRESS", Code::kDeviceLost, kFaulted},
    {717, "CUDA_ERROR_INVALID_ADDRESS_SPACE", Code::kDeviceLost, kFaulted},
    {718, "CUDA_ERROR_INVALID_PC", Code::kDeviceLost, kFaulted},
    {719, "CUDA_ERROR_LAUNCH_FAILED", Code::kDeviceLost, kFaulted},
    {800, "CUDA_ERROR_NOT_PERMITTED", Code::kFailedPrecondition, "the driver does not allow it here"},
    {801, "CUDA_ERROR_NOT_SUPPORTED", Code::kUnimplemented, "the device does not support it"},
    {802, "CUDA_ERROR_SYSTEM_NOT_READY", Code::kUnavailable,
     "the system is not ready; is NVIDIA's fabric manager running?"},
    {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", Code::kUnavailable,
     "the driver's library and its kernel module differ in version; restart the machine"},
    {900, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", Code::kUnimplemented, kCapture},
    {901, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", Code::kFailedPrecondition, kCapture},
    {904, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED", Code::kFailedPrecondition,
     "another stream was drawn into the capture and did not come back; record an event on it and wait for "
     "it"},
    {905, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION", Code::kFailedPrecondition,
     "captured work cannot wait for work outside of the capture"},
    {906, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT", Code::kFailedPrecondition, kCapture},
    {907, "CUDA_ERROR_CAPTURED_EVENT", Code::kFailedPrecondition, "the event belongs to a capture"},
    {999, "CUDA_ERROR_UNKNOWN", Code::kDeviceLost,
     "the driver does not say more; look into the system's log"},
};

struct Found {
  const Api* api = nullptr;
  std::string why;  // there is none
};

const Found& find() {
  static const Found found = []() -> Found {
    void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) return {nullptr, fmt::format("{} (is NVIDIA's driver installed?)", dlerror())};
    auto found = std::make_unique<Api>();
#define ISTHMUS_CUDA_FIND(MEMBER, NAME, PARAMETERS) \
  found->MEMBER = reinterpret_cast<decltype(found->MEMBER)>(dlsym(library, #NAME));
#define ISTHMUS_CUDA_NEED(MEMBER, NAME, PARAMETERS) \
  if (!found->MEMBER) return {nullptr, "libcuda.so.1 lacks " #NAME ": the driver is too old; renew it"};
    ISTHMUS_CUDA_FUNCTIONS(ISTHMUS_CUDA_FIND)
    ISTHMUS_CUDA_OPTIONAL_FUNCTIONS(ISTHMUS_CUDA_FIND)
    ISTHMUS_CUDA_FUNCTIONS(ISTHMUS_CUDA_NEED)
#undef ISTHMUS_CUDA_FIND
#undef ISTHMUS_CUDA_NEED
    const int code = found->init(0);
    if (code == kSuccess) return {found.release(), {}};
    for (const Meaning& m : kMeanings)
      if (m.code == code) return {nullptr, fmt::format("{} ({})", m.sentence, m.name)};
    return {nullptr, fmt::format("the driver did not start (code {})", code)};
  }();
  return found;
}

}  // namespace

const Api* find_api() { return find().api; }
const std::string& why_no_api() { return find().why; }

Status check(int code, const std::string& doing) {
  if (code == kSuccess) return ok();
  for (const Meaning& m : kMeanings)
    if (m.code == code) return error(m.status, "{} failed: {} ({}, {})", doing, m.sentence, m.name, code);
  const char *name = nullptr, *text = nullptr;
  if (const Api* cuda = find_api()) {
    cuda->error_name(code, &name);
    cuda->error_string(code, &text);
  }
  return error(Code::kInternal, "{} failed: {} ({}, {})", doing,
               text ? text : "the driver has no words for it", name ? name : "no name", code);
}

}  // namespace isthmus::cuda
