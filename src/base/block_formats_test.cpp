// SPDX-License-Identifier: Apache-2.0
// Against values computed by the PyPI package gguf (tests/block_formats/make_fixtures.py), and round trips.
#include "base/block_formats.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "base/half.h"

namespace isthmus {
namespace {

std::vector<uint8_t> read_fixture(const std::string& name) {
  std::ifstream file(std::string(ISTHMUS_SOURCE_DIR) + "/tests/block_formats/" + name, std::ios::binary);
  std::vector<uint8_t> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_FALSE(bytes.empty()) << name;
  return bytes;
}

std::vector<float> read_values(const std::string& name) {
  const std::vector<uint8_t> bytes = read_fixture(name);
  std::vector<float> values(bytes.size() / 4);
  std::memcpy(values.data(), bytes.data(), values.size() * 4);
  return values;
}

std::vector<Dtype> block_dtypes() {
  std::vector<Dtype> out;
  int count = 0;
  const DtypeInfo* infos = all_dtypes(&count);
  for (int i = 0; i < count; ++i)
    if (infos[i].kind == DtypeKind::kBlock) out.push_back(infos[i].dtype);
  return out;
}

std::vector<float> round_trip(Dtype dtype, const std::vector<float>& values) {
  const int64_t n = static_cast<int64_t>(values.size());
  std::vector<uint8_t> packed(static_cast<size_t>(dtype_bytes(dtype, n)));
  std::vector<float> back(values.size());
  quantize(dtype, values.data(), packed.data(), n);
  dequantize(dtype, packed.data(), back.data(), n);
  return back;
}

TEST(BlockFormats, DequantizedBitsEqualGguf) {
  ASSERT_EQ(block_dtypes().size(), 12u);
  for (const Dtype dtype : block_dtypes()) {
    const std::string name(dtype_name(dtype));
    const std::vector<uint8_t> blocks = read_fixture(name + ".blocks");
    const std::vector<float> expected = read_values(name + ".values");
    const int64_t n = static_cast<int64_t>(expected.size());
    ASSERT_EQ(dtype_bytes(dtype, n), static_cast<int64_t>(blocks.size())) << name;
    // At an odd address, as in a file whose tensors are not aligned.
    std::vector<uint8_t> shifted(blocks.size() + 1);
    std::memcpy(shifted.data() + 1, blocks.data(), blocks.size());
    std::vector<float> actual(expected.size());
    dequantize(dtype, shifted.data() + 1, actual.data(), n);
    for (size_t i = 0; i < expected.size(); ++i)
      ASSERT_EQ(std::bit_cast<uint32_t>(actual[i]), std::bit_cast<uint32_t>(expected[i]))
          << name << " element " << i << ": " << actual[i] << " and " << expected[i];
  }
}

TEST(BlockFormats, QuantizedBytesEqualGgufWhereItQuantizes) {
  const std::vector<float> input = read_values("input.values");
  for (const char* name : {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "MXFP4", "BF16"}) {
    const Dtype dtype = *dtype_from_name(name);
    const std::vector<uint8_t> expected = read_fixture(std::string(name) + ".quantized");
    std::vector<uint8_t> actual(static_cast<size_t>(dtype_bytes(dtype, static_cast<int64_t>(input.size()))));
    quantize(dtype, input.data(), actual.data(), static_cast<int64_t>(input.size()));
    EXPECT_EQ(actual, expected) << name;
  }
}

// Root of the mean squared error of normal values, as a share of their standard deviation. The bounds are
// what each number of bits should cost, with about a tenth to spare.
TEST(BlockFormats, RoundTripError) {
  struct Bound {
    const char* name;
    double error;
  };
  const Bound bounds[] = {{"Q4_0", 0.10},   {"Q4_1", 0.09},  {"Q5_0", 0.05},   {"Q5_1", 0.045},
                          {"Q8_0", 0.0065}, {"Q2_K", 0.31},  {"Q3_K", 0.18},   {"Q4_K", 0.085},
                          {"Q5_K", 0.043},  {"Q6_K", 0.021}, {"IQ4_NL", 0.09}, {"MXFP4", 0.14},
                          {"F16", 3e-4},    {"BF16", 2e-3},  {"F32", 0}};
  std::mt19937 random(11);
  std::normal_distribution<float> normal(0, 0.03f);
  std::vector<float> values(256 * 64);
  for (float& value : values) value = normal(random);
  for (const Bound& bound : bounds) {
    const std::vector<float> back = round_trip(*dtype_from_name(bound.name), values);
    double error = 0, power = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      error += std::pow(static_cast<double>(back[i]) - values[i], 2);
      power += std::pow(static_cast<double>(values[i]), 2);
    }
    const double relative = std::sqrt(error / power);
    EXPECT_LE(relative, bound.error) << bound.name;
    EXPECT_GE(relative, bound.error / 2) << bound.name << ": tighten the bound";
  }
}

TEST(BlockFormats, ZerosAndConstantsSurvive) {
  for (const Dtype dtype : block_dtypes()) {
    for (const float value : round_trip(dtype, std::vector<float>(256, 0.0f)))
      ASSERT_EQ(value, 0.0f) << dtype_name(dtype);
    for (const float constant : {0.5f, -0.5f})
      for (const float value : round_trip(dtype, std::vector<float>(256, constant)))
        ASSERT_NEAR(value, constant, 0.01) << dtype_name(dtype);
  }
}

TEST(BlockFormats, NonFiniteInputGivesSomeBlock) {
  std::vector<float> values(256, 1.0f);
  values[3] = std::nanf("");
  values[40] = INFINITY;
  values[80] = -INFINITY;
  values[130] = 3e38f;
  values[131] = -3e38f;
  values[170] = 1e-45f;
  for (const Dtype dtype : block_dtypes()) round_trip(dtype, values);  // the sanitizers are the judge
}

TEST(BlockFormats, NoElementsTouchNothing) {
  for (const Dtype dtype : block_dtypes()) {
    dequantize(dtype, nullptr, nullptr, 0);
    quantize(dtype, nullptr, nullptr, 0);
  }
  EXPECT_TRUE(is_weight_format(Dtype::kF16));
  EXPECT_FALSE(is_weight_format(Dtype::kI8));
  EXPECT_FALSE(is_weight_format(Dtype::kInvalid));
}

TEST(BlockFormats, MxfpScalesArePowersOfTwo) {
  for (int e = 0; e < 255; ++e) EXPECT_EQ(mxfp4_scale(static_cast<uint8_t>(e)), std::ldexp(1.0f, e - 128));
}

}  // namespace
}  // namespace isthmus
