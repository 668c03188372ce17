// SPDX-License-Identifier: Apache-2.0
// What operators compute, against plain loops or numbers worked out by hand.
#include <cmath>
#include <limits>
#include <random>

#include "aclnnop/aclnn_add_rms_norm.h"
#include "aclnnop/aclnn_arange.h"
#include "aclnnop/aclnn_argmax.h"
#include "aclnnop/aclnn_argsort.h"
#include "aclnnop/aclnn_cat.h"
#include "aclnnop/aclnn_clamp.h"
#include "aclnnop/aclnn_constant_pad_nd.h"
#include "aclnnop/aclnn_copy.h"
#include "aclnnop/aclnn_cumsum.h"
#include "aclnnop/aclnn_div.h"
#include "aclnnop/aclnn_elu.h"
#include "aclnnop/aclnn_eq_tensor.h"
#include "aclnnop/aclnn_fill_scalar.h"
#include "aclnnop/aclnn_fused_infer_attention_score_v2.h"
#include "aclnnop/aclnn_gather_v2.h"
#include "aclnnop/aclnn_geglu.h"
#include "aclnnop/aclnn_group_norm.h"
#include "aclnnop/aclnn_gt_scalar.h"
#include "aclnnop/aclnn_index_copy.h"
#include "aclnnop/aclnn_index_fill_tensor.h"
#include "aclnnop/aclnn_layer_norm.h"
#include "aclnnop/aclnn_matmul.h"
#include "aclnnop/aclnn_mean.h"
#include "aclnnop/aclnn_mm.h"
#include "aclnnop/aclnn_mul.h"
#include "aclnnop/aclnn_mv.h"
#include "aclnnop/aclnn_norm.h"
#include "aclnnop/aclnn_pow.h"
#include "aclnnop/aclnn_reduce_sum.h"
#include "aclnnop/aclnn_reflection_pad1d.h"
#include "aclnnop/aclnn_repeat.h"
#include "aclnnop/aclnn_repeat_interleave.h"
#include "aclnnop/aclnn_rms_norm.h"
#include "aclnnop/aclnn_roll.h"
#include "aclnnop/aclnn_rotary_position_embedding.h"
#include "aclnnop/aclnn_slice.h"
#include "aclnnop/aclnn_softmax.h"
#include "aclnnop/aclnn_softmax_cross_entropy_with_logits.h"
#include "aclnnop/aclnn_swi_glu.h"
#include "aclnnop/aclnn_threshold.h"
#include "aclnnop/aclnn_trans_matmul_weight.h"
#include "aclnnop/aclnn_tril.h"
#include "aclnnop/aclnn_triu.h"
#include "aclnnop/aclnn_weight_quant_batch_matmul_v2.h"
#include "aclnnop/aclnn_zero.h"
#include "cann/aclnn/test_kit.h"
#include "cann/error.h"

namespace isthmus::cann {
namespace {

using namespace test;
using Operators = OnDevice;
using Floats = std::vector<float>;

Floats normal(int64_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution;
  Floats values(static_cast<size_t>(n));
  for (float& value : values) value = distribution(random);
  return values;
}

void expect_near(const Floats& got, const Floats& expected, float tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], tolerance) << "element " << i;
}

TEST_F(Operators, Fills) {
  Dense<uint16_t> x({4}, halves({1, 2, 3, 4}));
  ASSERT_EQ(ACLNN(InplaceFillScalar, x, Number(2.5f)), 0) << message();
  EXPECT_EQ(floats(x.values()), Floats(4, 2.5f));
  Storage<float> y(counting(6));
  ASSERT_EQ(ACLNN(InplaceZero, y.view({3}, {2})), 0) << message();
  EXPECT_EQ(y.values(), (Floats{0, 2, 0, 4, 0, 6}));
}

