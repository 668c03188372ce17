// SPDX-License-Identifier: Apache-2.0
// Kernels: CUDA C++ compiled by NVRTC once per source, launched on streams.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "devices/cuda/nvrtc.h"
#include "devices/cuda/stream.h"
#include "devices/kept_programs.h"

namespace isthmus::cuda {

// What the device allows of a launch.
struct Limits {
  uint32_t threads = 1024;                          // of a group
  uint32_t groups[3] = {0x7fffffff, 65535, 65535};  // in each dimension
};

// One entry of a program. Thread-safe.
class Kernel {
 public:
  Status launch(const uint32_t groups[3], const uint32_t group_size[3],
                const isthmus_kernel_argument_t* arguments, int32_t count, Stream& stream) const;

 private:
  friend class Programs;
  CUfunction function_ = nullptr;
  std::string entry_;
  Limits limits_;
  std::vector<size_t> parameters_;  // bytes of each, empty where the driver does not tell
};

// The programs of one device. Thread-safe.
class Programs {
 public:
  Programs(const Shared& shared, int capability, Limits limits)
      : shared_(shared), capability_(capability), limits_(limits) {}
  ~Programs();
  Programs(const Programs&) = delete;
  Result<std::unique_ptr<Kernel>> build(const std::string& source, const std::string& options,
                                        const std::string& entry);

 private:
  Result<CUmodule> find_or_build(const std::string& source, const std::string& options);
  Result<CUmodule> load(const std::string& image) const;

  const Shared& shared_;
  const int capability_;
  const Limits limits_;
  devices::KeptPrograms kept_{"cuda"};
  std::mutex mutex_;
  std::map<std::string, CUmodule> modules_;  // by options and source
};

}  // namespace isthmus::cuda
