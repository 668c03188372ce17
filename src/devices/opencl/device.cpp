// SPDX-License-Identifier: Apache-2.0
#include "devices/opencl/device.h"

#include <bit>
#include <cstdio>
#include <cstdlib>

namespace isthmus::opencl {
namespace {

constexpr const char* kLanguages[] = {"opencl-c-1.2", nullptr};

template <typename T>
T number(const Api& cl, cl_device_id device, cl_device_info what) {
  T value{};
  cl.clGetDeviceInfo(device, what, sizeof value, &value, nullptr);
  return value;
}

std::string text(const Api& cl, cl_device_id device, cl_device_info what) {
  size_t bytes = 0;
  cl.clGetDeviceInfo(device, what, 0, nullptr, &bytes);
  std::string value(bytes, '\0');
  cl.clGetDeviceInfo(device, what, bytes, value.data(), nullptr);
  while (!value.empty() && (value.back() == '\0' || value.back() == ' ')) value.pop_back();
  return value;
}

std::string platform_text(const Api& cl, cl_platform_id platform, cl_platform_info what) {
  size_t bytes = 0;
  cl.clGetPlatformInfo(platform, what, 0, nullptr, &bytes);
  std::string value(bytes, '\0');
  cl.clGetPlatformInfo(platform, what, bytes, value.data(), nullptr);
  while (!value.empty() && value.back() == '\0') value.pop_back();
  return value;
}

// OpenCL 1.2 brought fills, markers with lists and the division option; nothing older is of use.
bool usable(const Api& cl, cl_device_id device) {
  int major = 0, minor = 0;
  if (std::sscanf(text(cl, device, CL_DEVICE_VERSION).c_str(), "OpenCL %d.%d", &major, &minor) != 2)
    return false;
  return (major > 1 || minor >= 2) && number<cl_bool>(cl, device, CL_DEVICE_AVAILABLE) &&
         number<cl_bool>(cl, device, CL_DEVICE_COMPILER_AVAILABLE) &&
         number<cl_bool>(cl, device, CL_DEVICE_ENDIAN_LITTLE);
}

}  // namespace

const std::vector<DeviceId>& find_devices() {
  static const std::vector<DeviceId> found = [] {
    std::vector<DeviceId> devices;
    const Api* cl = find_api();
    cl_uint count = 0;
    if (!cl || cl->clGetPlatformIDs(0, nullptr, &count) != CL_SUCCESS || count == 0) return devices;
    std::vector<cl_platform_id> platforms(count);
    cl->clGetPlatformIDs(count, platforms.data(), nullptr);
    for (cl_platform_id platform : platforms) {
      cl_uint of_platform = 0;
      if (cl->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, nullptr, &of_platform) != CL_SUCCESS) continue;
      std::vector<cl_device_id> ids(of_platform);
      cl->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, of_platform, ids.data(), nullptr);
      for (cl_device_id id : ids)
        if (usable(*cl, id)) devices.push_back({platform, id});
    }
    return devices;
  }();
  return found;
}

Result<std::unique_ptr<Device>> Device::open(const isthmus_host_t&, int32_t index) {
  const std::vector<DeviceId>& all = find_devices();
  if (all.empty()) {
    cl_uint platforms = 0;
    const Api* cl = find_api();
    if (!cl) return error(Code::kNotFound, "no libOpenCL.so.1: Debian has it in ocl-icd-libopencl1");
    RETURN_IF_ERROR(check(cl->clGetPlatformIDs(0, nullptr, &platforms), "looking for drivers"));
    return error(Code::kNotFound, "no device of OpenCL 1.2 with a compiler; there are {} drivers", platforms);
  }
  if (index < 0 || static_cast<size_t>(index) >= all.size())
    return error(Code::kNotFound, "there is no OpenCL device number {}; this machine has {}", index,
                 all.size());
  std::unique_ptr<Device> device(new Device);
  device->cl_ = find_api();
  device->id_ = all[index].device;
  RETURN_IF_ERROR(device->read_properties(all[index]));
  RETURN_IF_ERROR(device->choose_modes());
  cl_int code = CL_SUCCESS;
  device->context_ = device->cl_->clCreateContext(nullptr, 1, &device->id_, nullptr, nullptr, &code);
  RETURN_IF_ERROR(check(code, fmt::format("making a context for {}", device->name_)));
  device->memory_ = std::make_unique<Memory>(*device->cl_, device->context_, device->id_, device->svm_);
  device->programs_ =
      std::make_unique<Programs>(*device->cl_, device->context_, device->id_, device->identity_);
  return device;
}

Device::~Device() {
  programs_.reset();
  memory_.reset();
  if (context_) cl_->clReleaseContext(context_);
}