TEST_F(Operators, Arithmetic) {
  Dense<int32_t> a({3}, {7, -7, 1}), b({3}, {2, 2, 0});
  Dense<float> out({3});
  ASSERT_EQ(ACLNN(Div, a, b, out), 0) << message();
  EXPECT_EQ(out.values(), (Floats{3.5f, -3.5f, std::numeric_limits<float>::infinity()}));
  Dense<float> x({3}, {-1, 0.5f, 3});
  ASSERT_EQ(ACLNN(Clamp, x, nullptr, Number(1.0f), out), 0) << message();
  EXPECT_EQ(out.values(), (Floats{-1, 0.5f, 1}));
  ASSERT_EQ(ACLNN(Muls, x, Number(2.0f), out), 0) << message();
  EXPECT_EQ(out.values(), (Floats{-2, 1, 6}));
  ASSERT_EQ(ACLNN(PowScalarTensor, Number(2.0f), x, out), 0) << message();
  expect_near(out.values(), {0.5f, std::sqrt(2.0f), 8}, 1e-6f);
  ASSERT_EQ(ACLNN(InplaceThreshold, x, Number(0.75f), Number(9.0f)), 0) << message();
  EXPECT_EQ(x.values(), (Floats{9, 9, 3}));
  ASSERT_EQ(ACLNN(GtScalar, x, Number(4.0f), out), 0) << message();
  EXPECT_EQ(out.values(), (Floats{1, 1, 0}));
  Dense<bool> same({3});
  ASSERT_EQ(ACLNN(EqTensor, a, b, same), 0) << message();
  EXPECT_EQ(same.values(), (std::vector<bool>{false, false, false}));
}

TEST_F(Operators, Gates) {
  Dense<float> x({1, 2, 4}, {1, -1, 2, 3, 0, 1, 4, 5}), out({1, 2, 2}), gelu({1, 2, 2});
  const auto silu = [](float v) { return v / (1 + std::exp(-v)); };
  ASSERT_EQ(ACLNN(SwiGlu, x, 2, out), 0) << message();
  expect_near(out.values(), {silu(1) * 2, silu(-1) * 3, 0, silu(1) * 5}, 1e-5f);
  const auto erf = [](float v) { return v / 2 * (1 + std::erf(v / std::sqrt(2.0f))); };
  ASSERT_EQ(ACLNN(GeGluV3, x, -1, 1, true, out, gelu), 0) << message();
  expect_near(gelu.values(), {erf(1), erf(-1), 0, erf(1)}, 1e-5f);
  expect_near(out.values(), {erf(1) * 2, erf(-1) * 3, 0, erf(1) * 5}, 1e-5f);
  ASSERT_EQ(ACLNN(Elu, x, Number(2.0f), Number(3.0f), Number(0.5f), x), 0) << message();
  expect_near(x.values(), {3, 6 * std::expm1(-0.5f), 6, 9, 0, 3, 12, 15}, 1e-5f);
}

TEST_F(Operators, Reductions) {
  Dense<float> x({2, 3}, counting(6)), rows({2}), kept({2, 1}), all({}), out({2, 3});
  ASSERT_EQ(ACLNN(ReduceSum, x, Ints({1}), false, ACL_FLOAT, rows), 0) << message();
  EXPECT_EQ(rows.values(), (Floats{6, 15}));
  ASSERT_EQ(ACLNN(Mean, x, Ints({-1}), true, ACL_FLOAT, kept), 0) << message();
  EXPECT_EQ(kept.values(), (Floats{2, 5}));
  ASSERT_EQ(ACLNN(ReduceSum, x, Ints({}), false, ACL_FLOAT, all), 0) << message();
  EXPECT_EQ(all.values(), (Floats{21}));
  ASSERT_EQ(ACLNN(Norm, x, Number(2.0f), Ints({1}), false, rows), 0) << message();
  expect_near(rows.values(), {std::sqrt(14.0f), std::sqrt(77.0f)}, 1e-5f);
  ASSERT_EQ(ACLNN(Norm, x, Number(3.0f), Ints({1}), false, rows), 0) << message();
  expect_near(rows.values(), {std::cbrt(36.0f), std::cbrt(405.0f)}, 1e-4f);
  ASSERT_EQ(ACLNN(Cumsum, x, 0, ACL_FLOAT, out), 0) << message();
  EXPECT_EQ(out.values(), (Floats{1, 2, 3, 5, 7, 9}));
  Dense<int32_t> at({2});
  Dense<float> y({2, 3}, {1, 9, 9, -1, -5, -1});
  ASSERT_EQ(ACLNN(ArgMax, y, 1, false, at), 0) << message();
  EXPECT_EQ(at.values(), (std::vector<int32_t>{1, 0}));
  Dense<int64_t> order({2, 3});
  ASSERT_EQ(ACLNN(Argsort, y, -1, true, order), 0) << message();
  EXPECT_EQ(order.values(), (std::vector<int64_t>{1, 2, 0, 0, 2, 1}));
  EXPECT_EQ(ACLNN(ReduceSum, x, Ints({2}), false, ACL_FLOAT, rows), kAclnnInvalidArgument);
}

