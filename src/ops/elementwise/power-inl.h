// SPDX-License-Identifier: Apache-2.0
// x to the power y in F32, worked out in F64 steps that every machine has, so that only the last rounding
// shows. In the common subset of C++ and of the portable kernels' language, as base/elementary-inl.h;
// included by vocabulary-inl.h and vocabulary.cl only.
#pragma once

#if defined(ISTHMUS_PORTABLE)
#define ISTHMUS_POWER FUNCTION
#define f64_bits(x) as_long(x)
#define f64_from_bits(b) as_double(b)
#else
#define ISTHMUS_POWER ISTHMUS_ELEMENTARY
#if defined(ISTHMUS_ISA)
namespace isthmus::cpu::ISTHMUS_ISA::elementary {
#else
namespace isthmus::elementary {
#endif
ISTHMUS_ELEMENTARY int64_t f64_bits(double x) { return __builtin_bit_cast(int64_t, x); }
ISTHMUS_ELEMENTARY double f64_from_bits(int64_t b) { return __builtin_bit_cast(double, b); }
ISTHMUS_ELEMENTARY float trunc(float x) { return __builtin_truncf(x); }
ISTHMUS_ELEMENTARY double rint(double x) { return __builtin_rint(x); }
#endif

// log2 of a positive finite number, to about 1e-16: x = 2^e m, log m = 2 atanh((m - 1) / (m + 1)) as a
// series.
ISTHMUS_POWER double log2_for_power(double x) {
  const int64_t b = f64_bits(x);
  const int64_t e = (b - 0x3fe6a09e667f3bcd) >> 52;
  const double m = f64_from_bits(b - (e << 52));
  const double s = (m - 1) / (m + 1), z = s * s;
  double sum = 1.0 / 21;
  for (int k = 19; k >= 1; k -= 2) sum = sum * z + 1.0 / k;
  return sum * s * 0x1.71547652b82fep+1 + (double)e;
}
// 2^t for |t| <= 1000, by the series of exp over [-ln 2 / 2, ln 2 / 2].
ISTHMUS_POWER double exp2_for_power(double t) {
  const double n = rint(t), r = (t - n) * 0x1.62e42fefa39efp-1;
  double sum = 1;
  for (int k = 13; k >= 1; --k) sum = sum * r / k + 1;
  return sum * f64_from_bits(((int64_t)n + 1023) << 52);
}

// C's rules for special operands: 1 to any power and anything to 0 are 1, NaN included; a negative number to
// a power that is not whole is NaN.
ISTHMUS_POWER float power(float x, float y) {
  if (y == 0 || x == 1) return 1;
  if (x != x || y != y) return x + y;
  const float size = magnitude(x), exponent = magnitude(y), whole = trunc(y);
  const bool odd = whole == y && exponent < 0x1p24f && ((int32_t)y & 1) != 0;
  float result;
  if (size == 0 || size == kInfinity) {
    result = (size == 0) == (y > 0) ? 0 : kInfinity;
  } else if (exponent == kInfinity) {
    if (size == 1) return 1;
    return (size > 1) == (y > 0) ? kInfinity : 0;
  } else {
    if (x < 0 && whole != y) return kNan;
    const double t = (double)y * log2_for_power((double)size);
    result = (float)exp2_for_power(t > 200 ? 200 : t < -200 ? -200 : t);
  }
  return odd && bits(x) < 0 ? -result : result;
}

#undef ISTHMUS_POWER
#if !defined(ISTHMUS_PORTABLE)
}  // namespace
#endif
