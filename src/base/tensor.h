// SPDX-License-Identifier: Apache-2.0
// A view of a tensor in host memory: what reference loops and CPU kernels read and write.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/dtype.h"
#include "isthmus/plugin.h"

namespace isthmus {

inline constexpr int kMaxRank = ISTHMUS_MAX_RANK;

// Owns nothing. Strides count elements; block dtypes have innermost stride 1 and rows that are whole blocks.
struct Tensor {
  void* data = nullptr;  // of element 0; null for an absent optional operand
  Dtype dtype = Dtype::kInvalid;
  int rank = 0;
  int64_t dims[kMaxRank] = {};
  int64_t strides[kMaxRank] = {};

  bool present() const { return dtype != Dtype::kInvalid; }
  int64_t elements() const {
    int64_t n = 1;
    for (int i = 0; i < rank; ++i) n *= dims[i];
    return n;
  }
  // Element offset of an index; for plain dtypes.
  int64_t offset(const int64_t* index) const {
    int64_t at = 0;
    for (int i = 0; i < rank; ++i) at += index[i] * strides[i];
    return at;
  }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data);
  }
};

// Row-major strides of dims.
inline void contiguous_strides(const int64_t* dims, int rank, int64_t* strides) {
  int64_t step = 1;
  for (int i = rank - 1; i >= 0; --i) {
    strides[i] = step;
    step *= dims[i];
  }
}

inline bool is_contiguous(const Tensor& t) {
  int64_t step = 1;
  for (int i = t.rank - 1; i >= 0; --i) {
    if (t.dims[i] != 1 && t.strides[i] != step) return false;
    step *= t.dims[i];
  }
  return true;
}

}  // namespace isthmus
