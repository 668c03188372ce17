// SPDX-License-Identifier: Apache-2.0
// Elementary functions in F32, each one template for a number and for 16 lanes, made of + - * / fma sqrt,
// rounding and bit operations only: every machine and every width gives the same bits
// (docs/decisions/0001-numerics.md).
//
// The formulas are in the common subset of C++ and of the portable kernels' language, in which they are
// functions of float (docs/guide/portable-kernels.md); the words in capitals stand for what differs.
//
// Kernel files include devices/cpu/elementary.h and call elementary::exp(v) with float or F32x16; everything
// else calls elementary::exp(x) with float. elementary_test.cpp holds the largest error of each, measured
// over all magnitudes: 0.8 to 1.6 units in the last place, more for tan, sinh, cosh and sigmoid. NaN gives
// NaN; infinities, zeros of both signs and subnormal results are right unless said otherwise.
#pragma once

// ---- What the formulas are written in
// -----------------------------------------------------------------------------

// c0 + x * (c1 + x * (c2 + …)), each step one fma.
#define ISTHMUS_POLYNOMIAL_2(X, C0, C1) fma(X, ISTHMUS_SPLAT(C1), ISTHMUS_SPLAT(C0))
#define ISTHMUS_POLYNOMIAL_3(X, C0, C1, C2) fma(X, ISTHMUS_POLYNOMIAL_2(X, C1, C2), ISTHMUS_SPLAT(C0))
#define ISTHMUS_POLYNOMIAL_4(X, C0, C1, C2, C3) fma(X, ISTHMUS_POLYNOMIAL_3(X, C1, C2, C3), ISTHMUS_SPLAT(C0))
#define ISTHMUS_POLYNOMIAL_5(X, C0, C1, C2, C3, C4) \
  fma(X, ISTHMUS_POLYNOMIAL_4(X, C1, C2, C3, C4), ISTHMUS_SPLAT(C0))
#define ISTHMUS_POLYNOMIAL_6(X, C0, C1, C2, C3, C4, C5) \
  fma(X, ISTHMUS_POLYNOMIAL_5(X, C1, C2, C3, C4, C5), ISTHMUS_SPLAT(C0))
#define ISTHMUS_POLYNOMIAL_7(X, C0, C1, C2, C3, C4, C5, C6) \
  fma(X, ISTHMUS_POLYNOMIAL_6(X, C1, C2, C3, C4, C5, C6), ISTHMUS_SPLAT(C0))
#define ISTHMUS_POLYNOMIAL_8(X, C0, C1, C2, C3, C4, C5, C6, C7) \
  fma(X, ISTHMUS_POLYNOMIAL_7(X, C1, C2, C3, C4, C5, C6, C7), ISTHMUS_SPLAT(C0))
#define ISTHMUS_POLYNOMIAL_9(X, C0, C1, C2, C3, C4, C5, C6, C7, C8) \
  fma(X, ISTHMUS_POLYNOMIAL_8(X, C1, C2, C3, C4, C5, C6, C7, C8), ISTHMUS_SPLAT(C0))

#if defined(ISTHMUS_PORTABLE)

#define V float
#define ISTHMUS_V_FUNCTION FUNCTION
#define ISTHMUS_V_STRUCT(NAME) struct NAME
#define ISTHMUS_OF_V(NAME) struct NAME
#define ISTHMUS_OF_FLOAT(NAME) struct NAME
#define ISTHMUS_INTEGER int
#define ISTHMUS_MASK bool
#define ISTHMUS_SPLAT(NUMBER) (NUMBER)
#define ISTHMUS_NUMBER(TYPE, NAME) CONSTANT TYPE NAME
#define kInfinity INFINITY
#define kNan NAN

// The language has functions of these names, which are not exact: from here on they are ours.
#undef exp
#undef exp2
#undef expm1
#undef log
#undef log2
#undef log10
#undef log1p
#undef sin
#undef cos
#undef tan
#undef sincos
#undef sinh
#undef cosh
#undef tanh
#undef erf
#undef bits
#define exp isthmus_exp
#define exp2 isthmus_exp2
#define expm1 isthmus_expm1
#define log isthmus_log
#define log2 isthmus_log2
#define log10 isthmus_log10
#define log1p isthmus_log1p
#define sin isthmus_sin
#define cos isthmus_cos
#define tan isthmus_tan
#define sincos isthmus_sincos
#define sinh isthmus_sinh
#define cosh isthmus_cosh
#define tanh isthmus_tanh
#define erf isthmus_erf