TEST_F(Operators, Softmax) {
  Dense<float> x({2, 2}, {0, 0, 1, 3}), out({2, 2});
  ASSERT_EQ(ACLNN(Softmax, x, 1, out), 0) << message();
  const float e = std::exp(2.0f);
  expect_near(out.values(), {0.5f, 0.5f, 1 / (1 + e), e / (1 + e)}, 1e-6f);
  Dense<float> labels({2, 2}, {1, 0, 0, 1}), loss({2}), gradient({2, 2});
  ASSERT_EQ(ACLNN(SoftmaxCrossEntropyWithLogits, x, labels, loss, gradient), 0) << message();
  expect_near(loss.values(), {std::log(2.0f), -std::log(e / (1 + e))}, 1e-6f);
  expect_near(gradient.values(), {-0.5f, 0.5f, 1 / (1 + e), e / (1 + e) - 1}, 1e-6f);
}

TEST_F(Operators, Norms) {
  Dense<float> x({2, 2}, {3, 4, 0, 2}), gamma({2}, {1, 10}), y({2, 2}), factor({2, 1}), sum({2, 2});
  const float a = 1 / std::sqrt(12.5f), c = 1 / std::sqrt(2.0f);
  ASSERT_EQ(ACLNN(RmsNorm, x, gamma, 0.0, y, factor), 0) << message();
  expect_near(y.values(), {3 * a, 40 * a, 0, 20 * c}, 1e-5f);
  expect_near(factor.values(), {a, c}, 1e-6f);
  // The sum goes where the first operand was.
  ASSERT_EQ(ACLNN(AddRmsNorm, x, x, gamma, 0.0, y, factor, x), 0) << message();
  EXPECT_EQ(x.values(), (Floats{6, 8, 0, 4}));
  expect_near(y.values(), {3 * a, 40 * a, 0, 20 * c}, 1e-5f);
  ASSERT_EQ(ACLNN(LayerNorm, x, Ints({2}), nullptr, gamma, 0.0, y, factor, nullptr), 0) << message();
  expect_near(y.values(), {-1 + 1, 1 + 10, -1 + 1, 1 + 10}, 1e-5f);
  expect_near(factor.values(), {7, 2}, 1e-6f);
  Dense<float> image({1, 4, 1, 2}, {1, 3, 5, 7, -2, -4, -6, -8}), out({1, 4, 1, 2}),
      weight({4}, {1, 2, 1, 1});
  Dense<float> moments({3});
  // Places for mean and factor that overlap, as a client gives them.
  ASSERT_EQ(ACLNN(GroupNorm, image, weight, nullptr, 1, 4, 2, 2, 0.0, out, moments.view({1, 2}),
                  moments.view({1, 2}, {2, 1}, 1)),
            0)
      << message();
  const float g = 1 / std::sqrt(5.0f);
  expect_near(out.values(), {-3 * g, -g, 2 * g, 6 * g, 3 * g, g, -g, -3 * g}, 1e-5f);
}

