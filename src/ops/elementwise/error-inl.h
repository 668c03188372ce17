// SPDX-License-Identifier: Apache-2.0
// What belongs to the error function, in F32: its complement and its inverse. In the words of
// base/elementary-inl.h, in the common subset of C++ and of the portable kernels' language. Included by
// vocabulary-inl.h and vocabulary.cl only; error_test.cpp measures the errors that stand here.
#pragma once

#if defined(ISTHMUS_PORTABLE)
#undef erfc
#undef erfinv
#define erfc isthmus_erfc
#define erfinv isthmus_erfinv
#elif defined(ISTHMUS_ISA)
namespace isthmus::cpu::ISTHMUS_ISA::elementary {
#else
namespace isthmus::elementary {
#endif

// 6 ulp, down to subnormal results. From 1/2 on t exp(q(t)) exp(-a^2) with t = 1 / (1 + a/2); the square in
// two parts, since exp makes much of what its rounding leaves.
ISTHMUS_V_FUNCTION V erfc(V x) {
  const V magnitude_of_x = magnitude(x);
  const V a = select(magnitude_of_x > 12.0f, ISTHMUS_SPLAT(12.0f), magnitude_of_x);
  const V square = a * a, rest = fma(a, a, -square);
  const V t = 1.0f / fma(a, 0.5f, ISTHMUS_SPLAT(1.0f)), u = t - 0.6f;
  const V p =
      ISTHMUS_POLYNOMIAL_9(u, 0x1.5f1568p+0f, 0x1.1fe7bep-4f, -0x1.a2beaap-2f, -0x1.65336cp-7f,
                           0x1.285aaep-2f, -0x1.2312a6p-4f, -0x1.dbf3d8p-3f, 0x1.a06378p-4f, 0x1.26401ap-3f);
  const V q = fma(u, p, ISTHMUS_SPLAT(-0x1.124f1cp-1f));
  const V factor = t * exp(q), far = exp(-square) * fma(-rest, factor, factor);
  return select(magnitude_of_x < 0.5f, 1.0f - erf(x), select(x < 0.0f, 2.0f - far, select(x != x, x, far)));
}

// 4 ulp; infinite at -1 and 1, NaN beyond. By w = -log(1 - x^2).
ISTHMUS_V_FUNCTION V erfinv(V x) {
  const V w = -log((1.0f - x) * (1.0f + x));
  const V u = w - 2.5f;
  const V near = fma(u,
                     ISTHMUS_POLYNOMIAL_9(u, 0x1.f91e8ap-3f, -0x1.11c4ecp-8f, -0x1.486616p-10f,
                                          0x1.c9e6c8p-13f, -0x1.4d15aap-18f, -0x1.d0c1a2p-19f,
                                          0x1.f48c04p-22f, 0x1.8f2240p-26f, -0x1.2e0ef4p-27f),
                     ISTHMUS_SPLAT(0x1.805c5ep+0f));
  const V s = sqrt(w) - 3.0f;
  const V far =
      ISTHMUS_POLYNOMIAL_9(s, 0x1.6a9efep+1f, 0x1.006dc2p+0f, 0x1.35080ap-7f, -0x1.f46c42p-8f, 0x1.7b7f26p-8f,
                           -0x1.dae14ap-9f, 0x1.44e9cep-10f, 0x1.ac5b80p-15f, -0x1.fe0e0ep-14f);
  return x * select(magnitude(x) == 1.0f, ISTHMUS_SPLAT((float)kInfinity), select(w < 5.0f, near, far));
}

#if !defined(ISTHMUS_PORTABLE)
}  // namespace
#endif
