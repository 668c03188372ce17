// SPDX-License-Identifier: Apache-2.0
// OpenCL devices of this machine, and one of them opened.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "devices/opencl/program.h"

namespace isthmus::opencl {

struct DeviceId {
  cl_platform_id platform;
  cl_device_id device;
};

// Every usable device of every platform, in the loader's order; empty without a loader, a driver or a device.
// Looked for once.
const std::vector<DeviceId>& find_devices();

class Device {
 public:
  // Reads ISTHMUS_OPENCL_SVM (0: buffers; 1: shared virtual memory; unset: the latter where there is some),
  // ISTHMUS_OPENCL_ORDER (in, out: the kind of queues; unset: in) and ISTHMUS_OPENCL_VECTOR (4, 8, 16: floats
  // of a work item; unset: what the device says).
  static Result<std::unique_ptr<Device>> open(const isthmus_host_t& host, int32_t index);
  ~Device();
  Device(const Device&) = delete;

  Memory& memory() { return *memory_; }
  isthmus_device_properties_t properties() const;
  Result<std::unique_ptr<Stream>> create_stream();
  Result<std::unique_ptr<Event>> create_event() { return std::make_unique<Event>(*cl_); }
  Result<std::unique_ptr<Kernel>> build(const std::string& language, const std::string& source,
                                        const std::string& options, const std::string& entry);

 private:
  Device() = default;
  Status read_properties(const DeviceId& id);
  Status choose_modes();

  const Api* cl_ = nullptr;
  cl_device_id id_ = nullptr;
  cl_context context_ = nullptr;
  std::string name_, architecture_, identity_, build_options_;
  uint64_t memory_bytes_ = 0, alignment_bytes_ = 64;
  uint32_t features_ = 0;
  int32_t units_ = 1, vector_floats_ = 1;
  bool svm_ = false, out_of_order_ = false;
  std::unique_ptr<Memory> memory_;
  std::unique_ptr<Programs> programs_;
};

}  // namespace isthmus::opencl
