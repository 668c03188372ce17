// SPDX-License-Identifier: Apache-2.0
// What prelude_cuda.cl computes itself, run on the host: CUDA's words are defined away.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#define __global__
#define __device__
#define __shared__
#define __constant__
namespace {
template <typename To, typename From>
To bits_as(From from) {
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}
[[maybe_unused]] float __uint_as_float(unsigned x) { return bits_as<float>(x); }
[[maybe_unused]] unsigned __float_as_uint(float x) { return bits_as<unsigned>(x); }
[[maybe_unused]] int __float_as_int(float x) { return bits_as<int>(x); }
[[maybe_unused]] float __int_as_float(int x) { return bits_as<float>(x); }
[[maybe_unused]] double __longlong_as_double(long long x) { return bits_as<double>(x); }
[[maybe_unused]] long long __double_as_longlong(double x) { return bits_as<long long>(x); }
[[maybe_unused]] float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
[[maybe_unused]] double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }
[[maybe_unused]] float __fsqrt_rn(float x) { return std::sqrt(x); }
[[maybe_unused]] double __dsqrt_rn(double x) { return std::sqrt(x); }
[[maybe_unused]] int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }

float fmod_of_c(float x, float y) { return std::fmod(x, y); }

#undef INFINITY
#undef NAN
#pragma GCC diagnostic ignored "-Wunused-function"
#include "ops/portable/prelude_cuda.cl"

void expect_same(float x, float y) {
  const float expected = fmod_of_c(x, y), actual = isthmus_fmod(x, y);
  if (std::isnan(expected)) {
    ASSERT_TRUE(std::isnan(actual)) << x << " " << y;
  } else {
    ASSERT_EQ(as_uint(expected), as_uint(actual)) << std::hexfloat << x << " " << y;
  }
}

TEST(CudaPrelude, FmodHasTheBitsOfC) {
  const float ends[] = {0.0f,
                        1e-45f,
                        0x1p-127f,
                        0x1.fffffcp-127f,
                        0x1p-126f,
                        0x1.000002p-126f,
                        1.0f,
                        0x1.fffffep0f,
                        3.0f,
                        1e10f,
                        0x1.fffffep127f,
                        INFINITY,
                        NAN,
                        0.1f,
                        0x1p-125f,
                        0x1.8p-124f};
  for (const float x : ends)
    for (const float y : ends)
      for (const float sx : {1.0f, -1.0f})
        for (const float sy : {1.0f, -1.0f}) expect_same(x * sx, y * sy);
  std::mt19937 random(7);
  for (int i = 0; i < 500000; ++i) {
    const uint x = static_cast<uint>(random()), y = static_cast<uint>(random());
    expect_same(as_float(x), as_float(y));
    expect_same(as_float(x & 0x80ffffffu), as_float(y & 0x81ffffffu));  // subnormals and their neighbours
  }
}

}  // namespace