TEST_F(Operators, Shapes) {
  Dense<float> x({2, 3}, counting(6)), y({2, 1}, {7, 8}), joined({2, 4});
  const int64_t dims[] = {2, 3}, one[] = {2, 1};
  const aclTensor* parts[] = {
      aclCreateTensor(dims, 2, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, dims, 2, x.data()),
      aclCreateTensor(one, 2, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, one, 2, y.data())};
  aclTensorList* list = aclCreateTensorList(parts, 2);
  ASSERT_EQ(ACLNN(Cat, list, -1, joined), 0) << message();
  EXPECT_EQ(joined.values(), (Floats{1, 2, 3, 7, 4, 5, 6, 8}));
  EXPECT_EQ(ACLNN(Cat, list, 0, joined), kAclnnInvalidArgument);
  EXPECT_EQ(aclDestroyTensorList(list), 0);
  Dense<float> repeated({2, 2, 6});
  ASSERT_EQ(ACLNN(Repeat, x, Ints({2, 1, 2}), repeated), 0) << message();
  EXPECT_EQ(repeated.values(),
            (Floats{1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6, 1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6}));
  Dense<float> each({2, 6});
  ASSERT_EQ(ACLNN(RepeatInterleaveIntWithDim, x, 2, 1, 6, each), 0) << message();
  EXPECT_EQ(each.values(), (Floats{1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6}));
  Dense<float> out({2, 3}), part({2, 2});
  ASSERT_EQ(ACLNN(Slice, x, 1, 0, 3, 2, part), 0) << message();
  EXPECT_EQ(part.values(), (Floats{1, 3, 4, 6}));
  ASSERT_EQ(ACLNN(Roll, x, Ints({1, -1}), Ints({0, 1}), out), 0) << message();
  EXPECT_EQ(out.values(), (Floats{5, 6, 4, 2, 3, 1}));
  ASSERT_EQ(ACLNN(Roll, x, Ints({1}), Ints({}), out), 0) << message();
  EXPECT_EQ(out.values(), (Floats{6, 1, 2, 3, 4, 5}));
  Dense<float> padded({3, 4});
  ASSERT_EQ(ACLNN(ConstantPadNd, x, Ints({1, 0, 0, 1}), Number(9.0f), padded), 0) << message();
  EXPECT_EQ(padded.values(), (Floats{9, 1, 2, 3, 9, 4, 5, 6, 9, 9, 9, 9}));
  Dense<float> mirrored({2, 6});
  ASSERT_EQ(ACLNN(ReflectionPad1d, x, Ints({2, 1}), mirrored), 0) << message();
  EXPECT_EQ(mirrored.values(), (Floats{3, 2, 1, 2, 3, 2, 6, 5, 4, 5, 6, 5}));
  ASSERT_EQ(ACLNN(Tril, x, 0, out), 0) << message();
  EXPECT_EQ(out.values(), (Floats{1, 0, 0, 4, 5, 0}));
  ASSERT_EQ(ACLNN(InplaceTriu, x, 1), 0) << message();
  EXPECT_EQ(x.values(), (Floats{0, 2, 3, 0, 0, 6}));
  Dense<float> range({4});
  ASSERT_EQ(ACLNN(Arange, Number(1.0f), Number(2.9f), Number(0.5f), range), 0) << message();
  EXPECT_EQ(range.values(), (Floats{1, 1.5f, 2, 2.5f}));
}

TEST_F(Operators, Index) {
  Dense<float> x({3, 2}, counting(6)), out({2, 2});
  Dense<int32_t> index({2}, {2, 0});
  ASSERT_EQ(ACLNN(GatherV2, x, 0, index, out), 0) << message();
  EXPECT_EQ(out.values(), (Floats{5, 6, 1, 2}));
  Dense<int64_t> places({2}, {0, 1});
  ASSERT_EQ(ACLNN(InplaceIndexCopy, x, 0, places, out), 0) << message();
  EXPECT_EQ(x.values(), (Floats{5, 6, 1, 2, 5, 6}));
  // From itself: rows 1 and 2 become what rows 0 and 1 were.
  Storage<float> rows(counting(6));
  Dense<int64_t> next({2}, {1, 2});
  ASSERT_EQ(ACLNN(InplaceIndexCopy, rows.view({3, 2}), 0, next, rows.view({2, 2})), 0) << message();
  EXPECT_EQ(rows.values(), (Floats{1, 2, 1, 2, 3, 4}));
  ASSERT_EQ(ACLNN(InplaceIndexFillTensor, x, 1, Ints({-1}), Number(0.0f)), 0) << message();
  EXPECT_EQ(x.values(), (Floats{5, 0, 1, 0, 5, 0}));
}

