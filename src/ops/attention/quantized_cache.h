// SPDX-License-Identifier: Apache-2.0
// What a Q8_0 cache is (docs/decisions/0001-numerics.md, Attention): an I8 tensor of numbers beside an F16
// tensor of scales, one for each 32 numbers along a head.
#pragma once

#include <cstdint>
#include <vector>

#include "base/tensor.h"
#include "ops/op_def.h"

namespace isthmus {

inline constexpr int kCacheScaleBlock = 32;  // numbers that share a scale

// What keys and values are stored as; I8 is Q8_0.
const std::vector<Dtype>& cache_dtypes();

// Whether `scales` fits `cache`, whose dimension `axis` runs along a head: present for I8 and only then.
Status check_cache_scales(const char* name, const TensorType& cache, const TensorType& scales, int axis);

struct QuantizedCacheBlock {
  uint16_t scale;  // F16
  int8_t q[kCacheScaleBlock];
};
QuantizedCacheBlock quantize_cache_block(const float* x);

// The number at [block, head, …, …] of a cache, in F32; `scales` may be absent.
float cached_f32(const Tensor& cache, const Tensor& scales, const int64_t (&at)[4], int axis);

}  // namespace isthmus
