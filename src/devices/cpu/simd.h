// SPDX-License-Identifier: Apache-2.0
// A small vocabulary of 16-lane vectors, the same on every instruction set. Sixteen lanes are part of the canonical
// order of sums (docs/decisions/0001-numerics.md), so an algorithm written once gives the same bits everywhere.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#ifndef ISTHMUS_ISA
#error "compile kernel files once per instruction set, with ISTHMUS_ISA set"
#endif

#define ISTHMUS_SIMD __attribute__((always_inline)) inline

namespace isthmus::cpu::ISTHMUS_ISA {

// GCC and clang lower these to whatever registers there are; + - * / and comparisons work lane by lane, exactly rounded.
typedef float F32x16 __attribute__((vector_size(64)));
typedef int32_t I32x16 __attribute__((vector_size(64)));  // also the masks that comparisons give: 0 or -1
typedef uint32_t U32x16 __attribute__((vector_size(64)));

ISTHMUS_SIMD F32x16 set1(float x) { return F32x16{} + x; }
ISTHMUS_SIMD I32x16 set1(int32_t x) { return I32x16{} + x; }

ISTHMUS_SIMD F32x16 load(const float* p) {
  F32x16 v;
  std::memcpy(&v, p, 64);
  return v;
}
ISTHMUS_SIMD I32x16 load(const int32_t* p) {
  I32x16 v;
  std::memcpy(&v, p, 64);
  return v;
}
ISTHMUS_SIMD void store(float* p, F32x16 v) { std::memcpy(p, &v, 64); }
ISTHMUS_SIMD void store(int32_t* p, I32x16 v) { std::memcpy(p, &v, 64); }

// The first n lanes, 0 < n < 16; the others are `rest`. Never touches memory past n.
ISTHMUS_SIMD F32x16 load_n(const float* p, int n, float rest = 0) {
#if defined(__AVX512F__)
  return (F32x16)_mm512_mask_loadu_ps(_mm512_set1_ps(rest), (__mmask16)((1u << n) - 1), p);
#else
  F32x16 v = set1(rest);
  std::memcpy(&v, p, sizeof(float) * n);
  return v;
#endif
}
ISTHMUS_SIMD void store_n(float* p, F32x16 v, int n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
  std::memcpy(p, &v, sizeof(float) * n);
#endif
}

ISTHMUS_SIMD I32x16 bits(F32x16 v) { return (I32x16)v; }
ISTHMUS_SIMD F32x16 from_bits(I32x16 v) { return (F32x16)v; }

// mask ? a : b
ISTHMUS_SIMD F32x16 select(I32x16 mask, F32x16 a, F32x16 b) { return (F32x16)((mask & (I32x16)a) | (~mask & (I32x16)b)); }
ISTHMUS_SIMD I32x16 select(I32x16 mask, I32x16 a, I32x16 b) { return (mask & a) | (~mask & b); }

// a * b + c, rounded once.
ISTHMUS_SIMD F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
#if defined(__AVX512F__)
  return (F32x16)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
  __m256 x[2], y[2], z[2];
  std::memcpy(x, &a, 64);
  std::memcpy(y, &b, 64);
  std::memcpy(z, &c, 64);
  x[0] = _mm256_fmadd_ps(x[0], y[0], z[0]);
  x[1] = _mm256_fmadd_ps(x[1], y[1], z[1]);
  F32x16 r;
  std::memcpy(&r, x, 64);
  return r;
#elif defined(__aarch64__)
  F32x16 r;
  for (int i = 0; i < 16; i += 4) {
    float32x4_t v = vfmaq_f32(vld1q_f32((const float*)&c + i), vld1q_f32((const float*)&a + i), vld1q_f32((const float*)&b + i));
    vst1q_f32((float*)&r + i, v);
  }
  return r;
#else
  F32x16 r;
  for (int i = 0; i < 16; ++i) r[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return r;
#endif
}

ISTHMUS_SIMD F32x16 to_f32(I32x16 v) { return __builtin_convertvector(v, F32x16); }

ISTHMUS_SIMD F32x16 sqrt(F32x16 v) {
#if defined(__AVX512F__)
  return (F32x16)_mm512_sqrt_ps((__m512)v);
#else
  F32x16 r;
  for (int i = 0; i < 16; ++i) r[i] = __builtin_sqrtf(v[i]);
  return r;
#endif
}

// To the nearest integer, ties to even.
ISTHMUS_SIMD F32x16 round_even(F32x16 v) {
#if defined(__AVX512F__)
  return (F32x16)_mm512_roundscale_ps((__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
  F32x16 r;
  for (int i = 0; i < 16; ++i) r[i] = __builtin_rintf(v[i]);
  return r;
#endif
}

ISTHMUS_SIMD F32x16 abs(F32x16 v) { return (F32x16)((I32x16)v & 0x7fffffff); }

// The canonical end of a 16-lane sum: lanes j and j+8, then +4, +2, +1.
ISTHMUS_SIMD float sum_lanes(F32x16 v) {
  float t[16];
  store(t, v);
  for (int step = 8; step > 0; step /= 2)
    for (int j = 0; j < step; ++j) t[j] += t[j + step];
  return t[0];
}

}  // namespace isthmus::cpu::ISTHMUS_ISA