TEST_F(Operators, Products) {
  const int64_t m = 3, n = 4, k = 5;
  const Floats a = normal(m * k, 1), w = normal(n * k, 2);
  Floats expected(static_cast<size_t>(m * n));
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t l = 0; l < k; ++l)
        expected[i * n + j] += a[i * k + l] * f16_to_f32(f32_to_f16(w[j * k + l]));
  Dense<float> x({m, k}, a), out({m, n});
  Storage<uint16_t> weight(halves(w));
  ASSERT_EQ(ACLNN(Mm, x, weight.view({k, n}, {1, k}), out, 2), 0) << message();
  expect_near(out.values(), expected, 1e-5f);
  // Batches that broadcast, of dense and of strided matrices.
  Storage<float> batch(normal(2 * k * n, 3));
  Dense<float> wide({2, m, n});
  ASSERT_EQ(ACLNN(Matmul, x, batch.view({2, k, n}), wide, 1), 0) << message();
  const Floats b = batch.values(), got = wide.values();
  for (int64_t i = 0; i < 2 * m * n; ++i) {
    float sum = 0;
    for (int64_t l = 0; l < k; ++l) sum += a[i / n % m * k + l] * b[i / (m * n) * k * n + l * n + i % n];
    EXPECT_NEAR(got[static_cast<size_t>(i)], sum, 1e-5f);
  }
  Dense<float> vector({k}, Floats(k, 1)), sums({m});
  ASSERT_EQ(ACLNN(Mv, x, vector, sums, 1), 0) << message();
  for (int64_t i = 0; i < m; ++i)
    EXPECT_NEAR(sums.values()[i], std::accumulate(a.begin() + i * k, a.begin() + (i + 1) * k, 0.0f), 1e-5f);
  EXPECT_EQ(ACLNN(Mm, x, x, out, 2), kAclnnInvalidArgument);
  ASSERT_EQ(ACLNN(TransMatmulWeight, x), 0) << message();
  EXPECT_EQ(x.values(), a);
  uint64_t elements = 0;
  EXPECT_EQ(aclnnCalculateMatmulWeightSizeV2(Ints({3, 5}), ACL_FLOAT16, &elements), 0);
  EXPECT_EQ(elements, 15u);
}

TEST_F(Operators, QuantisedProducts) {
  const int64_t m = 2, n = 3, k = 64, group = 32;
  const Floats a = normal(m * k, 4);
  std::vector<int8_t> numbers;
  std::vector<uint8_t> nibbles;
  Floats scales, expected(static_cast<size_t>(m * n)), expected4 = expected;
  for (int64_t i = 0; i < n * k; ++i) numbers.push_back(static_cast<int8_t>((i * 37) % 255 - 127));
  for (int64_t i = 0; i < n * k; i += 2)
    nibbles.push_back(static_cast<uint8_t>((numbers[i] & 15) | (numbers[i + 1] & 15) << 4));
  for (int64_t i = 0; i < n * k / group; ++i) scales.push_back(0.01f * static_cast<float>(i + 1));
  for (int64_t i = 0; i < m * n; ++i)
    for (int64_t l = 0; l < k; ++l) {
      const float x = f16_to_f32(f32_to_f16(a[i / n * k + l]));
      const float scale = f16_to_f32(f32_to_f16(scales[(i % n * k + l) / group]));
      const int number = numbers[i % n * k + l], low = number & 15;
      expected[i] += x * static_cast<float>(number) * scale;
      expected4[i] += x * static_cast<float>(low < 8 ? low : low - 16) * scale;
    }
  Dense<uint16_t> x({m, k}, halves(a)), out({m, n});
  Storage<int8_t> weight(numbers);
  Storage<uint8_t> weight4(nibbles);
  Storage<uint16_t> scale(halves(scales));
  aclTensor* factors = scale.view({k / group, n}, {1, k / group});
  const auto near = [&](const Floats& got, const Floats& numbers_expected) {
    for (size_t i = 0; i < got.size(); ++i)
      EXPECT_NEAR(got[i], numbers_expected[i], std::fabs(numbers_expected[i]) * 2e-3f + 1e-2f) << i;
  };
  ASSERT_EQ(ACLNN(WeightQuantBatchMatmulV2, x, weight.view({k, n}, {1, k}), factors, nullptr, nullptr,
                  nullptr, nullptr, group, out),
            0)
      << message();
  near(floats(out.values()), expected);
  ASSERT_EQ(ACLNN(WeightQuantBatchMatmulV2, x, weight4.view({k, n}, {1, k}, 0, static_cast<aclDataType>(29)),
                  factors, nullptr, nullptr, nullptr, nullptr, group, out),
            0)
      << message();
  near(floats(out.values()), expected4);
}

