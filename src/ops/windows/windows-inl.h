// SPDX-License-Identifier: Apache-2.0
// Where windows lie, in plain numbers: for references, CPU kernels and the host's side of portable ones.
#pragma once

#include <cstdint>

namespace isthmus {

inline constexpr int kMaxWindowAxes = 3;

// Number d of the spatial axes is axis 2 + d of the tensor.
struct Windows {
  int32_t axes;
  int64_t size[kMaxWindowAxes];  // of the window
  int64_t stride[kMaxWindowAxes], dilation[kMaxWindowAxes];
  int64_t before[kMaxWindowAxes], after[kMaxWindowAxes];  // padding

  __attribute__((always_inline)) int64_t taps() const {
    int64_t n = 1;
    for (int d = 0; d < axes; ++d) n *= size[d];
    return n;
  }
  // Coordinate along axis d that place k of window o covers; outside of the tensor in the padding.
  __attribute__((always_inline)) int64_t at(int d, int64_t o, int64_t k) const {
    return o * stride[d] + k * dilation[d] - before[d];
  }
};

}  // namespace isthmus
