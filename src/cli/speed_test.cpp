// SPDX-License-Identifier: Apache-2.0
// The counts that shares of the machine's limits rest on.
#include "cli/speed.h"

#include <gtest/gtest.h>

namespace isthmus::cli {
namespace {

GgufTensor tensor(const char* name, Dtype dtype, int64_t rows, int64_t columns) {
  GgufTensor t;
  t.name = name;
  t.dtype = dtype;
  t.rank = rows > 0 ? 2 : 1;
  t.dims = {rows > 0 ? rows : columns, columns};
  t.elements = std::max<int64_t>(rows, 1) * columns;
  t.size_bytes = dtype_bytes(dtype, t.elements);
  return t;
}

TEST(Speed, TiedEmbeddingIsReadWhole) {
  const GgufTensor tensors[] = {tensor("token_embd.weight", Dtype::kQ8_0, 100, 64),
                                tensor("blk.0.attn_norm.weight", Dtype::kF32, 0, 64),
                                tensor("blk.0.ffn_up.weight", Dtype::kQ4_0, 128, 64),
                                tensor("blk.0.ffn_down.weight", Dtype::kF32, 64, 64)};
  const WeightWork work = weight_work(tensors);
  EXPECT_EQ(work.format, Dtype::kQ4_0);
  EXPECT_EQ(work.products_per_token, 128u * 64 + 64 * 64);
  EXPECT_EQ(work.bytes_per_token, 100u * 68 + 64 * 4 + 128 * 36 + 64 * 64 * 4);
}

TEST(Speed, SeparateEmbeddingIsReadByRow) {
  const GgufTensor tensors[] = {tensor("token_embd.weight", Dtype::kF32, 100, 64),
                                tensor("output.weight", Dtype::kF16, 100, 64)};
  EXPECT_EQ(weight_work(tensors).bytes_per_token, 100u * 64 * 2);
}

TEST(Speed, PeakFollowsTheFormat) {
  const MachineLimits limits{1, 8, 16, 32};
  EXPECT_EQ(peak_of(Dtype::kQ4_1, limits), 8);
  EXPECT_EQ(peak_of(Dtype::kBF16, limits), 16);
  EXPECT_EQ(peak_of(Dtype::kF16, limits), 32);
}

TEST(Speed, Median) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
  EXPECT_EQ(median({7}), 7);
}

TEST(Speed, ThisProcessHasMemory) { EXPECT_GT(resident_memory(), 100'000u); }

}  // namespace
}  // namespace isthmus::cli
