// SPDX-License-Identifier: Apache-2.0
#include "ops/matmul/product_reference.h"

#include <cmath>

#include "base/block_integers.h"
#include "base/half.h"

namespace isthmus {

const void* weight_row(const Tensor& weight, int64_t n) {
  return weight.as<unsigned char>() + dtype_bytes(weight.dtype, n * weight.strides[0]);
}

float accumulate_block(Dtype weight, const void* row, int64_t block, const int8_t* q, float scale,
                       int32_t sum, float acc) {
  BlockIntegers b;
  read_block_integers(weight, row, block, &b);
  int32_t dot[2] = {0, 0}, half_sum[2] = {0, 0};
  for (int i = 0; i < 32; ++i) {
    dot[i / 16] += b.w[i] * q[i];
    half_sum[i / 16] += q[i];
  }
  acc = std::fma(static_cast<float>(b.scale[0] * dot[0] + b.scale[1] * dot[1]), b.d * scale, acc);
  switch (weight) {
    case Dtype::kQ4_1:
    case Dtype::kQ5_1: return std::fma(static_cast<float>(sum), b.m * scale, acc);
    case Dtype::kQ4_K:
    case Dtype::kQ5_K: return std::fma(static_cast<float>(b.min[0] * sum), -(b.m * scale), acc);
    case Dtype::kQ2_K:
      return std::fma(static_cast<float>(b.min[0] * half_sum[0] + b.min[1] * half_sum[1]), -(b.m * scale),
                      acc);
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
