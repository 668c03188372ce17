// SPDX-License-Identifier: Apache-2.0
// Quantising of 16 activations: shared by the references of quantize_rows and linear.
#pragma once

#include <cstdint>

namespace isthmus {

inline constexpr int kQuantizedBlock = 16;  // activations that share a scale

struct QuantizedBlock {
  int8_t q[kQuantizedBlock];
  float scale;
  int32_t sum;
};

// docs/decisions/0001-numerics.md, "Products by weight format". x[i * stride] are the values.
QuantizedBlock quantize_block(const float* x, int64_t stride);

}  // namespace isthmus
