// SPDX-License-Identifier: Apache-2.0
// Inverse circular and hyperbolic functions in F32, for one number and for 16 lanes, out of + - * / fma sqrt
// and the logarithms of base/elementary-inl.h. Included by vocabulary-inl.h only. Largest errors found over a
// million arguments stand at each, in units in the last place; inverse_test.cpp measures them.
#pragma once

#if defined(ISTHMUS_ISA)
namespace isthmus::cpu::ISTHMUS_ISA::formulas {
#else
namespace isthmus::formulas {
#endif

// The magnitude of x, which is not negative, with the sign of `sign`; NaN stays.
template <typename V>
ISTHMUS_FORMULA V signed_as(V x, V sign) {
  return elementary::with_sign(x, sign);
}

// 2.4 ulp. Beyond tan(pi/8) the argument is turned by an eighth, beyond its inverse by a quarter of a turn.
template <typename V>
ISTHMUS_FORMULA V atan_f32(V x) {
  const V a = abs(x), one = Constant<V>::of(1);
  const auto far = a > Constant<V>::of(0x1.3504f4p+1), middle = a > Constant<V>::of(0x1.a8279ap-2);
  const V t = select(far, Constant<V>::of(-1) / a, select(middle, (a - one) / (a + one), a));
  const V start = select(far, Constant<V>::of(0x1.921fb6p+0),
                         select(middle, Constant<V>::of(0x1.921fb6p-1), Constant<V>::of(0)));
  const V z = t * t;
  const V p = elementary::polynomial(z, -0x1.55554ap-2f, 0x1.9991aep-3f, -0x1.23b6bap-3f, 0x1.b20230p-4f,
                                     -0x1.f25648p-5f);
  return signed_as(select(a == Constant<V>::of(0), a, start + fma(t * z, p, t)), x);
}

// asin(a) for 0 <= a <= 1/2.
template <typename V>
ISTHMUS_FORMULA V asin_of_small(V a) {
  const V z = a * a;
  const V p = elementary::polynomial(z, 0x1.55554cp-3f, 0x1.33388ep-4f, 0x1.6cac3cp-5f, 0x1.04a65cp-5f,
                                     0x1.d7f1e4p-7f, 0x1.33bbe8p-5f);
  return fma(a * z, p, a);
}
// 2.2 ulp; NaN outside [-1, 1].
template <typename V>
ISTHMUS_FORMULA V asin_f32(V x) {
  const V a = abs(x), half = Constant<V>::of(0.5);
  const auto large = a > half;
  const V reduced = asin_of_small(select(large, sqrt((Constant<V>::of(1) - a) * half), a));
  return signed_as(select(large, fma(Constant<V>::of(-2), reduced, Constant<V>::of(0x1.921fb6p+0)), reduced),
                   x);
}
// 1.2 ulp; NaN outside [-1, 1].
template <typename V>
ISTHMUS_FORMULA V acos_f32(V x) {
  const V a = abs(x), half = Constant<V>::of(0.5);
  const auto large = a > half;
  const V reduced = asin_of_small(select(large, sqrt((Constant<V>::of(1) - a) * half), a));
  const V doubled = reduced + reduced;
  const V ends = select(x > Constant<V>::of(0), doubled, Constant<V>::of(0x1.921fb6p+1) - doubled);
  // Quarter turn in two parts.
  const V middle =
      Constant<V>::of(0x1.921fb6p+0) - (signed_as(reduced, x) - Constant<V>::of(-0x1.777a5cp-25));
  return select(large, ends, middle);
}

// 1.9 ulp.
template <typename V>
ISTHMUS_FORMULA V asinh_f32(V x) {
  const V a = abs(x), one = Constant<V>::of(1), z = a * a;
  const V near = elementary::log1p(a + z / (one + sqrt(z + one)));
  const V far = elementary::log(a) + Constant<V>::of(0x1.62e430p-1);
  return signed_as(select(a > Constant<V>::of(1e6), far, select(a < Constant<V>::of(1e-4), a, near)), x);
}
// 1.5 ulp; NaN below 1.
template <typename V>
ISTHMUS_FORMULA V acosh_f32(V x) {
  const V one = Constant<V>::of(1), t = x - one;
  const V near = elementary::log1p(t + sqrt(fma(t, t, t + t)));
  const V far = elementary::log(x) + Constant<V>::of(0x1.62e430p-1);
  return select(x < one, (x - x) / (x - x), select(x > Constant<V>::of(1e6), far, near));
}
// 2.1 ulp; infinite at -1 and 1, NaN beyond.
template <typename V>
ISTHMUS_FORMULA V atanh_f32(V x) {
  const V a = abs(x), one = Constant<V>::of(1);
  return signed_as(
      select(a < Constant<V>::of(1e-4), a, Constant<V>::of(0.5) * elementary::log1p((a + a) / (one - a))), x);
}

#define ISTHMUS_INVERSE_WORD(NAME)      \
  template <typename V>                 \
  ISTHMUS_FORMULA V NAME(V x) {         \
    if constexpr (__is_same(V, double)) \
      return __builtin_##NAME(x);       \
    else                                \
      return NAME##_f32(x);             \
  }
ISTHMUS_INVERSE_WORD(atan)
ISTHMUS_INVERSE_WORD(asin)
ISTHMUS_INVERSE_WORD(acos)
ISTHMUS_INVERSE_WORD(asinh)
ISTHMUS_INVERSE_WORD(acosh)
ISTHMUS_INVERSE_WORD(atanh)
#undef ISTHMUS_INVERSE_WORD

}  // namespace
