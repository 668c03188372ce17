// SPDX-License-Identifier: Apache-2.0
// The accuracy that error-inl.h states, and atan2's, measured against F64 over floats spread evenly in their
// bits.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "ops/elementwise/ulps.h"
#include "ops/elementwise/vocabulary-inl.h"

namespace isthmus {
namespace {

template <typename F>
double worst_of(F error) {
  double worst = 0;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 7919)
    worst = std::max(worst, error(std::bit_cast<float>(static_cast<uint32_t>(bits))));
  return worst;
}

TEST(Error, Complement) {
  const double worst =
      worst_of([](float x) { return ulps(formulas::erfc(x), std::erfc(static_cast<double>(x))); });
  RecordProperty("largest_error_ulp", std::to_string(worst));
  EXPECT_LE(worst, 6);
  EXPECT_EQ(formulas::erfc(INFINITY), 0);
  EXPECT_EQ(formulas::erfc(-INFINITY), 2);
}

// Where erf comes to y, by steps of Newton's from F32's.
double inverse(float y) {
  const double a = std::abs(static_cast<double>(y));
  double x = std::abs(static_cast<double>(formulas::erfinv(y)));
  for (int i = 0; i < 3; ++i) x -= ((1 - a) - std::erfc(x)) / (2 / std::sqrt(M_PI) * std::exp(-x * x));
  return std::copysign(x, y);
}

TEST(Error, Inverse) {
  const double worst = worst_of([](float x) {
    if (!(std::abs(x) < 1) || std::abs(x) < 1e-6f) return 0.0;
    return ulps(formulas::erfinv(x), inverse(x));
  });
  RecordProperty("largest_error_ulp", std::to_string(worst));
  EXPECT_LE(worst, 4);
  EXPECT_EQ(formulas::erfinv(1.0f), INFINITY);
  EXPECT_EQ(formulas::erfinv(-1.0f), -INFINITY);
  EXPECT_TRUE(std::isnan(formulas::erfinv(1.5f)));
  EXPECT_TRUE(std::signbit(formulas::erfinv(-0.0f)));
  EXPECT_NEAR(formulas::erfinv(1e-20f) / 1e-20f, std::sqrt(M_PI) / 2, 1e-7);
}

TEST(Error, Angle) {
  double worst = 0;
  for (uint64_t i = 0; i < 500000; ++i) {
    const uint64_t mixed = (i + 1) * 0x9e3779b97f4a7c15u;
    const float y = std::bit_cast<float>(static_cast<uint32_t>(mixed >> 32));
    const float x = i % 2 ? std::bit_cast<float>(static_cast<uint32_t>(mixed))
                          : y * (static_cast<float>(mixed & 0xffff) / 0x4000 - 2);
    worst = std::max(worst,
                     ulps(formulas::atan2(y, x), std::atan2(static_cast<double>(y), static_cast<double>(x))));
  }
  RecordProperty("largest_error_ulp", std::to_string(worst));
  EXPECT_LE(worst, 3.5);
  for (float y : {0.0f, -0.0f, 1.0f, -INFINITY, INFINITY})
    for (float x : {0.0f, -0.0f, -1.0f, -INFINITY, INFINITY})
      EXPECT_LE(ulps(formulas::atan2(y, x), std::atan2(y, x)), 1) << y << " " << x;
}

}  // namespace
}  // namespace isthmus
