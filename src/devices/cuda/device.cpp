// SPDX-License-Identifier: Apache-2.0
#include "devices/cuda/device.h"

namespace isthmus::cuda {
namespace {

constexpr const char* kLanguages[] = {"cuda-c++", nullptr};
constexpr uint64_t kAlignment = 256;  // of every allocation, says the driver's documentation

}  // namespace

int32_t device_count() {
  static const int32_t count = [] {
    const Api* cuda = find_api();
    int found = 0;
    return cuda && cuda->device_count(&found) == kSuccess ? found : 0;
  }();
  return count;
}

Result<std::unique_ptr<Device>> Device::open(const isthmus_host_t&, int32_t index) {
  if (!find_api()) return error(Code::kNotFound, "{}", why_no_api());
  if (index < 0 || index >= device_count())
    return error(Code::kNotFound, "there is no CUDA device number {}; this machine has {}", index,
                 device_count());
  std::unique_ptr<Device> device(new Device);
  device->shared_.reset(new Shared{*find_api()});
  Shared& shared = *device->shared_;
  RETURN_IF_ERROR(
      check(shared.cuda.device_get(&device->id_, index), fmt::format("finding CUDA device {}", index)));
  RETURN_IF_ERROR(device->read_properties(index));
  // The primary context is what everybody else in the process uses: addresses can be passed on.
  RETURN_IF_ERROR(check(shared.cuda.context_retain(&shared.context, device->id_),
                        fmt::format("making a context for {}", device->name_)));
  RETURN_IF_ERROR(device->make_pool());
  ASSIGN_OR_RETURN(device->memory_, Memory::create(shared, device->attribute(kReadOnlyRegistration) != 0));
  Limits limits;
  limits.threads = static_cast<uint32_t>(device->attribute(kMaxThreadsPerBlock));
  for (int d = 0; d < 3; ++d) limits.groups[d] = static_cast<uint32_t>(device->attribute(kMaxGridX + d));
  device->programs_ = std::make_unique<Programs>(
      shared, device->attribute(kCapabilityMajor) * 10 + device->attribute(kCapabilityMinor), limits);
  return device;
}

Device::~Device() {
  programs_.reset();
  memory_.reset();
  if (!shared_ || !shared_->context) return;
  if (shared_->pool) {
    const auto current = shared_->enter();
    shared_->cuda.pool_destroy(shared_->pool);
  }
  shared_->cuda.context_release(id_);
}

int Device::attribute(int which) const {
  int value = 0;
  shared_->cuda.device_attribute(&value, which, id_);
  return value;
}

Status Device::read_properties(int32_t index) {
  const Api& cuda = shared_->cuda;
  char name[256] = "";
  size_t bytes = 0;
  int driver = 0;
  RETURN_IF_ERROR(
      check(cuda.device_name(name, sizeof name - 1, id_), fmt::format("asking for CUDA device {}", index)));
  RETURN_IF_ERROR(check(cuda.device_memory(&bytes, id_), fmt::format("asking for the memory of {}", name)));
  cuda.driver_version(&driver);
  const int major = attribute(kCapabilityMajor), minor = attribute(kCapabilityMinor);
  if (!attribute(kUnifiedAddressing))
    return unimplemented("{} has no addresses in common with the host, which this plug-in needs", name);
  name_ = fmt::format("{}, CUDA {}.{}, driver for CUDA {}.{}", name, major, minor, driver / 1000,
                      driver % 1000 / 10);
  architecture_ = fmt::format("cuda-sm_{}{}", major, minor);
  memory_bytes_ = bytes;
  // Every device NVRTC 12 compiles for rounds + - * / fma and sqrt correctly, keeps subnormals, and has F64.
  features_ = ISTHMUS_FEATURE_CAPTURE | ISTHMUS_FEATURE_EVENT_TIMING | ISTHMUS_FEATURE_KERNEL_EXACT |
              ISTHMUS_FEATURE_KERNEL_DIVISION | ISTHMUS_FEATURE_KERNEL_F64;
  // Others would read imported pages over the bus, at every use: a copy is better.
  if (attribute(kIntegrated)) features_ |= ISTHMUS_FEATURE_IMPORT;
  return ok();
}

// A pool of our own: the device's default pool belongs to whoever else uses CUDA in the process. It keeps
// what is freed.
Status Device::make_pool() {
  const Api& cuda = shared_->cuda;
  if (!attribute(kMemoryPools) || !cuda.pool_create || !cuda.pool_destroy || !cuda.pool_set ||
      !cuda.pool_allocate || !cuda.pool_free)
    return ok();
  const auto current = shared_->enter();
  CUmemPoolProps properties{};
  properties.allocation_type = kAllocationPinned;
  properties.location_type = kLocationDevice;
  properties.location = id_;
  RETURN_IF_ERROR(check(cuda.pool_create(&shared_->pool, &properties), "making a memory pool"));
  uint64_t keep = UINT64_MAX;
  return check(cuda.pool_set(shared_->pool, kPoolReleaseThreshold, &keep), "setting up a memory pool");
}

isthmus_device_properties_t Device::properties() const {
  isthmus_device_properties_t p{};
  p.size = sizeof p;
  p.name = name_.c_str();
  p.architecture = architecture_.c_str();
  p.memory_bytes = memory_bytes_;
  p.alignment_bytes = kAlignment;
  p.features = features_;
  p.parallelism = attribute(kMultiprocessors);
  p.kernel_languages = kLanguages;
  return p;
}

Result<std::unique_ptr<Kernel>> Device::build(const std::string& language, const std::string& source,
                                              const std::string& options, const std::string& entry) {
  if (language != kLanguages[0])
    return unimplemented("kernels in '{}' cannot be built; this chip takes {}", language, kLanguages[0]);
  return programs_->build(source, options, entry);
}

}  // namespace isthmus::cuda
