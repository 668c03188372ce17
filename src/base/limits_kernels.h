// SPDX-License-Identifier: Apache-2.0
// The instruction loops behind limits.h that this processor can run; internal to base.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace isthmus {

struct PeakKernel {
  std::string_view how;
  double operations_per_step;
  void (*run)(int steps);
};

// Reads every byte of a range whose size is a multiple of 4 KiB.
using ReadKernel = void (*)(const char* data, size_t bytes);

// The fastest first; never empty.
std::vector<PeakKernel> int8_kernels();
std::vector<PeakKernel> bf16_kernels();
std::vector<PeakKernel> f32_kernels();
ReadKernel read_kernel();

}  // namespace isthmus
