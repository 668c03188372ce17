// SPDX-License-Identifier: Apache-2.0
// Vectors of the machine's own width for matrix products: kLanes columns side by side.
//
// Unlike devices/cpu/simd.h the width differs by instruction set. That is free here: every lane is an output
// of its own with its own chain, so the width is no part of the result.
#pragma once

#include "devices/cpu/simd.h"

#if defined(__clang__)
#define ISTHMUS_UNROLL _Pragma("unroll")
#else
#define ISTHMUS_UNROLL _Pragma("GCC unroll 32")
#endif

namespace isthmus::cpu::ISTHMUS_ISA {

#if defined(__AVX512F__)
inline constexpr int kLanes = 16;
#elif defined(__AVX2__)
inline constexpr int kLanes = 8;
#else
inline constexpr int kLanes = 4;
#endif

typedef float LaneF32 __attribute__((vector_size(4 * kLanes)));
typedef int32_t LaneI32 __attribute__((vector_size(4 * kLanes)));
typedef uint32_t LaneU32 __attribute__((vector_size(4 * kLanes)));
typedef uint16_t LaneU16 __attribute__((vector_size(4 * kLanes)));  // two to a lane
typedef uint8_t LaneU8 __attribute__((vector_size(4 * kLanes)));    // four to a lane

template <typename V>
ISTHMUS_SIMD V lane_load(const void* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
ISTHMUS_SIMD LaneF32 lane_set(float x) { return LaneF32{} + x; }
ISTHMUS_SIMD LaneI32 lane_set(int32_t x) { return LaneI32{} + x; }
// The four bytes at p in every lane.
ISTHMUS_SIMD LaneI32 lane_repeat4(const void* p) {
  int32_t x;
  __builtin_memcpy(&x, p, sizeof x);
  return lane_set(x);
}
ISTHMUS_SIMD LaneF32 lane_to_f32(LaneI32 v) { return __builtin_convertvector(v, LaneF32); }

ISTHMUS_SIMD LaneF32 lane_fma(LaneF32 a, LaneF32 b, LaneF32 c) {
#if defined(__AVX512F__)
  return (LaneF32)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
  return (LaneF32)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
  return (LaneF32)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
  LaneF32 r;
  for (int i = 0; i < kLanes; ++i) r[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return r;
#endif
}

#if defined(__AVX2__) && !defined(__AVX512F__)
ISTHMUS_SIMD __m256i lane_mask(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
#endif

// The first n lanes, 0 < n <= kLanes. Never touches memory past them.
ISTHMUS_SIMD void lane_store_n(float* p, LaneF32 v, int n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#elif defined(__AVX2__)
  _mm256_maskstore_ps(p, lane_mask(n), (__m256)v);
#else
  if (n == kLanes) {
    __builtin_memcpy(p, &v, sizeof v);
  } else {
    float t[kLanes];
    __builtin_memcpy(t, &v, sizeof v);
    for (int i = 0; i < n; ++i) p[i] = t[i];
  }
#endif
}
ISTHMUS_SIMD LaneF32 lane_load_n(const float* p, int n) {
#if defined(__AVX512F__)
  return (LaneF32)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif defined(__AVX2__)
  return (LaneF32)_mm256_maskload_ps(p, lane_mask(n));
#else
  float t[kLanes] = {};
  for (int i = 0; i < n; ++i) t[i] = p[i];
  return lane_load<LaneF32>(t);
#endif
}

// kLanes F16 values as F32, exact.
ISTHMUS_SIMD LaneF32 lane_load_f16(const void* p) {
#if defined(__AVX512F__)
  return (LaneF32)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p));
#elif defined(__AVX2__)
  return (LaneF32)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p));
#else
  typedef uint16_t Halves __attribute__((vector_size(2 * kLanes)));
  const LaneU32 h = __builtin_convertvector(lane_load<Halves>(p), LaneU32);
  const LaneU32 sign = (h & 0x8000u) << 16, rest = h & 0x7fffu;
  const LaneF32 small = lane_to_f32((LaneI32)rest) * 0x1p-24f;  // subnormals and zero
  const LaneU32 normal = (rest << 13) + (112u << 23), top = (rest << 13) | 0x7f800000u;
  const LaneU32 is_small = (LaneU32)((LaneI32)rest < 0x0400), is_top = (LaneU32)((LaneI32)rest >= 0x7c00);
  return (LaneF32)(sign | (is_small & (LaneU32)small) | (is_top & top) | (~is_small & ~is_top & normal));
#endif
}

// kLanes bytes as integers. (g++ 12 takes __builtin_convertvector from bytes apart, lane by lane.)
ISTHMUS_SIMD LaneI32 lane_load_u8(const void* p) {
#if defined(__AVX512F__)
  return (LaneI32)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)p));
#elif defined(__AVX2__)
  return (LaneI32)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)p));
#else
  typedef uint8_t Bytes __attribute__((vector_size(kLanes)));
  return __builtin_convertvector(lane_load<Bytes>(p), LaneI32);
#endif
}
ISTHMUS_SIMD LaneI32 lane_load_s8(const void* p) {
#if defined(__AVX512F__)
  return (LaneI32)_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i*)p));
#elif defined(__AVX2__)
  return (LaneI32)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)p));
#else
  typedef int8_t Bytes __attribute__((vector_size(kLanes)));
  return __builtin_convertvector(lane_load<Bytes>(p), LaneI32);
#endif
}

// Each byte, 0..15, replaced by that entry of a table of 16 bytes.
ISTHMUS_SIMD LaneU8 lane_look_up(const uint8_t* table, LaneU8 index) {
#if defined(__AVX512F__)
  const __m512i entries = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i*)table));
  return (LaneU8)_mm512_shuffle_epi8(entries, (__m512i)index);
#elif defined(__AVX2__)
  const __m256i entries = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i*)table));
  return (LaneU8)_mm256_shuffle_epi8(entries, (__m256i)index);
#elif defined(__aarch64__)
  return (LaneU8)vqtbl1q_u8(vld1q_u8(table), (uint8x16_t)index);
#else
  LaneU8 r;
  for (int i = 0; i < 4 * kLanes; ++i) r[i] = table[index[i]];
  return r;
#endif
}

}  // namespace isthmus::cpu::ISTHMUS_ISA
