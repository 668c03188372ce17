// SPDX-License-Identifier: Apache-2.0
#include "base/bf16_product.h"

#include <cmath>

namespace isthmus {
namespace {

float zero_if_subnormal(float v) { return std::fabs(v) < 0x1p-126f ? std::copysign(0.0f, v) : v; }

}  // namespace

float bf16_product_step(float x, float w, float acc) {
  x = zero_if_subnormal(x);
  w = zero_if_subnormal(w);
  acc = zero_if_subnormal(acc);
  const float result = std::fma(x, w, acc);
  if (std::fabs(result) > 0x1p-126f || std::isnan(result)) return result;
  // The sum is exact in F64 wherever it can lie between the two: acc is a multiple of 2^-149 and the product
  // has 16 bits.
  const double sum = static_cast<double>(x) * static_cast<double>(w) + static_cast<double>(acc);
  return std::fabs(sum) < 0x1p-126 - 0x1p-151 ? std::copysign(0.0f, result) : result;
}

}  // namespace isthmus
