// SPDX-License-Identifier: Apache-2.0
// The accuracy that inverse-inl.h and power-inl.h state, measured against F64 over floats spread evenly in
// their bits.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "ops/elementwise/ulps.h"
#include "ops/elementwise/vocabulary-inl.h"

namespace isthmus {
namespace {

template <typename F, typename G>
double largest_error(F ours, G exact) {
  double worst = 0;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 7919) {
    const float x = std::bit_cast<float>(static_cast<uint32_t>(bits));
    const double error = ulps(ours(x), exact(static_cast<double>(x)));
    worst = std::max(worst, error);
  }
  return worst;
}

#define ISTHMUS_ACCURACY(NAME, LIMIT)                                                                    \
  TEST(Inverse, NAME) {                                                                                  \
    const double worst =                                                                                 \
        largest_error([](float x) { return formulas::NAME(x); }, [](double x) { return std::NAME(x); }); \
    RecordProperty("largest_error_ulp", std::to_string(worst));                                          \
    EXPECT_LE(worst, LIMIT);                                                                             \
  }
ISTHMUS_ACCURACY(atan, 2.4)
ISTHMUS_ACCURACY(asin, 2.2)
ISTHMUS_ACCURACY(acos, 1.2)
ISTHMUS_ACCURACY(asinh, 1.9)
ISTHMUS_ACCURACY(acosh, 1.5)
ISTHMUS_ACCURACY(atanh, 2.1)

TEST(Power, IsRoundedCorrectlyButForTies) {
  double worst = 0;
  for (uint64_t i = 0; i < 500000; ++i) {
    const uint64_t mixed = (i + 1) * 0x9e3779b97f4a7c15u;
    const float x = std::bit_cast<float>(static_cast<uint32_t>(mixed >> 33));  // not negative
    const float y = static_cast<float>(static_cast<double>(mixed & 0xffffff) / 0x1p20 - 8);
    if (x != x) continue;
    worst = std::max(worst,
                     ulps(formulas::power(x, y), std::pow(static_cast<double>(x), static_cast<double>(y))));
  }
  EXPECT_LE(worst, 0.5001);
}

TEST(Power, OfSpecialOperandsIsThatOfC) {
  const float numbers[] = {0.0f, -0.0f, 1,        -1,        2,   -2,      0.5f,  -0.5f,
                           3,    -3,    INFINITY, -INFINITY, NAN, 0x1p24f, -2.5f, 1e30f};
  for (float x : numbers)
    for (float y : numbers) {
      const float expected = static_cast<float>(std::pow(static_cast<double>(x), static_cast<double>(y)));
      const float actual = formulas::power(x, y);
      EXPECT_TRUE(std::bit_cast<uint32_t>(expected) == std::bit_cast<uint32_t>(actual) ||
                  (expected != expected && actual != actual))
          << x << " to " << y << ": " << actual << " instead of " << expected;
    }
}

}  // namespace
}  // namespace isthmus
