// SPDX-License-Identifier: Apache-2.0
// The words of the elementwise formulas (unary.inc, binary.inc) in portable kernels, for elements of dtype X; V
// is what they are computed in. vocabulary-inl.h says what each means. X_KIND: 1 F32, 2 F64, 4 signed, 8
// unsigned, 16 Bool.
#include "ops/portable/dtypes.cl"
#if X_KIND == 1
#include "base/elementary-inl.h"
#endif

typedef COMPUTED(X) V;
#if X_KIND == 1
#include "ops/elementwise/error-inl.h"
#include "ops/elementwise/inverse-inl.h"
#ifdef ISTHMUS_F64
#include "ops/elementwise/power-inl.h"
#endif
#endif
#define C(NUMBER) ((V)(NUMBER))
#ifndef kInfinity
#define kInfinity INFINITY
#endif

#if X_KIND <= 2

#undef abs
#define abs(x) fabs(x)
#define round_even(x) rint(x)
#define add(x, y) ((x) + (y))
#define subtract(x, y) ((x) - (y))
#define multiply(x, y) ((x) * (y))
#define negate(x) (-(x))
#define absolute(x) fabs(x)
#define divide(x, y) ((x) / (y))
#define remainder_of(x, y) fmod(x, y)

#if X_KIND == 1
#define V_BITS(x) as_uint(x)
#define V_OF_BITS(b) as_float(b)
#else
#define V_BITS(x) as_ulong(x)
#define V_OF_BITS(b) as_double(b)
#endif
// Of zeros of both signs maximum gives +0 and minimum -0; NaN wins.
FUNCTION V maximum(V x, V y) {
  const V larger = x > y ? x : x < y ? y : V_OF_BITS(V_BITS(x) & V_BITS(y));
  return x != x ? x : y != y ? y : larger;
}
FUNCTION V minimum(V x, V y) {
  const V smaller = x < y ? x : x > y ? y : V_OF_BITS(V_BITS(x) | V_BITS(y));
  return x != x ? x : y != y ? y : smaller;
}

#else

#define V_WIDTH (8 * sizeof(V))
FUNCTION V maximum(V x, V y) { return x > y ? x : y; }
FUNCTION V minimum(V x, V y) { return x < y ? x : y; }
FUNCTION V add(V x, V y) { return (V)((uint64_t)x + (uint64_t)y); }
FUNCTION V subtract(V x, V y) { return (V)((uint64_t)x - (uint64_t)y); }
FUNCTION V multiply(V x, V y) { return (V)((uint64_t)x * (uint64_t)y); }
FUNCTION V negate(V x) { return subtract(0, x); }
FUNCTION V absolute(V x) { return x < 0 ? negate(x) : x; }
#if X_KIND == 4
#define IS_MINUS_ONE(x) ((x) == (V)-1)
#else
#define IS_MINUS_ONE(x) false
#endif
FUNCTION V divide(V x, V y) {
  if (y == 0) return 0;
  if (IS_MINUS_ONE(y)) return negate(x);
  return (V)(x / y);
}
FUNCTION V remainder_of(V x, V y) {
  if (y == 0 || IS_MINUS_ONE(y)) return 0;
  return (V)(x % y);
}
// n is negative, or not below the width.
FUNCTION bool too_far(V n) { return n < 0 || (uint64_t)n >= V_WIDTH; }
FUNCTION V shift_left(V x, V n) { return too_far(n) ? (V)0 : (V)((uint64_t)x << (uint64_t)n); }
FUNCTION V shift_right(V x, V n) { return too_far(n) ? (V)(x < 0 ? -1 : 0) : (V)(x >> n); }
FUNCTION V common_divisor(V x, V y) {
  uint64_t a = x < 0 ? (uint64_t)0 - (uint64_t)x : (uint64_t)x;
  uint64_t b = y < 0 ? (uint64_t)0 - (uint64_t)y : (uint64_t)y;
  while (b != 0) {
    const uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return (V)a;
}
FUNCTION V power(V x, V n) {
  if (n < 0) {
    if (x == 1) return 1;
    if (IS_MINUS_ONE(x)) return (n & 1) != 0 ? (V)-1 : (V)1;
    return 0;
  }
  V result = 1;
  for (V base = x; n != 0; n = (V)(n >> 1), base = multiply(base, base))
    if ((n & 1) != 0) result = multiply(result, base);
  return result;
}

#endif

FUNCTION V modulo(V x, V y) {
  const V rest = remainder_of(x, y);
  return rest != 0 && (rest < 0) != (y < 0) ? (V)add(rest, y) : rest;
}
