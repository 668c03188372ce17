// SPDX-License-Identifier: Apache-2.0
#include "base/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace isthmus {
namespace {

// The value of a finite F16 by its definition.
double f16_value(uint16_t half) {
  const int exponent = (half >> 10) & 0x1f;
  const int mantissa = half & 0x3ff;
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

TEST(Half, EveryF16HasItsValueAndComesBack) {
  for (uint32_t half = 0; half < 0x10000; ++half) {
    const float value = f16_to_f32(static_cast<uint16_t>(half));
    if ((half & 0x7c00) == 0x7c00) {
      EXPECT_EQ(std::isnan(value), (half & 0x3ff) != 0) << half;
      EXPECT_EQ(std::signbit(value), (half & 0x8000) != 0) << half;
      const uint32_t expected = half & 0x3ff ? half | 0x200 : half;
      EXPECT_EQ(f32_to_f16(value), expected);
      continue;
    }
    ASSERT_EQ(value, f16_value(static_cast<uint16_t>(half))) << half;
    ASSERT_EQ(std::signbit(value), (half & 0x8000) != 0);
    ASSERT_EQ(f32_to_f16(value), half);
  }
}

// Between every two neighbours: the midpoint goes to the even one, the floats beside it to the nearer one.
TEST(Half, F16RoundsToNearestEven) {
  for (uint32_t half = 0; half < 0x7c00; ++half) {
    const float low = f16_to_f32(static_cast<uint16_t>(half));
    const float high = half == 0x7bff ? 65536.0f : f16_to_f32(static_cast<uint16_t>(half + 1));
    const float middle = low + (high - low) / 2;
    const uint32_t even = half % 2 == 0 ? half : half + 1;
    ASSERT_EQ(f32_to_f16(middle), even) << half;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, low)), half);
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, high)), half + 1);
    ASSERT_EQ(f32_to_f16(-middle), even | 0x8000);
  }
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::max()), 0x7c00);
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::denorm_min()), 0);
  EXPECT_EQ(f32_to_f16(-0.0f), 0x8000);
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::infinity()), 0x7c00);
}

TEST(Half, EveryBF16ComesBackAndRoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float low = bf16_to_f32(static_cast<uint16_t>(bits));
    if (std::isnan(low)) {
      EXPECT_EQ(f32_to_bf16(low), bits | 0x40);
      continue;
    }
    ASSERT_EQ(f32_to_bf16(low), bits);
    if (std::isinf(low)) continue;
    // The bit patterns between two neighbours are evenly spaced, so the midpoint is the pattern half way.
    ASSERT_EQ(f32_to_bf16(std::bit_cast<float>((bits << 16) + 0x7fff)), bits);
    ASSERT_EQ(f32_to_bf16(std::bit_cast<float>((bits << 16) + 0x8000)), bits % 2 == 0 ? bits : bits + 1);
    ASSERT_EQ(f32_to_bf16(std::bit_cast<float>((bits << 16) + 0x8001)), bits + 1);
  }
}

TEST(Half, NanWithLowPayloadStaysNan) {
  const float nan = std::bit_cast<float>(0x7f800001u);
  EXPECT_EQ(f32_to_f16(nan), 0x7e00);
  EXPECT_EQ(f32_to_bf16(nan), 0x7fc0);
  EXPECT_EQ(f32_to_f16(std::bit_cast<float>(0xff800001u)), 0xfe00);
}

}  // namespace
}  // namespace isthmus
