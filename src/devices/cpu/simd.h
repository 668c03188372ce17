// SPDX-License-Identifier: Apache-2.0
// A small vocabulary of 16-lane vectors, the same on every instruction set. Sixteen lanes are part of the
// canonical order of sums (docs/decisions/0001-numerics.md), so an algorithm written once gives the same bits
// everywhere.
//
// F32x16, I32x16 have + - * / & | ^ ~ << >> and comparisons, lane by lane, with each other and with scalars;
// the comparisons give an I32x16 mask of 0 and -1. get(v, i) reads a lane.
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
typedef float F32x4 __attribute__((vector_size(16)));
}

#if defined(__AVX512F__)
#include "devices/cpu/simd_whole.h"
#else
#include "devices/cpu/simd_parts.h"
#endif

namespace isthmus::cpu::ISTHMUS_ISA {

ISTHMUS_SIMD F32x16 set1(float x) { return F32x16{} + x; }
ISTHMUS_SIMD I32x16 set1(int32_t x) { return I32x16{} + x; }

// The first n lanes, 0 <= n <= 16; the others are `rest`. Never touches memory past n.
ISTHMUS_SIMD F32x16 load_n(const float* p, int n, float rest = 0) {
#if defined(__AVX512F__)
  return (F32x16)_mm512_mask_loadu_ps(_mm512_set1_ps(rest), (__mmask16)((1u << n) - 1), p);
#else
  float lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = rest;
  std::memcpy(lanes, p, sizeof(float) * n);
  return load(lanes);
#endif
}
ISTHMUS_SIMD I32x16 load_n(const int32_t* p, int n, int32_t rest = 0) {
  int32_t lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = rest;
  std::memcpy(lanes, p, sizeof(int32_t) * n);
  return load(lanes);
}
ISTHMUS_SIMD void store_n(float* p, F32x16 v, int n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
  float lanes[16];
  store(lanes, v);
  std::memcpy(p, lanes, sizeof(float) * n);
#endif
}

ISTHMUS_SIMD float get(F32x16 v, int lane) {
  float lanes[16];
  store(lanes, v);
  return lanes[lane];
}
ISTHMUS_SIMD int32_t get(I32x16 v, int lane) {
  int32_t lanes[16];
  store(lanes, v);
  return lanes[lane];
}

// {0, 1, … 15}
ISTHMUS_SIMD I32x16 lane_numbers() {
  alignas(64) static const int32_t kLanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return load(kLanes);
}

ISTHMUS_SIMD F32x16 abs(F32x16 v) { return from_bits(bits(v) & 0x7fffffff); }

// NaN if either is NaN; of zeros of both signs the positive (max) or the negative (min).
ISTHMUS_SIMD F32x16 max(F32x16 a, F32x16 b) {
  F32x16 r = select(a > b, a, b);
  r = select(a == b, from_bits(bits(a) & bits(b)), r);
  return select(a != a, a, r);
}
ISTHMUS_SIMD F32x16 min(F32x16 a, F32x16 b) {
  F32x16 r = select(a < b, a, b);
  r = select(a == b, from_bits(bits(a) | bits(b)), r);
  return select(a != a, a, r);
}
// For ordinary numbers; which operand NaN or zeros of both signs give is not fixed, so the result's bits may
// not depend on it.
ISTHMUS_SIMD F32x16 max_loose(F32x16 a, F32x16 b) {
#if defined(__AVX512F__)
  return (F32x16)_mm512_maskz_max_ps((__mmask16)-1, (__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return {(F32Part)_mm256_max_ps((__m256)a.p0, (__m256)b.p0),
          (F32Part)_mm256_max_ps((__m256)a.p1, (__m256)b.p1)};
#else
  return select(a > b, a, b);
#endif
}

// The canonical end of a 16-lane sum: lanes j and j+8, then +4, +2, +1.
ISTHMUS_SIMD float sum_lanes(F32x16 v) {
  const F32x4 a = (quarter<0>(v) + quarter<2>(v)) + (quarter<1>(v) + quarter<3>(v));
  return (a[0] + a[2]) + (a[1] + a[3]);
}
ISTHMUS_SIMD float max_lanes_loose(F32x16 v) {
  const F32x4 even = quarter<0>(v) > quarter<2>(v) ? quarter<0>(v) : quarter<2>(v);
  const F32x4 odd = quarter<1>(v) > quarter<3>(v) ? quarter<1>(v) : quarter<3>(v);
  const F32x4 a = even > odd ? even : odd;
  const float b = a[0] > a[2] ? a[0] : a[2], c = a[1] > a[3] ? a[1] : a[3];
  return b > c ? b : c;
}

}  // namespace isthmus::cpu::ISTHMUS_ISA

#include "devices/cpu/simd_half.h"
