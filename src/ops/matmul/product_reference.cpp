// SPDX-License-Identifier: Apache-2.0
#include "ops/matmul/product_reference.h"

#include <cmath>

#include "base/block_integers.h"
#include "base/half.h"

namespace isthmus {

const void* weight_row(const Tensor& weight, int64_t n) {
  return weight.as<unsigned char>() + dtype_bytes(weight.dtype, n * weight.strides[0]);
}

float accumulate_block(Dtype weight, const void* row, int64_t block, const QuantizedBlock (&x)[2],
                       float acc) {
  BlockIntegers b;
  read_block_integers(weight, row, block, &b);
  float dot[2], sum[2];
  for (int h = 0; h < 2; ++h) {
    int32_t exact = 0;
    for (int i = 0; i < kQuantizedBlock; ++i) exact += b.w[kQuantizedBlock * h + i] * x[h].q[i];
    dot[h] = static_cast<float>(exact);
    sum[h] = static_cast<float>(x[h].sum);
  }
  // Products of d or m with the integer scales are exact.
  if (weight == Dtype::kQ2_K || weight == Dtype::kQ3_K || weight == Dtype::kQ6_K) {
    for (int h = 0; h < 2; ++h)
      acc = std::fma(dot[h] * x[h].scale, b.d * static_cast<float>(b.scale[h]), acc);
    for (int h = 0; h < 2 && weight == Dtype::kQ2_K; ++h)
      acc = std::fma(sum[h] * x[h].scale, -(b.m * static_cast<float>(b.min[h])), acc);
    return acc;
  }
  const auto both = [&](const float(&value)[2]) {
    return std::fma(value[1], x[1].scale, value[0] * x[0].scale);
  };
  acc = std::fma(both(dot), b.d * static_cast<float>(b.scale[0]), acc);
  switch (weight) {
    case Dtype::kQ4_1:
    case Dtype::kQ5_1: return std::fma(both(sum), b.m, acc);
    case Dtype::kQ4_K:
    case Dtype::kQ5_K: return std::fma(both(sum), -(b.m * static_cast<float>(b.min[0])), acc);
    default: return acc;
  }
}

float load_float(Dtype dtype, const void* data, int64_t index) {
  switch (dtype) {
    case Dtype::kF16: return f16_to_f32(static_cast<const uint16_t*>(data)[index]);
    case Dtype::kBF16: return bf16_to_f32(static_cast<const uint16_t*>(data)[index]);
    default: return static_cast<const float*>(data)[index];
  }
}

void store_float(Dtype dtype, void* data, int64_t index, float value) {
  switch (dtype) {
    case Dtype::kF16: static_cast<uint16_t*>(data)[index] = f32_to_f16(value); break;
    case Dtype::kBF16: static_cast<uint16_t*>(data)[index] = f32_to_bf16(value); break;
    default: static_cast<float*>(data)[index] = value;
  }
}

float rounded_to_bf16(float x) { return bf16_to_f32(f32_to_bf16(x)); }

}  // namespace isthmus