Status Device::read_properties(const DeviceId& id) {
  const Api& cl = *cl_;
  const std::string chip = text(cl, id_, CL_DEVICE_NAME), version = text(cl, id_, CL_DEVICE_VERSION);
  const std::string platform = platform_text(cl, id.platform, CL_PLATFORM_NAME);
  name_ = fmt::format("{}, OpenCL of {}", chip, platform);
  architecture_ = "opencl-" + chip;
  identity_ = fmt::format("{}\n{}\n{}\n{}\n{}", platform, platform_text(cl, id.platform, CL_PLATFORM_VERSION),
                          chip, version, text(cl, id_, CL_DRIVER_VERSION));
  memory_bytes_ = number<cl_ulong>(cl, id_, CL_DEVICE_GLOBAL_MEM_SIZE);
  alignment_bytes_ =
      std::bit_ceil(std::max<uint64_t>(64, number<cl_uint>(cl, id_, CL_DEVICE_MEM_BASE_ADDR_ALIGN) / 8));
  vector_floats_ = static_cast<int32_t>(number<cl_uint>(cl, id_, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT));
  units_ = static_cast<int32_t>(number<cl_uint>(cl, id_, CL_DEVICE_MAX_COMPUTE_UNITS));
  features_ = ISTHMUS_FEATURE_EVENT_TIMING;
  if (number<cl_bool>(cl, id_, CL_DEVICE_HOST_UNIFIED_MEMORY)) features_ |= ISTHMUS_FEATURE_IMPORT;

  // What kernels may rely on, for the exact promise.
  const auto f32 = number<cl_device_fp_config>(cl, id_, CL_DEVICE_SINGLE_FP_CONFIG);
  const cl_device_fp_config exact = CL_FP_DENORM | CL_FP_INF_NAN | CL_FP_ROUND_TO_NEAREST | CL_FP_FMA;
  if ((f32 & exact) == exact) features_ |= ISTHMUS_FEATURE_KERNEL_EXACT;
  build_options_ = "-cl-std=CL1.2 -w";  // warnings would go to the program's stderr with some drivers
  if (f32 & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT) {
    features_ |= ISTHMUS_FEATURE_KERNEL_DIVISION;
    build_options_ += " -cl-fp32-correctly-rounded-divide-sqrt";
  }
  if (number<cl_device_fp_config>(cl, id_, CL_DEVICE_DOUBLE_FP_CONFIG))
    features_ |= ISTHMUS_FEATURE_KERNEL_F64;
  return ok();
}

Status Device::choose_modes() {
  const bool can_share = cl_->clSVMAlloc && cl_->clSVMFree && cl_->clEnqueueSVMMemcpy &&
                         cl_->clEnqueueSVMMemFill && cl_->clSetKernelArgSVMPointer &&
                         number<cl_device_svm_capabilities>(*cl_, id_, CL_DEVICE_SVM_CAPABILITIES) != 0;
  const char* svm = std::getenv("ISTHMUS_OPENCL_SVM");
  const std::string_view wanted = svm ? svm : "";
  if (wanted != "" && wanted != "0" && wanted != "1")
    return invalid_argument("ISTHMUS_OPENCL_SVM is '{}'; it is 0 or 1", wanted);
  if (wanted == "1" && !can_share)
    return unimplemented("ISTHMUS_OPENCL_SVM=1, but {} has no shared virtual memory; unset it", name_);
  svm_ = wanted == "" ? can_share : wanted == "1";
  if (const char* vector = std::getenv("ISTHMUS_OPENCL_VECTOR")) {
    const std::string_view floats = vector;
    vector_floats_ = floats == "4" ? 4 : floats == "8" ? 8 : floats == "16" ? 16 : 0;
    if (vector_floats_ == 0)
      return invalid_argument("ISTHMUS_OPENCL_VECTOR is '{}'; it is 4, 8 or 16", vector);
  }
  const char* order = std::getenv("ISTHMUS_OPENCL_ORDER");
  const std::string_view queues = order ? order : "in";
  if (queues != "in" && queues != "out")
    return invalid_argument("ISTHMUS_OPENCL_ORDER is '{}'; it is in or out", queues);
  out_of_order_ = queues == "out";
  return ok();
}

isthmus_device_properties_t Device::properties() const {
  isthmus_device_properties_t p{};
  p.size = sizeof p;
  p.name = name_.c_str();
  p.architecture = architecture_.c_str();
  p.memory_bytes = memory_bytes_;
  p.alignment_bytes = alignment_bytes_;
  p.features = features_;
  p.parallelism = units_;
  p.kernel_languages = kLanguages;
  p.kernel_vector_floats = vector_floats_;
  return p;
}

Result<std::unique_ptr<Stream>> Device::create_stream() {
  return Stream::create(*cl_, context_, id_, *memory_, out_of_order_);
}

Result<std::unique_ptr<Kernel>> Device::build(const std::string& language, const std::string& source,
                                              const std::string& options, const std::string& entry) {
  if (language != kLanguages[0])
    return unimplemented("kernels in '{}' cannot be built; this chip takes {}", language, kLanguages[0]);
  return programs_->build(source, options.empty() ? build_options_ : build_options_ + " " + options, entry);
}

}  // namespace isthmus::opencl
