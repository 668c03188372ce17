// SPDX-License-Identifier: Apache-2.0
// The words elementwise formulas are written in. Each works on one element (float, double, an integer) and,
// in kernel files, on 16 floats at once, with the same bits; so a formula is one template used by reference
// and kernels.
//
// Integers wrap (two's complement). Nothing an integer operand can be is undefined: see divide, modulo,
// shift_left.
#pragma once

#include <cstdint>

#if defined(ISTHMUS_ISA)
#include "devices/cpu/simd.h"
#endif
#include "base/elementary-inl.h"
#include "ops/elementwise/error-inl.h"
#include "ops/elementwise/inverse-inl.h"
#include "ops/elementwise/power-inl.h"
#if defined(ISTHMUS_ISA)
#define ISTHMUS_FORMULA __attribute__((always_inline)) inline
namespace isthmus::cpu::ISTHMUS_ISA::formulas {
using cpu::ISTHMUS_ISA::abs;
using cpu::ISTHMUS_ISA::bits;
using cpu::ISTHMUS_ISA::fma;
using cpu::ISTHMUS_ISA::from_bits;
using cpu::ISTHMUS_ISA::load;
using cpu::ISTHMUS_ISA::round_even;
using cpu::ISTHMUS_ISA::select;
using cpu::ISTHMUS_ISA::set1;
using cpu::ISTHMUS_ISA::sqrt;
using cpu::ISTHMUS_ISA::store;
#else
#define ISTHMUS_FORMULA inline
namespace isthmus::formulas {
#endif

// Kinds of element an operator takes; a row of a family table names a sum of them.
enum Kinds : int {
  kF32Kind = 1,
  kF64Kind = 2,
  kSignedKind = 4,
  kUnsignedKind = 8,
  kBoolKind = 16,
  kF64ByLibrary = 32
};
inline constexpr int kFloats = kF32Kind | kF64Kind;          // F16 and BF16 are computed as F32
inline constexpr int kElementary = kFloats | kF64ByLibrary;  // F64 is the C library's, and not exact
inline constexpr int kSigned = kFloats | kSignedKind;
inline constexpr int kNumbers = kSigned | kUnsignedKind;
inline constexpr int kIntegers = kSignedKind | kUnsignedKind;
inline constexpr int kPlain = kNumbers | kBoolKind;

inline constexpr double kInfinity = __builtin_inf();

template <typename T>
struct TypeFacts;
#define ISTHMUS_TYPE_FACTS(T, KIND, UNSIGNED) \
  template <>                                 \
  struct TypeFacts<T> {                       \
    static constexpr int kKind = KIND;        \
    using Unsigned = UNSIGNED;                \
  };
ISTHMUS_TYPE_FACTS(float, kF32Kind, uint32_t)
ISTHMUS_TYPE_FACTS(double, kF64Kind, uint64_t)
ISTHMUS_TYPE_FACTS(int8_t, kSignedKind, uint8_t)
ISTHMUS_TYPE_FACTS(int16_t, kSignedKind, uint16_t)
ISTHMUS_TYPE_FACTS(int32_t, kSignedKind, uint32_t)
ISTHMUS_TYPE_FACTS(int64_t, kSignedKind, uint64_t)
ISTHMUS_TYPE_FACTS(uint8_t, kUnsignedKind, uint8_t)
ISTHMUS_TYPE_FACTS(uint16_t, kUnsignedKind, uint16_t)
ISTHMUS_TYPE_FACTS(uint32_t, kUnsignedKind, uint32_t)
ISTHMUS_TYPE_FACTS(uint64_t, kUnsignedKind, uint64_t)
#undef ISTHMUS_TYPE_FACTS
template <typename T>
inline constexpr bool is_float_type = (TypeFacts<T>::kKind & kFloats) != 0;
template <typename T>
inline constexpr bool is_signed_type = TypeFacts<T>::kKind == kSignedKind;

// A number as an element; as an integer it is truncated and saturates, NaN being 0.
template <typename T>
ISTHMUS_FORMULA T saturate(double x) {
  if constexpr (is_float_type<T>) {
    return static_cast<T>(x);
  } else {
    using U = typename TypeFacts<T>::Unsigned;
    constexpr T kHighest =
        is_signed_type<T> ? static_cast<T>(static_cast<U>(~U(0)) >> 1) : static_cast<T>(~U(0));
    constexpr T kLowest = is_signed_type<T> ? static_cast<T>(-kHighest - 1) : T(0);
    constexpr double kAbove = is_signed_type<T> ? 2.0 * (uint64_t(1) << (8 * sizeof(T) - 2))
                                                : 2.0 * (uint64_t(1) << (8 * sizeof(T) - 1));
    if (x != x) return 0;
    if (x >= kAbove) return kHighest;
    if (x <= static_cast<double>(kLowest)) return kLowest;
    return static_cast<T>(x);
  }
}

// A constant of the formula as element or vector.
template <typename V>
struct Constant {
  ISTHMUS_FORMULA static V of(double c) { return saturate<V>(c); }
};

template <typename T>
ISTHMUS_FORMULA T select(bool mask, T a, T b) {
  return mask ? a : b;
}
ISTHMUS_FORMULA bool not_of(bool mask) { return !mask; }

ISTHMUS_FORMULA float abs(float x) {
  return __builtin_bit_cast(float, __builtin_bit_cast(uint32_t, x) & 0x7fffffffu);
}
ISTHMUS_FORMULA double abs(double x) { return __builtin_fabs(x); }
ISTHMUS_FORMULA float sqrt(float x) { return __builtin_sqrtf(x); }
ISTHMUS_FORMULA double sqrt(double x) { return __builtin_sqrt(x); }
ISTHMUS_FORMULA float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
ISTHMUS_FORMULA double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
ISTHMUS_FORMULA float floor(float x) { return __builtin_floorf(x); }
ISTHMUS_FORMULA double floor(double x) { return __builtin_floor(x); }
ISTHMUS_FORMULA float ceil(float x) { return __builtin_ceilf(x); }
ISTHMUS_FORMULA double ceil(double x) { return __builtin_ceil(x); }
ISTHMUS_FORMULA float trunc(float x) { return __builtin_truncf(x); }
ISTHMUS_FORMULA double trunc(double x) { return __builtin_trunc(x); }
ISTHMUS_FORMULA float round_even(float x) { return __builtin_rintf(x); }
ISTHMUS_FORMULA double round_even(double x) { return __builtin_rint(x); }
ISTHMUS_FORMULA float fmod(float x, float y) {
  return __builtin_fmodf(x, y);
}  // exact, so the same everywhere
ISTHMUS_FORMULA double fmod(double x, double y) { return __builtin_fmod(x, y); }

// Of zeros of both signs maximum gives +0 and minimum -0; NaN wins.
ISTHMUS_FORMULA float both_bits(float x, float y) {
  return __builtin_bit_cast(float, __builtin_bit_cast(uint32_t, x) & __builtin_bit_cast(uint32_t, y));
}
ISTHMUS_FORMULA double both_bits(double x, double y) {
  return __builtin_bit_cast(double, __builtin_bit_cast(uint64_t, x) & __builtin_bit_cast(uint64_t, y));
}
ISTHMUS_FORMULA float either_bits(float x, float y) {
  return __builtin_bit_cast(float, __builtin_bit_cast(uint32_t, x) | __builtin_bit_cast(uint32_t, y));
}
ISTHMUS_FORMULA double either_bits(double x, double y) {
  return __builtin_bit_cast(double, __builtin_bit_cast(uint64_t, x) | __builtin_bit_cast(uint64_t, y));
}

#if defined(ISTHMUS_ISA)
template <>
struct TypeFacts<F32x16> {
  static constexpr int kKind = kF32Kind;
};
template <>
struct Constant<F32x16> {
  ISTHMUS_FORMULA static F32x16 of(double c) { return set1(static_cast<float>(c)); }
};
ISTHMUS_FORMULA I32x16 not_of(I32x16 mask) { return ~mask; }
#define ISTHMUS_BY_LANE(NAME, CALL)                 \
  ISTHMUS_FORMULA F32x16 NAME(F32x16 x) {           \
    F32x16 r;                                       \
    for (int i = 0; i < 16; ++i) r[i] = CALL(x[i]); \
    return r;                                       \
  }
#if defined(__AVX512F__)
ISTHMUS_FORMULA F32x16 floor(F32x16 x) {
  return (F32x16)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
ISTHMUS_FORMULA F32x16 ceil(F32x16 x) {
  return (F32x16)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
}
ISTHMUS_FORMULA F32x16 trunc(F32x16 x) {
  return (F32x16)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}
#else
ISTHMUS_BY_LANE(floor, __builtin_floorf)
ISTHMUS_BY_LANE(ceil, __builtin_ceilf)
ISTHMUS_BY_LANE(trunc, __builtin_truncf)
#endif
#undef ISTHMUS_BY_LANE
ISTHMUS_FORMULA F32x16 fmod(F32x16 x, F32x16 y) {
  F32x16 r;
  for (int i = 0; i < 16; ++i) r[i] = __builtin_fmodf(x[i], y[i]);
  return r;
}
ISTHMUS_FORMULA F32x16 both_bits(F32x16 x, F32x16 y) { return from_bits(bits(x) & bits(y)); }
ISTHMUS_FORMULA F32x16 either_bits(F32x16 x, F32x16 y) { return from_bits(bits(x) | bits(y)); }
#endif

template <typename V>
ISTHMUS_FORMULA V maximum(V x, V y) {
  if constexpr ((TypeFacts<V>::kKind & kFloats) != 0) {
    const V larger = select(x > y, x, select(x < y, y, both_bits(x, y)));
    return select(x != x, x, select(y != y, y, larger));
  } else {
    return x > y ? x : y;
  }
}
template <typename V>
ISTHMUS_FORMULA V minimum(V x, V y) {
  if constexpr ((TypeFacts<V>::kKind & kFloats) != 0) {
    const V smaller = select(x < y, x, select(x > y, y, either_bits(x, y)));
    return select(x != x, x, select(y != y, y, smaller));
  } else {
    return x < y ? x : y;
  }
}

// Arithmetic that wraps for integers: done on unsigned numbers of at least 32 bits.
template <typename V>
ISTHMUS_FORMULA V add(V x, V y) {
  if constexpr ((TypeFacts<V>::kKind & kFloats) != 0)
    return x + y;
  else
    return static_cast<V>(static_cast<uint64_t>(x) + static_cast<uint64_t>(y));
}
template <typename V>
ISTHMUS_FORMULA V subtract(V x, V y) {
  if constexpr ((TypeFacts<V>::kKind & kFloats) != 0)
    return x - y;
  else
    return static_cast<V>(static_cast<uint64_t>(x) - static_cast<uint64_t>(y));
}
template <typename V>
ISTHMUS_FORMULA V multiply(V x, V y) {
  if constexpr ((TypeFacts<V>::kKind & kFloats) != 0)
    return x * y;
  else
    return static_cast<V>(static_cast<uint64_t>(x) * static_cast<uint64_t>(y));
}
template <typename V>
ISTHMUS_FORMULA V negate(V x) {
  if constexpr ((TypeFacts<V>::kKind & kFloats) != 0)
    return -x;
  else
    return subtract(V(0), x);
}
template <typename V>
ISTHMUS_FORMULA V absolute(V x) {
  if constexpr ((TypeFacts<V>::kKind & kFloats) != 0)
    return abs(x);
  else if constexpr (TypeFacts<V>::kKind == kSignedKind)
    return x < 0 ? negate(x) : x;
  else
    return x;
}
// Integers: towards zero; by zero gives 0; the lowest by -1 gives the lowest.
template <typename V>
ISTHMUS_FORMULA V divide(V x, V y) {
  if constexpr ((TypeFacts<V>::kKind & kFloats) != 0) {
    return x / y;
  } else {
    if (y == 0) return 0;
    if constexpr (is_signed_type<V>)
      if (y == V(-1)) return subtract(V(0), x);
    return static_cast<V>(x / y);
  }
}
// The rest of divide: sign of x. Integers by zero give 0.
template <typename V>
ISTHMUS_FORMULA V remainder_of(V x, V y) {
  if constexpr ((TypeFacts<V>::kKind & kFloats) != 0) {
    return fmod(x, y);
  } else {
    if (y == 0) return 0;
    if constexpr (is_signed_type<V>)
      if (y == V(-1)) return 0;
    return static_cast<V>(x % y);
  }
}
// The rest of division rounded down: sign of y. Integers by zero give 0.
template <typename V>
ISTHMUS_FORMULA V modulo(V x, V y) {
  const V zero = Constant<V>::of(0);
  const V rest = remainder_of(x, y);
  return select((rest != zero) & ((rest < zero) != (y < zero)), add(rest, y), rest);
}
// A shift by the width or more, or by a negative amount, gives 0; shift_right of a negative number then gives
// -1.
template <typename T>
ISTHMUS_FORMULA T shift_left(T x, T n) {
  using U = typename TypeFacts<T>::Unsigned;
  if (static_cast<U>(n) >= 8 * sizeof(T)) return 0;
  return static_cast<T>(static_cast<uint64_t>(x) << static_cast<U>(n));
}
template <typename T>
ISTHMUS_FORMULA T shift_right(T x, T n) {
  using U = typename TypeFacts<T>::Unsigned;
  if (static_cast<U>(n) >= 8 * sizeof(T)) return static_cast<T>(x < 0 ? -1 : 0);
  return static_cast<T>(x >> static_cast<U>(n));
}
// The greatest number that divides both, never negative but for the lowest, which has no other form; 0 of
// zeros.
template <typename T>
ISTHMUS_FORMULA T common_divisor(T x, T y) {
  uint64_t a = x < 0 ? uint64_t(0) - static_cast<uint64_t>(x) : static_cast<uint64_t>(x);
  uint64_t b = y < 0 ? uint64_t(0) - static_cast<uint64_t>(y) : static_cast<uint64_t>(y);
  while (b != 0) {
    const uint64_t rest = a % b;
    a = b, b = rest;
  }
  return static_cast<T>(a);
}
// Powers of integers by squaring; a negative exponent gives 1 / x^|n| truncated, and 0 for x = 0.
template <typename T>
ISTHMUS_FORMULA T integer_power(T x, T n) {
  if constexpr (is_signed_type<T>) {
    if (n < 0) {
      if (x == 1) return 1;
      if (x == T(-1)) return (n & 1) != 0 ? T(-1) : T(1);
      return 0;
    }
  }
  T result = 1;
  for (T base = x; n != 0; n = static_cast<T>(n >> 1), base = multiply(base, base))
    if ((n & 1) != 0) result = multiply(result, base);
  return result;
}

// Elementary functions: F32 as base/elementary-inl.h defines them, F64 by the C library.
#define ISTHMUS_ELEMENTARY_WORD(NAME)   \
  template <typename V>                 \
  ISTHMUS_FORMULA V NAME(V x) {         \
    if constexpr (__is_same(V, double)) \
      return __builtin_##NAME(x);       \
    else                                \
      return elementary::NAME(x);       \
  }
ISTHMUS_ELEMENTARY_WORD(exp)
ISTHMUS_ELEMENTARY_WORD(exp2)
ISTHMUS_ELEMENTARY_WORD(expm1)
ISTHMUS_ELEMENTARY_WORD(log)
ISTHMUS_ELEMENTARY_WORD(log2)
ISTHMUS_ELEMENTARY_WORD(log10)
ISTHMUS_ELEMENTARY_WORD(log1p)
ISTHMUS_ELEMENTARY_WORD(sin)
ISTHMUS_ELEMENTARY_WORD(cos)
ISTHMUS_ELEMENTARY_WORD(tan)
ISTHMUS_ELEMENTARY_WORD(sinh)
ISTHMUS_ELEMENTARY_WORD(cosh)
ISTHMUS_ELEMENTARY_WORD(tanh)
ISTHMUS_ELEMENTARY_WORD(erf)
ISTHMUS_ELEMENTARY_WORD(erfc)
ISTHMUS_ELEMENTARY_WORD(atan)
ISTHMUS_ELEMENTARY_WORD(asin)
ISTHMUS_ELEMENTARY_WORD(acos)
ISTHMUS_ELEMENTARY_WORD(asinh)
ISTHMUS_ELEMENTARY_WORD(acosh)
ISTHMUS_ELEMENTARY_WORD(atanh)
#undef ISTHMUS_ELEMENTARY_WORD
template <typename V>
ISTHMUS_FORMULA V erfinv(V x) {
  return elementary::erfinv(x);
}
template <typename V>
ISTHMUS_FORMULA V atan2(V y, V x) {
  if constexpr (__is_same(V, double))
    return __builtin_atan2(y, x);
  else
    return elementary::atan2(y, x);
}

template <typename V>
ISTHMUS_FORMULA V sigmoid(V x) {
  if constexpr (__is_same(V, double))
    return 1 / (1 + exp(-x));
  else
    return elementary::sigmoid(x);
}
template <typename V>
ISTHMUS_FORMULA V silu(V x) {
  if constexpr (__is_same(V, double))
    return x * sigmoid(x);
  else
    return elementary::silu(x);
}
template <typename V>
ISTHMUS_FORMULA V softplus(V x) {
  if constexpr (__is_same(V, double))
    return maximum(x, 0.0) + log1p(exp(-abs(x)));
  else
    return elementary::softplus(x);
}
template <typename V>
ISTHMUS_FORMULA V gelu_erf(V x) {
  if constexpr (__is_same(V, double))
    return 0.5 * x * (1 + erf(x * 0x1.6a09e667f3bcdp-1));
  else
    return elementary::gelu_erf(x);
}
template <typename V>
ISTHMUS_FORMULA V gelu_tanh(V x) {
  if constexpr (__is_same(V, double))
    return 0.5 * x * (1 + tanh(0x1.9884533d43651p-1 * (x + 0.044715 * x * x * x)));
  else
    return elementary::gelu_tanh(x);
}

ISTHMUS_FORMULA float power(float x, float y) { return elementary::power(x, y); }
ISTHMUS_FORMULA double power(double x, double y) { return __builtin_pow(x, y); }
#if defined(ISTHMUS_ISA)
[[maybe_unused]] static F32x16 power(F32x16 x, F32x16 y) {
  float a[16], b[16];
  store(a, x);
  store(b, y);
  for (int i = 0; i < 16; ++i) a[i] = elementary::power(a[i], b[i]);
  return load(a);
}
#endif
template <typename T>
ISTHMUS_FORMULA T power(T x, T y) {
  return integer_power(x, y);
}

}  // namespace
