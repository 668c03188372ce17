// SPDX-License-Identifier: Apache-2.0
// x to the power y in F32, worked out in F64 steps that every machine has, so that only the last rounding
// shows. Included by vocabulary-inl.h only.
#pragma once

#if defined(ISTHMUS_ISA)
namespace isthmus::cpu::ISTHMUS_ISA::formulas {
#else
namespace isthmus::formulas {
#endif

// log2 of a positive finite number, to about 1e-16: x = 2^e m, log m = 2 atanh((m - 1) / (m + 1)) as a
// series.
ISTHMUS_FORMULA double log2_for_power(double x) {
  const int64_t bits = __builtin_bit_cast(int64_t, x);
  const int64_t e = (bits - 0x3fe6a09e667f3bcd) >> 52;
  const double m = __builtin_bit_cast(double, bits - (e << 52));
  const double s = (m - 1) / (m + 1), z = s * s;
  double sum = 1.0 / 21;
  for (int k = 19; k >= 1; k -= 2) sum = sum * z + 1.0 / k;
  return sum * s * 0x1.71547652b82fep+1 + static_cast<double>(e);
}
// 2^t for |t| <= 1000, by the series of exp over [-ln 2 / 2, ln 2 / 2].
ISTHMUS_FORMULA double exp2_for_power(double t) {
  const double n = __builtin_rint(t), r = (t - n) * 0x1.62e42fefa39efp-1;
  double sum = 1;
  for (int k = 13; k >= 1; --k) sum = sum * r / k + 1;
  return sum * __builtin_bit_cast(double, (static_cast<int64_t>(n) + 1023) << 52);
}

// C's rules for special operands: 1 to any power and anything to 0 are 1, NaN included; a negative number to
// a power that is not whole is NaN.
ISTHMUS_FORMULA float power(float x, float y) {
  if (y == 0 || x == 1) return 1;
  if (x != x || y != y) return x + y;
  const float size = abs(x), whole = __builtin_truncf(y);
  const bool odd = whole == y && abs(y) < 0x1p24f && (static_cast<int32_t>(y) & 1) != 0;
  double result;
  if (size == 0 || size == __builtin_inff()) {
    result = (size == 0) == (y > 0) ? 0 : __builtin_inf();
  } else if (abs(y) == __builtin_inff()) {
    if (size == 1) return 1;
    return (size > 1) == (y > 0) ? __builtin_inff() : 0;
  } else {
    if (x < 0 && whole != y) return __builtin_nanf("");
    const double t = static_cast<double>(y) * log2_for_power(size);
    result = exp2_for_power(t > 200 ? 200 : t < -200 ? -200 : t);
  }
  const float magnitude = static_cast<float>(result);
  return odd && __builtin_signbit(x) ? -magnitude : magnitude;
}
ISTHMUS_FORMULA double power(double x, double y) { return __builtin_pow(x, y); }
#if defined(ISTHMUS_ISA)
[[maybe_unused]] static F32x16 power(F32x16 x, F32x16 y) {
  float a[16], b[16];
  store(a, x);
  store(b, y);
  for (int i = 0; i < 16; ++i) a[i] = power(a[i], b[i]);
  return load(a);
}
#endif
template <typename T>
ISTHMUS_FORMULA T power(T x, T y) {
  return integer_power(x, y);
}

}  // namespace
