// SPDX-License-Identifier: Apache-2.0
// CUDA devices of this machine, and one of them opened.
#pragma once

#include <memory>
#include <string>

#include "devices/cuda/kernel.h"
#include "devices/cuda/memory.h"

namespace isthmus::cuda {

// Usable devices, in the driver's order; 0 without a driver or a device. Looked for once.
int32_t device_count();

class Device {
 public:
  static Result<std::unique_ptr<Device>> open(const isthmus_host_t& host, int32_t index);
  ~Device();
  Device(const Device&) = delete;

  Memory& memory() { return *memory_; }
  isthmus_device_properties_t properties() const;
  Result<std::unique_ptr<Stream>> create_stream() { return Stream::create(*shared_); }
  Result<std::unique_ptr<Event>> create_event() { return Event::create(*shared_); }
  Result<std::unique_ptr<Kernel>> build(const std::string& language, const std::string& source,
                                        const std::string& options, const std::string& entry);

 private:
  Device() = default;
  Status read_properties(int32_t index);
  Status make_pool();
  int attribute(int which) const;

  CUdevice id_ = 0;
  std::unique_ptr<Shared> shared_;
  std::string name_, architecture_;
  uint64_t memory_bytes_ = 0;
  uint32_t features_ = 0;
  std::unique_ptr<Memory> memory_;
  std::unique_ptr<Programs> programs_;
};

}  // namespace isthmus::cuda
