// SPDX-License-Identifier: Apache-2.0
#include "base/block_integers.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "base/block_formats.h"

namespace isthmus {
namespace {

// Scales, minimums and integers put together give the values dequantize() defines, for any bytes.
TEST(BlockIntegers, AgreeWithDequantize) {
  std::mt19937 random(1);
  const Dtype formats[] = {Dtype::kQ4_0, Dtype::kQ4_1, Dtype::kQ5_0,   Dtype::kQ5_1,
                           Dtype::kQ8_0, Dtype::kQ2_K, Dtype::kQ3_K,   Dtype::kQ4_K,
                           Dtype::kQ5_K, Dtype::kQ6_K, Dtype::kIQ4_NL, Dtype::kMXFP4};
  constexpr int kElements = 512;
  for (Dtype dtype : formats) {
    std::vector<float> values(kElements), back(kElements);
    std::normal_distribution<float> normal;
    for (float& v : values) v = normal(random);
    std::vector<unsigned char> bytes(dtype_bytes(dtype, kElements));
    quantize(dtype, values.data(), bytes.data(), kElements);
    dequantize(dtype, bytes.data(), back.data(), kElements);
    const bool plain_min = dtype == Dtype::kQ4_1 || dtype == Dtype::kQ5_1;
    for (int block = 0; block < kElements / 32; ++block) {
      BlockIntegers b;
      read_block_integers(dtype, bytes.data(), block, &b);
      for (int i = 0; i < 32; ++i) {
        const int h = i / 16;
        const float scaled = b.d * static_cast<float>(b.scale[h]) * static_cast<float>(b.w[i]);
        const float expected = plain_min ? scaled + b.m : scaled - b.m * static_cast<float>(b.min[h]);
        ASSERT_EQ(expected, back[block * 32 + i])
            << dtype_name(dtype) << " block " << block << " element " << i;
      }
    }
  }
}

}  // namespace
}  // namespace isthmus