#define bits(x) as_int(x)
#define from_bits(b) as_float(b)
#define to_f32(i) ((float)(i))
// x, or the limit it is beyond; NaN stays.
FUNCTION float bounded(float x, float low, float high) { return x > high ? high : x < low ? low : x; }

#else

#include <cstdint>
#include <cstring>

#define ISTHMUS_ELEMENTARY __attribute__((always_inline)) inline
#define ISTHMUS_V_FUNCTION \
  template <typename V>    \
  ISTHMUS_ELEMENTARY
#define ISTHMUS_V_STRUCT(NAME) \
  template <typename V>        \
  struct NAME
#define ISTHMUS_OF_V(NAME) NAME<V>
#define ISTHMUS_OF_FLOAT(NAME) NAME<float>
#define ISTHMUS_INTEGER typename Splat<V>::Integer
#define ISTHMUS_MASK auto
#define ISTHMUS_SPLAT(NUMBER) splat<V>(NUMBER)
#define ISTHMUS_NUMBER(TYPE, NAME) inline constexpr TYPE NAME

// Per instruction set: code for one may not be merged with code for another at link time.
#if defined(ISTHMUS_ISA)
namespace isthmus::cpu::ISTHMUS_ISA::elementary {
#else
namespace isthmus::elementary {
#endif

ISTHMUS_ELEMENTARY float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
ISTHMUS_ELEMENTARY float sqrt(float x) { return __builtin_sqrtf(x); }
ISTHMUS_ELEMENTARY float to_f32(int32_t i) { return static_cast<float>(i); }
ISTHMUS_ELEMENTARY float select(bool mask, float a, float b) { return mask ? a : b; }
ISTHMUS_ELEMENTARY int32_t bits(float x) {
  int32_t b;
  std::memcpy(&b, &x, sizeof(b));
  return b;
}
ISTHMUS_ELEMENTARY float from_bits(int32_t b) {
  float x;
  std::memcpy(&x, &b, sizeof(x));
  return x;
}
// x, or the limit it is beyond; NaN stays.
ISTHMUS_ELEMENTARY float bounded(float x, float low, float high) {
  return x > high ? high : x < low ? low : x;
}
ISTHMUS_ELEMENTARY bool any(bool mask) { return mask; }

template <typename V>
struct Splat;
template <>
struct Splat<float> {
  static constexpr int kLanes = 1;
  using Integer = int32_t;
  ISTHMUS_ELEMENTARY static float of(float x) { return x; }
};
#if defined(ISTHMUS_ISA)
using cpu::ISTHMUS_ISA::any;
using cpu::ISTHMUS_ISA::bits;
using cpu::ISTHMUS_ISA::bounded;
using cpu::ISTHMUS_ISA::fma;
using cpu::ISTHMUS_ISA::from_bits;
using cpu::ISTHMUS_ISA::select;
using cpu::ISTHMUS_ISA::sqrt;
using cpu::ISTHMUS_ISA::to_f32;
template <>
struct Splat<F32x16> {
  static constexpr int kLanes = 16;
  using Integer = I32x16;
  ISTHMUS_ELEMENTARY static F32x16 of(float x) { return cpu::ISTHMUS_ISA::set1(x); }
};
#endif

template <typename V>
ISTHMUS_ELEMENTARY V splat(float x) {
  return Splat<V>::of(x);
}
template <typename V>
ISTHMUS_ELEMENTARY V fma(V a, float b, V c) {
  return fma(a, splat<V>(b), c);
}
// The polynomials above for C++ alone, with any number of coefficients.
template <typename V>
ISTHMUS_ELEMENTARY V polynomial(V, float c0) {
  return splat<V>(c0);
}
template <typename V, typename... C>
ISTHMUS_ELEMENTARY V polynomial(V x, float c0, C... rest) {
  return fma(x, polynomial(x, rest...), splat<V>(c0));
}
inline constexpr float kInfinity = __builtin_inff();
inline constexpr float kNan = __builtin_nanf("");

#endif

ISTHMUS_V_FUNCTION V magnitude(V x) { return from_bits(bits(x) & 0x7fffffff); }
// The magnitude of `x`, the sign of `sign`.
ISTHMUS_V_FUNCTION V with_sign(V x, V sign) {
  return from_bits((bits(x) & 0x7fffffff) | (bits(sign) & (int32_t)0x80000000));
}

// Adding it leaves the nearest integer in the low bits of the sum.
ISTHMUS_NUMBER(float, kRounder) = 0x1.8p23f;
ISTHMUS_NUMBER(int32_t, kRounderBits) = 0x4b400000;
ISTHMUS_NUMBER(float, kLn2High) = 0x1.62e43p-1f;
ISTHMUS_NUMBER(float, kLn2Low) = -0x1.05c61p-29f;
ISTHMUS_NUMBER(float, kLog2E) = 0x1.715476p+0f;
ISTHMUS_NUMBER(float, kLog2ELow) = 0x1.4ae0c0p-26f;

// ---- Exponentials
// --------------------------------------------------------------------------------------------------

// x = n ln 2 + r with |r| <= ln 2 / 2 (a little more where the product rounds up); n also as a float. |x| <
// 2^21.
ISTHMUS_V_STRUCT(ExpParts) {
  ISTHMUS_INTEGER n;
  V n_float, r;
};
ISTHMUS_V_FUNCTION ISTHMUS_OF_V(ExpParts) split_exp(V x) {
  const V t = fma(x, kLog2E, ISTHMUS_SPLAT(kRounder));
  const V n = t - kRounder;
  ISTHMUS_OF_V(ExpParts) parts;
  parts.n = bits(t) - kRounderBits;
  parts.n_float = n;
  parts.r = fma(n, -kLn2Low, fma(n, -kLn2High, x));
  return parts;
}
// e^r - 1 for the r above.
ISTHMUS_V_FUNCTION V expm1_of_small(V r) {
  const V p = ISTHMUS_POLYNOMIAL_5(r, 0.5f, 0x1.555490p-3f, 0x1.5554cep-5f, 0x1.123ab8p-7f, 0x1.6d6bccp-10f);
  return fma(r * r, p, r);
}
// x * 2^n, rounded once, -252 <= n <= 254; n in both forms.
ISTHMUS_V_FUNCTION V scale_by_power(V x, ISTHMUS_INTEGER n, V n_float) {
  (void)n_float;
  const ISTHMUS_INTEGER halved = n >> 1;
  return x * from_bits((halved + 127) << 23) * from_bits((n - halved + 127) << 23);
}
#if defined(ISTHMUS_ISA) && defined(__AVX512F__)
ISTHMUS_ELEMENTARY F32x16 scale_by_power(F32x16 x, I32x16, F32x16 n) {
  return (F32x16)_mm512_maskz_scalef_ps((__mmask16)-1, (__m512)x, (__m512)n);
}
#endif

ISTHMUS_V_FUNCTION V exp(V x) {
  const ISTHMUS_OF_V(ExpParts) parts = split_exp(bounded(x, -104.0f, 89.0f));
  return scale_by_power(expm1_of_small(parts.r) + 1.0f, parts.n, parts.n_float);
}
ISTHMUS_V_FUNCTION V exp2(V x) {
  x = bounded(x, -151.0f, 129.0f);
  const V t = x + kRounder;
  const V n = t - kRounder;
  const V f = x - n;  // exact
  const V r = fma(f, kLn2Low, f * kLn2High);
  return scale_by_power(expm1_of_small(r) + 1.0f, bits(t) - kRounderBits, n);
}
ISTHMUS_V_FUNCTION V expm1(V x) {
  const ISTHMUS_OF_V(ExpParts) parts = split_exp(bounded(x, -30.0f, 40.0f));
  const V scale = from_bits((parts.n + 127) << 23);
  const V r = fma(scale, expm1_of_small(parts.r), scale - 1.0f);
  return select(x > 39.0f, exp(x), select(x == 0.0f, x, r));
}
ISTHMUS_V_FUNCTION V sigmoid(V x) {
  const V e = exp(-magnitude(x));
  return select(x >= 0.0f, ISTHMUS_SPLAT(1.0f), e) / (e + 1.0f);
}
// x * sigmoid(x); NaN at minus infinity.
ISTHMUS_V_FUNCTION V silu(V x) { return x * sigmoid(x); }
ISTHMUS_V_FUNCTION V tanh(V x) {
  const V a = magnitude(x), z = x * x;
  const V p = ISTHMUS_POLYNOMIAL_6(z, -0x1.555554p-2f, 0x1.11107cp-3f, -0x1.b9f220p-5f, 0x1.63ad18p-6f,
                                   -0x1.0c895ep-7f, 0x1.1ace3ep-9f);
  const V small = fma(a * z, p, a);
  const V large = 1.0f - 2.0f / (exp(a + a) + 1.0f);
  return with_sign(select(a < 0.625f, small, large), x);
}
ISTHMUS_V_FUNCTION V sinh(V x) {
  const V a = magnitude(x), t = expm1(a), halved = exp(a * 0.5f);
  return with_sign(select(a < 44.0f, (t + t / (t + 1.0f)) * 0.5f, (halved * 0.5f) * halved), x);
}
ISTHMUS_V_FUNCTION V cosh(V x) {
  const V a = magnitude(x), e = exp(a), halved = exp(a * 0.5f);
  return select(a < 44.0f, e * 0.5f + 0.5f / e, (halved * 0.5f) * halved);
}

// ---- Logarithms
// ----------------------------------------------------------------------------------------------------

// x = 2^e (1 + f), sqrt(1/2) <= 1 + f < sqrt(2), for positive finite x (subnormals too); anything else gives
// those of 1.
ISTHMUS_V_STRUCT(LogParts) { V e, f; };
ISTHMUS_V_FUNCTION ISTHMUS_OF_V(LogParts) split_log(V x) {
  const ISTHMUS_MASK subnormal = x < 0x1p-126f;
  V y = select(subnormal, x * 0x1p24f, x);
  y = select(x > 0.0f, select(x < kInfinity, y, ISTHMUS_SPLAT(1.0f)), ISTHMUS_SPLAT(1.0f));
  const ISTHMUS_INTEGER e = (bits(y) - 0x3f3504f3) >> 23;
  const V adjustment =
      select(x > 0.0f, select(subnormal, ISTHMUS_SPLAT(-24.0f), ISTHMUS_SPLAT(0.0f)), ISTHMUS_SPLAT(0.0f));
  ISTHMUS_OF_V(LogParts) parts;
  parts.e = to_f32(e) + adjustment;
  parts.f = from_bits(bits(y) - (e << 23)) - 1.0f;
  return parts;
}
// log(1 + f) - f
ISTHMUS_V_FUNCTION V log1p_tail(V f) {
  const V p =
      ISTHMUS_POLYNOMIAL_9(f, 0x1.555548p-2f, -0x1.000006p-2f, 0x1.99a476p-3f, -0x1.555c44p-3f,
                           0x1.233ba2p-3f, -0x1.fc28cap-4f, 0x1.e6c00ap-4f, -0x1.de01dcp-4f, 0x1.14733ep-4f);
  const V s = f * f;
  return fma(f * s, p, s * -0.5f);
}
// What logarithms give outside of the positive finite numbers.
ISTHMUS_V_FUNCTION V log_ends(V x, V r) {
  r = select(x == kInfinity, x, r);
  r = select(x == 0.0f, ISTHMUS_SPLAT(-kInfinity), r);
  return select(x >= 0.0f, r, ISTHMUS_SPLAT(kNan));
}

ISTHMUS_V_FUNCTION V log(V x) {
  const ISTHMUS_OF_V(LogParts) parts = split_log(x);
  const V low = fma(parts.e, kLn2Low, log1p_tail(parts.f));
  return log_ends(x, fma(parts.e, kLn2High, parts.f + low));
}
ISTHMUS_V_FUNCTION V log2(V x) {
  const ISTHMUS_OF_V(LogParts) parts = split_log(x);
  const V tail = log1p_tail(parts.f);
  const V low = fma(parts.f, kLog2ELow, tail * kLog2E);
  return log_ends(x, parts.e + fma(parts.f, kLog2E, low));
}
ISTHMUS_V_FUNCTION V log10(V x) {
  const ISTHMUS_OF_V(LogParts) parts = split_log(x);
  const V tail = log1p_tail(parts.f);
  const V low = fma(parts.f, -0x1.5b235ep-27f, tail * 0x1.bcb7b2p-2f);
  const V natural = fma(parts.f, 0x1.bcb7b2p-2f, low);
  return log_ends(x, fma(parts.e, 0x1.344136p-2f, fma(parts.e, -0x1.ec10c0p-27f, natural)));
}
ISTHMUS_V_FUNCTION V log1p(V x) {
  const V u = x + 1.0f;
  const V r = log(u) - ((u - 1.0f) - x) / u;
  return log_ends(u, select(x == 0.0f, x, r));
}
// log(1 + e^x)
ISTHMUS_V_FUNCTION V softplus(V x) {
  return select(x > 0.0f, x, ISTHMUS_SPLAT(0.0f)) + log1p(exp(-magnitude(x)));
}

// ---- Circular functions
// --------------------------------------------------------------------------------------------

#if !defined(ISTHMUS_PORTABLE) || defined(ISTHMUS_F64)  // large arguments need F64

// x = q pi/2 + r with |r| <= pi/4 (a hair more where the product rounds up); of q the last two bits count.
ISTHMUS_V_STRUCT(QuarterTurns) {
  ISTHMUS_INTEGER q;
  V r;
};
// For |x| >= 2^20: multiplies the 24-bit mantissa by the 96 bits of 2/pi that matter modulo four quarter
// turns.
ISTHMUS_NUMBER(uint32_t, kTwoOverPi)
[8] = {0, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu};
#if defined(ISTHMUS_PORTABLE)
FUNCTION
#else
[[maybe_unused]] static
#endif
ISTHMUS_OF_FLOAT(QuarterTurns) turns_of_large(float x) {
  ISTHMUS_OF_FLOAT(QuarterTurns) turns;
  turns.q = 0;
  turns.r = kNan;
  const uint32_t b = (uint32_t)bits(x) & 0x7fffffffu;
  if (b >= 0x7f800000u) return turns;
  const uint64_t mantissa = (b & 0x7fffffu) | 0x800000u;
  const int offset = (int)(b >> 23) - 150 + 30;  // of the first bit that counts
  const int word = offset / 32, shift = offset % 32;
  uint64_t w[3];
  for (int i = 0; i < 3; ++i)
    w[i] = (uint32_t)((((uint64_t)kTwoOverPi[word + i] << 32 | kTwoOverPi[word + i + 1]) << shift) >> 32);
  const uint64_t sum =
      ((mantissa * w[0]) << 32) + mantissa * w[1] + ((mantissa * w[2]) >> 32);  // 2^62 are a quarter
  const uint64_t q = (sum + ((uint64_t)1 << 61)) >> 62;
  const float r = (float)((double)(int64_t)(sum - (q << 62)) * 0x1.921fb54442d18p-62);
  turns.q = x < 0 ? -(int32_t)q : (int32_t)q;
  turns.r = x < 0 ? -r : r;
  return turns;
}
#if defined(ISTHMUS_ISA)
[[maybe_unused]] static void large_quarter_turns(const float* x, int32_t* q, float* r) {
  for (int i = 0; i < 16; ++i) {
    if (!(magnitude(x[i]) >= 0x1p20f)) continue;
    const QuarterTurns<float> lane = turns_of_large(x[i]);
    q[i] = lane.q;
    r[i] = lane.r;
  }
}
ISTHMUS_ELEMENTARY QuarterTurns<F32x16> large_quarter_turns(F32x16 x, QuarterTurns<F32x16> turns) {
  float lanes[16], r[16];
  int32_t q[16];
  store(lanes, x);
  store(r, turns.r);
  store(q, turns.q);
  large_quarter_turns(lanes, q, r);
  return {cpu::ISTHMUS_ISA::load(q), cpu::ISTHMUS_ISA::load(r)};
}
#endif
#if defined(ISTHMUS_PORTABLE)
#define large_quarter_turns(x, turns) turns_of_large(x)
#define less_rounder_bits(b) ((int)((uint)(b) - (uint)kRounderBits))
#else
// Of large x the difference wraps and is not used.
template <typename I>
ISTHMUS_ELEMENTARY I less_rounder_bits(I bits) {
  return bits - kRounderBits;
}
template <>
ISTHMUS_ELEMENTARY int32_t less_rounder_bits(int32_t bits) {
  return static_cast<int32_t>(static_cast<uint32_t>(bits) - static_cast<uint32_t>(kRounderBits));
}
ISTHMUS_ELEMENTARY QuarterTurns<float> large_quarter_turns(float x, QuarterTurns<float>) {
  return turns_of_large(x);
}
#endif
ISTHMUS_V_FUNCTION ISTHMUS_OF_V(QuarterTurns) quarter_turns(V x) {
  const V t = fma(x, 0x1.45f306p-1f, ISTHMUS_SPLAT(kRounder));
  const V n = t - kRounder;
  // The first step is exact; the others round relative to their small results.
  const V r = fma(n, 0x1.ee59dap-50f, fma(n, 0x1.777a5cp-25f, fma(n, -0x1.921fb6p+0f, x)));
  ISTHMUS_OF_V(QuarterTurns) turns;
  turns.q = less_rounder_bits(bits(t));
  turns.r = select(x == 0.0f, x, r);  // -0 stays
  if (any(magnitude(x) >= 0x1p20f)) return large_quarter_turns(x, turns);
  return turns;
}
ISTHMUS_V_FUNCTION V sin_of_small(V r) {
  const V z = r * r;
  const V p = ISTHMUS_POLYNOMIAL_4(z, -0x1.555556p-3f, 0x1.111176p-7f, -0x1.a05bbap-13f, 0x1.7cd836p-19f);
  return select(r == 0.0f, r, fma(r * z, p, r));
}
ISTHMUS_V_FUNCTION V cos_of_small(V r) {
  const V z = r * r;
  const V p = ISTHMUS_POLYNOMIAL_4(z, 0x1.555556p-5f, -0x1.6c1762p-10f, 0x1.a075e8p-16f, -0x1.372432p-22f);
  return fma(z * z, p, fma(z, -0.5f, ISTHMUS_SPLAT(1.0f)));
}
ISTHMUS_V_STRUCT(SinCos) { V sin, cos; };
ISTHMUS_V_FUNCTION ISTHMUS_OF_V(SinCos) sincos(V x) {
  const ISTHMUS_OF_V(QuarterTurns) turns = quarter_turns(x);
  const V s = sin_of_small(turns.r), c = cos_of_small(turns.r);
  const ISTHMUS_MASK odd = (turns.q & 1) != 0;
  const V sine = select(odd, c, s), cosine = select(odd, s, c);
  ISTHMUS_OF_V(SinCos) both;
  both.sin = from_bits(bits(sine) ^ ((turns.q & 2) << 30));
  both.cos = from_bits(bits(cosine) ^ (((turns.q + 1) & 2) << 30));
  return both;
}
ISTHMUS_V_FUNCTION V sin(V x) { return sincos(x).sin; }
ISTHMUS_V_FUNCTION V cos(V x) { return sincos(x).cos; }
ISTHMUS_V_FUNCTION V tan(V x) {
  const ISTHMUS_OF_V(QuarterTurns) turns = quarter_turns(x);
  const V s = sin_of_small(turns.r), c = cos_of_small(turns.r);
  const ISTHMUS_MASK odd = (turns.q & 1) != 0;
  return select(odd, -c, s) / select(odd, s, c);
}

#endif

// ---- Error function
// ------------------------------------------------------------------------------------------------

ISTHMUS_V_FUNCTION V erf(V x) {
  const V a = magnitude(x), z = x * x;
  const V p = ISTHMUS_POLYNOMIAL_7(z, 0x1.06eba8p-3f, -0x1.812740p-2f, 0x1.ce2d60p-4f, -0x1.b80078p-6f,
                                   0x1.5441a8p-8f, -0x1.a5aeb2p-11f, 0x1.4e0bfcp-14f);
  const V b = select(a > 4.0f, ISTHMUS_SPLAT(4.0f), a);
  const V log_erfc =
      ISTHMUS_POLYNOMIAL_8(b, 0x1.6e5658p-13f, -0x1.2127e4p+0f, -0x1.44460ap-1f, -0x1.bb840ep-4f,
                           0x1.9b8f42p-6f, -0x1.115ca8p-8f, 0x1.c79a18p-12f, -0x1.61fbb6p-16f);
  return with_sign(select(a < 0.921875f, fma(a, p, a), 1.0f - exp(log_erfc)), x);
}
// x/2 (1 + erf(x / sqrt 2)); the error is relative to |x|. NaN at minus infinity.
ISTHMUS_V_FUNCTION V gelu_erf(V x) {
  const V halved = x * 0.5f;
  return fma(halved, erf(x * 0x1.6a09e6p-1f), halved);
}
// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))); the error is relative to |x|. NaN at minus infinity.
ISTHMUS_V_FUNCTION V gelu_tanh(V x) {
  const V halved = x * 0.5f;
  const V inner = fma(x * x, x * 0.044715f, x) * 0x1.988454p-1f;
  return fma(halved, tanh(inner), halved);
}

#if defined(ISTHMUS_PORTABLE)
#undef V
#else
}  // namespace
#endif
