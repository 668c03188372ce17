// SPDX-License-Identifier: Apache-2.0
// Elementary functions against the C library in F64 over a sweep of all F32 bit patterns, and their ends.
#include "base/elementary-inl.h"

#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <limits>
#include <numbers>

namespace isthmus {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double silu(double x) { return x * sigmoid(x); }
double softplus(double x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x))); }
double gelu_erf(double x) { return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2)); }
double gelu_tanh(double x) {
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

struct Function {
  const char* name;
  float (*ours)(float);
  double (*exact)(double);
  double bound;     // in units in the last place of the result
  double of_x = 0;  // error allowed beside it, relative to |x|
};
#define ISTHMUS_FUNCTION(NAME) #NAME, [](float x) { return elementary::NAME(x); }
const Function kFunctions[] = {
    {ISTHMUS_FUNCTION(exp), std::exp, 1.0},
    {ISTHMUS_FUNCTION(exp2), std::exp2, 1.01},
    {ISTHMUS_FUNCTION(expm1), std::expm1, 1.5},
    {ISTHMUS_FUNCTION(log), std::log, 0.8},
    {ISTHMUS_FUNCTION(log2), std::log2, 0.9},
    {ISTHMUS_FUNCTION(log10), std::log10, 0.9},
    {ISTHMUS_FUNCTION(log1p), std::log1p, 1.5},
    {ISTHMUS_FUNCTION(sin), std::sin, 1.6},
    {ISTHMUS_FUNCTION(cos), std::cos, 1.6},
    {ISTHMUS_FUNCTION(tan), std::tan, 3.8},
    {ISTHMUS_FUNCTION(sinh), std::sinh, 2.7},
    {ISTHMUS_FUNCTION(cosh), std::cosh, 2.7},
    {ISTHMUS_FUNCTION(tanh), std::tanh, 1.4},
    {ISTHMUS_FUNCTION(erf), std::erf, 1.1},
    {ISTHMUS_FUNCTION(sigmoid), sigmoid, 2.3},
    {ISTHMUS_FUNCTION(softplus), softplus, 1.9},
    // Where the result is much smaller than x its own digits are those of a difference.
    {ISTHMUS_FUNCTION(silu), silu, 3.0, 0x1p-149},
    {ISTHMUS_FUNCTION(gelu_erf), gelu_erf, 2.0, 0x1p-23},
    {ISTHMUS_FUNCTION(gelu_tanh), gelu_tanh, 2.0, 0x1p-23},
};

double ulp(double x) {
  const double a = std::fabs(x);
  return a < FLT_MIN ? 0x1p-149 : std::ldexp(1.0, std::ilogb(a) - 23);
}

class Elementary : public testing::TestWithParam<Function> {};

TEST_P(Elementary, StaysWithinItsBoundOverAllMagnitudes) {
  const Function& f = GetParam();
  for (uint64_t pattern = 0; pattern < (uint64_t{1} << 32); pattern += 9973) {
    const float x = elementary::from_bits(static_cast<int32_t>(static_cast<uint32_t>(pattern)));
    const float y = f.ours(x);
    const double exact = f.exact(x);
    if (std::isinf(x) && std::isnan(exact)) continue;
    if (std::isnan(exact)) {
      ASSERT_TRUE(std::isnan(y)) << f.name << "(" << x << ") = " << y;
      continue;
    }
    // Beyond the largest number infinity is right, and so is the largest number half a unit around the
    // border.
    if (std::fabs(exact) >= 0x1.ffffffp127) {
      ASSERT_GE(std::fabs(y), FLT_MAX) << f.name << "(" << x << ")";
      continue;
    }
    const double error = std::fabs(y - exact);
    ASSERT_LE(error, f.bound * ulp(exact) + f.of_x * std::fabs(x))
        << f.name << "(" << x << ") = " << y << ", not " << exact << ": " << error / ulp(exact) << " ulp";
  }
}

INSTANTIATE_TEST_SUITE_P(All, Elementary, testing::ValuesIn(kFunctions),
                         [](const auto& info) { return std::string(info.param.name); });

void expect_bits(float x, float expected) {
  if (std::isnan(expected))
    EXPECT_TRUE(std::isnan(x)) << x;
  else
    EXPECT_EQ(elementary::bits(x), elementary::bits(expected)) << x << " is not " << expected;
}

TEST(ElementaryEnds, InfinitiesNanAndZeros) {
  using namespace elementary;
  for (const Function& f : kFunctions) EXPECT_TRUE(std::isnan(f.ours(kNan))) << f.name;
  expect_bits(exp(kInf), kInf);
  expect_bits(exp(-kInf), 0.0f);
  expect_bits(exp(-0.0f), 1.0f);
  expect_bits(expm1(-kInf), -1.0f);
  expect_bits(expm1(-0.0f), -0.0f);
  expect_bits(log(0.0f), -kInf);
  expect_bits(log(-0.0f), -kInf);
  expect_bits(log(-1.0f), kNan);
  expect_bits(log(kInf), kInf);
  expect_bits(log(1.0f), 0.0f);
  expect_bits(log2(8.0f), 3.0f);
  expect_bits(log2(0x1p-149f), -149.0f);
  expect_bits(log1p(-1.0f), -kInf);
  expect_bits(log1p(-0.0f), -0.0f);
  expect_bits(log1p(-2.0f), kNan);
  expect_bits(log1p(kInf), kInf);
  for (const float zero : {0.0f, -0.0f})
    for (float (*odd)(float) :
         {+[](float x) { return sin(x); }, +[](float x) { return tan(x); }, +[](float x) { return tanh(x); },
          +[](float x) { return erf(x); }, +[](float x) { return sinh(x); }})
      expect_bits(odd(zero), zero);
  expect_bits(sin(kInf), kNan);
  expect_bits(cos(-kInf), kNan);
  expect_bits(tanh(-kInf), -1.0f);
  expect_bits(erf(kInf), 1.0f);
  expect_bits(cosh(-kInf), kInf);
  expect_bits(sinh(-kInf), -kInf);
  expect_bits(sigmoid(-kInf), 0.0f);
  expect_bits(sigmoid(kInf), 1.0f);
  expect_bits(softplus(kInf), kInf);
  expect_bits(softplus(-kInf), 0.0f);
  expect_bits(silu(kInf), kInf);
  expect_bits(silu(-kInf), kNan);  // -infinity * 0
}

TEST(ElementaryEnds, SubnormalResultsAreRoundedOnce) {
  for (const float x : {-87.5f, -95.0f, -100.0f, -103.0f, -103.9f, -103.98f})
    EXPECT_NEAR(elementary::exp(x), std::exp(static_cast<double>(x)), 0x1p-149) << x;
  EXPECT_EQ(elementary::exp(-103.98f), 0.0f);
  EXPECT_GT(elementary::exp(-103.9f), 0.0f);
}

// Floats next to multiples of a quarter turn lose most digits when reduced carelessly.
TEST(ElementaryEnds, SinesNextToQuarterTurns) {
  for (int k = 1; k < 200000; k += 7) {
    const float x = static_cast<float>(k * std::numbers::pi / 2);
    EXPECT_NEAR(elementary::sin(x), std::sin(static_cast<double>(x)),
                1.6 * ulp(std::sin(static_cast<double>(x))))
        << x;
    EXPECT_NEAR(elementary::cos(x), std::cos(static_cast<double>(x)),
                1.6 * ulp(std::cos(static_cast<double>(x))))
        << x;
  }
}

}  // namespace
}  // namespace isthmus
