// SPDX-License-Identifier: Apache-2.0
// Choices of the CPU chip that change its speed and no bit. Plain, for kernels; cpu_tuning.h says what each
// means.
#pragma once

#include <cstdint>

namespace isthmus {

enum CpuChoice {
  kAloneElements,
  kNarrowThreads,
  kPanelRows,
  kUnpackRows,
  kUnpackBlocks,
  kFetchOneRow,
  kFetchFewRows,
  kCpuChoices,  // their number
};

struct CpuTuning {
  int32_t values[kCpuChoices];
  int32_t operator[](CpuChoice choice) const { return values[choice]; }
};

}  // namespace isthmus
