// SPDX-License-Identifier: Apache-2.0
#include "devices/cpu/device.h"

#include <unistd.h>

#include <cstring>

#include "base/cpu_tuning.h"

namespace isthmus::cpu {
namespace {

// The host as this version knows it: fields beyond its size are zero.
isthmus_host_t known(const isthmus_host_t& given) {
  isthmus_host_t host{};
  std::memcpy(&host, &given, given.size < sizeof host ? given.size : sizeof host);
  return host;
}

}  // namespace

Device::Device(const isthmus_host_t& host, const IsaKernels* isa)
    : pool_(known(host)), memory_(pool_.host()), isa_(isa) {
  const int threads = pool_.thread_count();
  name_ = fmt::format("{}, {} thread{}, {}", cpu_model(), threads, threads == 1 ? "" : "s", isa->isa);
#if defined(__x86_64__)
  architecture_ = std::string("x86_64-") + isa->isa;
#elif defined(__aarch64__)
  architecture_ = std::string("aarch64-") + isa->isa;
#else
  architecture_ = isa->isa;
#endif
}

Result<std::unique_ptr<Device>> Device::open(const isthmus_host_t& host, int32_t index) {
  if (index != 0) return error(Code::kNotFound, "the CPU chip has one device, number 0");
  const char* reason = nullptr;
  const IsaKernels* isa = choose_isa(&reason);
  if (!isa) return invalid_argument("{}", reason);
  std::unique_ptr<Device> device(new Device(host, isa));
  ASSIGN_OR_RETURN(device->tuning_, load_cpu_tuning(cpu_tuning_path(isa->isa, device->pool_.thread_count())));
  return device;
}

isthmus_device_properties_t Device::properties() const {
  isthmus_device_properties_t p{};
  p.size = sizeof p;
  p.name = name_.c_str();
  p.architecture = architecture_.c_str();
  p.memory_bytes =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
  p.alignment_bytes = kAlignment;
  p.features = ISTHMUS_FEATURE_HOST_ACCESS | ISTHMUS_FEATURE_IMPORT | ISTHMUS_FEATURE_CAPTURE |
               ISTHMUS_FEATURE_EXACT | ISTHMUS_FEATURE_EVENT_TIMING;
  p.parallelism = pool_.thread_count();
  return p;
}

}  // namespace isthmus::cpu
