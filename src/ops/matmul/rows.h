// SPDX-License-Identifier: Apache-2.0
// Tensors seen as rows: all dimensions but the last counted in row-major order.
#pragma once

#include "base/tensor.h"

namespace isthmus {

inline int64_t row_count(const Tensor& t) {
  int64_t n = 1;
  for (int i = 0; i + 1 < t.rank; ++i) n *= t.dims[i];
  return n;
}

inline int64_t row_offset(const Tensor& t, int64_t row) {
  int64_t offset = 0;
  for (int i = t.rank - 2; i >= 0; --i) {
    offset += row % t.dims[i] * t.strides[i];
    row /= t.dims[i];
  }
  return offset;
}

inline int64_t last_stride(const Tensor& t) { return t.rank ? t.strides[t.rank - 1] : 1; }

}  // namespace isthmus
