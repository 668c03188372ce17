// SPDX-License-Identifier: Apache-2.0
// Inverse circular and hyperbolic functions in F32, in the words of base/elementary-inl.h and, as it is, in
// the common subset of C++ and of the portable kernels' language. Included by vocabulary-inl.h and
// vocabulary.cl only. Largest errors found over a million arguments stand at each, in units in the last
// place; inverse_test.cpp measures them.
#pragma once

#if defined(ISTHMUS_PORTABLE)
#undef atan
#undef atan2
#undef asin
#undef acos
#undef asinh
#undef acosh
#undef atanh
#define atan isthmus_atan
#define atan2 isthmus_atan2
#define asin isthmus_asin
#define acos isthmus_acos
#define asinh isthmus_asinh
#define acosh isthmus_acosh
#define atanh isthmus_atanh
#elif defined(ISTHMUS_ISA)
namespace isthmus::cpu::ISTHMUS_ISA::elementary {
#else
namespace isthmus::elementary {
#endif

// 2.4 ulp. Beyond tan(pi/8) the argument is turned by an eighth, beyond its inverse by a quarter of a turn.
ISTHMUS_V_FUNCTION V atan(V x) {
  const V a = magnitude(x);
  const ISTHMUS_MASK far = a > 0x1.3504f4p+1f, middle = a > 0x1.a8279ap-2f;
  const V t = select(far, -1.0f / a, select(middle, (a - 1.0f) / (a + 1.0f), a));
  const V start = select(far, ISTHMUS_SPLAT(0x1.921fb6p+0f),
                         select(middle, ISTHMUS_SPLAT(0x1.921fb6p-1f), ISTHMUS_SPLAT(0.0f)));
  const V z = t * t;
  const V p = ISTHMUS_POLYNOMIAL_5(z, -0x1.55554ap-2f, 0x1.9991aep-3f, -0x1.23b6bap-3f, 0x1.b20230p-4f,
                                   -0x1.f25648p-5f);
  return with_sign(select(a == 0.0f, a, start + fma(t * z, p, t)), x);
}

// 3.5 ulp. The angle of the point (x, y), by the signs of zeros as well; NaN if either is.
ISTHMUS_V_FUNCTION V atan2(V y, V x) {
  const V a = magnitude(x), c = magnitude(y);
  const ISTHMUS_MASK steep = c > a;
  const V larger = select(steep, c, a), smaller = select(steep, a, c);
  const V ratio =
      select(larger == 0.0f, larger, select(smaller == larger, ISTHMUS_SPLAT(1.0f), smaller / larger));
  const V first = atan(ratio);
  const V upper = select(steep, 0x1.921fb6p+0f - (first + 0x1.777a5cp-25f), first);
  const V angle = select(bits(x) < 0, 0x1.921fb6p+1f - (upper + 0x1.777a5cp-24f), upper);
  return select(x != x, x, select(y != y, y, with_sign(angle, y)));
}

// asin(a) for 0 <= a <= 1/2.
ISTHMUS_V_FUNCTION V asin_of_small(V a) {
  const V z = a * a;
  const V p = ISTHMUS_POLYNOMIAL_6(z, 0x1.55554cp-3f, 0x1.33388ep-4f, 0x1.6cac3cp-5f, 0x1.04a65cp-5f,
                                   0x1.d7f1e4p-7f, 0x1.33bbe8p-5f);
  return fma(a * z, p, a);
}
// asin of a <= 1/2, of larger ones asin(sqrt((1 - a) / 2)).
ISTHMUS_V_FUNCTION V asin_reduced(V a) { return asin_of_small(select(a > 0.5f, sqrt((1.0f - a) * 0.5f), a)); }
// 2.2 ulp; NaN outside [-1, 1].
ISTHMUS_V_FUNCTION V asin(V x) {
  const V a = magnitude(x), reduced = asin_reduced(a);
  const V turned = fma(reduced, -2.0f, ISTHMUS_SPLAT(0x1.921fb6p+0f));
  return with_sign(select(a > 0.5f, turned, reduced), x);
}
// 1.2 ulp; NaN outside [-1, 1].
ISTHMUS_V_FUNCTION V acos(V x) {
  const V a = magnitude(x), reduced = asin_reduced(a);
  const V doubled = reduced + reduced;
  const V ends = select(x > 0.0f, doubled, 0x1.921fb6p+1f - doubled);
  // Quarter turn in two parts.
  const V middle = 0x1.921fb6p+0f - (with_sign(reduced, x) + 0x1.777a5cp-25f);
  return select(a > 0.5f, ends, middle);
}

// 1.9 ulp.
ISTHMUS_V_FUNCTION V asinh(V x) {
  const V a = magnitude(x), z = a * a;
  const V near = log1p(a + z / (sqrt(z + 1.0f) + 1.0f));
  const V far = log(a) + 0x1.62e430p-1f;
  return with_sign(select(a > 1e6f, far, select(a < 1e-4f, a, near)), x);
}
// 1.5 ulp; NaN below 1.
ISTHMUS_V_FUNCTION V acosh(V x) {
  const V t = x - 1.0f;
  const V near = log1p(t + sqrt(fma(t, t, t + t)));
  const V far = log(x) + 0x1.62e430p-1f;
  return select(x < 1.0f, (x - x) / (x - x), select(x > 1e6f, far, near));
}
// 2.1 ulp; infinite at -1 and 1, NaN beyond.
ISTHMUS_V_FUNCTION V atanh(V x) {
  const V a = magnitude(x);
  return with_sign(select(a < 1e-4f, a, log1p((a + a) / (1.0f - a)) * 0.5f), x);
}

#if !defined(ISTHMUS_PORTABLE)
}  // namespace
#endif