TEST_F(Operators, Rotary) {
  Dense<float> x({1, 2, 1, 4}, counting(8)), cos({1, 2, 1, 4}, {1, 1, 1, 1, 0, 0, 0, 0}),
      sin({1, 2, 1, 4}, {0, 0, 0, 0, 1, 1, 1, 1}), out({1, 2, 1, 4});
  ASSERT_EQ(ACLNN(RotaryPositionEmbedding, x, cos, sin, 0, out), 0) << message();
  EXPECT_EQ(out.values(), (Floats{1, 2, 3, 4, -7, -8, 5, 6}));
  ASSERT_EQ(ACLNN(RotaryPositionEmbedding, x, cos, sin, 1, x), 0) << message();
  EXPECT_EQ(x.values(), (Floats{1, 2, 3, 4, -6, 5, -8, 7}));
}

TEST_F(Operators, Attention) {
  const int64_t batch = 2, rows = 3, keys = 5, heads = 4, key_heads = 2, d = 16;
  const auto rounded = [](Floats values) { return floats(halves(values)); };
  const Floats q = rounded(normal(batch * rows * heads * d, 5)),
               k = rounded(normal(batch * keys * key_heads * d, 6)),
               v = rounded(normal(batch * keys * key_heads * d, 7));
  Floats mask(static_cast<size_t>(batch * rows * keys));
  for (size_t i = 0; i < mask.size(); ++i)
    mask[i] = i % 4 == 3 ? -std::numeric_limits<float>::infinity() : static_cast<float>(i % 3) / 4;
  Dense<uint16_t> query({batch, rows, heads, d}, halves(q)), out({batch, rows, heads, d});
  Storage<uint16_t> key(halves(k)), value(halves(v)), bias(halves(mask));
  const Dims kv = {batch, keys, key_heads, d};
  const auto list = [&](Storage<uint16_t>& storage) {
    const aclTensor* x =
        aclCreateTensor(kv.data(), 4, ACL_FLOAT16, nullptr, 0, ACL_FORMAT_ND, kv.data(), 4, storage.data());
    return aclCreateTensorList(&x, 1);
  };
  aclTensorList *key_list = list(key), *value_list = list(value);
  char layout[] = "BSND";
  ASSERT_EQ(ACLNN(FusedInferAttentionScoreV2, query, key_list, value_list,
                  bias.view({batch, heads, rows, keys}, {rows * keys, 0, keys, 1}), nullptr, nullptr, nullptr,
                  nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                  nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, heads, 0.25, 65535, 65535,
                  layout, key_heads, 0, 0, 0, 0, false, 0, 0, out, nullptr),
            0)
      << message();
  aclDestroyTensorList(key_list);
  aclDestroyTensorList(value_list);
  const Floats got = floats(out.values());
  for (int64_t i = 0; i < batch * rows * heads; ++i) {
    const int64_t b = i / (rows * heads), r = i / heads % rows, h = i % heads / (heads / key_heads);
    Floats weights;
    float sum = 0;
    for (int64_t t = 0; t < keys; ++t) {
      float score = 0;
      for (int64_t e = 0; e < d; ++e) score += q[i * d + e] * k[((b * keys + t) * key_heads + h) * d + e];
      weights.push_back(std::exp(score * 0.25f + f16_to_f32(f32_to_f16(mask[(b * rows + r) * keys + t]))));
      sum += weights.back();
    }
    for (int64_t e = 0; e < d; ++e) {
      float y = 0;
      for (int64_t t = 0; t < keys; ++t) y += weights[t] / sum * v[((b * keys + t) * key_heads + h) * d + e];
      EXPECT_NEAR(got[i * d + e], y, 2e-3f);
    }
  }
}

}  // namespace
}  // namespace isthmus::cann
