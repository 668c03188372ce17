// SPDX-License-Identifier: Apache-2.0
// Kernels: built from source once, kept as the driver's binaries on disk, launched on streams.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "devices/kept_programs.h"
#include "devices/opencl/stream.h"

namespace isthmus::opencl {

// One entry of a program. Thread-safe: OpenCL keeps arguments in the kernel, so a launch is a critical
// section.
class Kernel {
 public:
  Kernel(const Api& cl, cl_kernel kernel, std::string entry, uint64_t largest_group)
      : cl_(cl), kernel_(kernel), entry_(std::move(entry)), largest_group_(largest_group) {}
  ~Kernel() { cl_.clReleaseKernel(kernel_); }
  Kernel(const Kernel&) = delete;
  Status launch(const uint32_t groups[3], const uint32_t group_size[3],
                const isthmus_kernel_argument_t* arguments, int32_t count, Stream& stream);

 private:
  Status set_arguments(const isthmus_kernel_argument_t* arguments, int32_t count, const Memory& memory);

  const Api& cl_;
  cl_kernel kernel_;
  std::string entry_;
  uint64_t largest_group_;
  std::mutex mutex_;
};

// The programs of one device. Thread-safe.
class Programs {
 public:
  // identity: names device and driver, so that a binary is never given to another one.
  Programs(const Api& cl, cl_context context, cl_device_id device, std::string identity);
  ~Programs();
  Programs(const Programs&) = delete;
  Result<std::unique_ptr<Kernel>> build(const std::string& source, const std::string& options,
                                        const std::string& entry);

 private:
  Result<cl_program> find_or_build(const std::string& source, const std::string& options);
  Result<cl_program> compile(const std::string& source, const std::string& options);
  cl_program load(const std::string& key, const std::string& options) const;
  void store(const std::string& key, cl_program program) const;

  const Api& cl_;
  cl_context context_;
  cl_device_id device_;
  std::string identity_;
  devices::KeptPrograms kept_{"opencl"};
  std::mutex mutex_;
  std::map<std::string, cl_program> programs_;  // by options and source
};

}  // namespace isthmus::opencl
