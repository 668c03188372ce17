// SPDX-License-Identifier: Apache-2.0
// Quantising of blocks of 16 activations on the CPU (docs/decisions/0001-numerics.md, "Products by weight
// format").
#pragma once

#include <cstdint>

#include "devices/cpu/simd.h"

namespace isthmus::cpu::ISTHMUS_ISA {

inline constexpr int kQuantizedBlock = 16;

static inline void quantize_block(const float* x, int8_t* q, float* scale, int32_t* sum) {
  // Magnitudes order as integers do, and NaN and infinity come last.
  int32_t bits[kQuantizedBlock];
  __builtin_memcpy(bits, x, sizeof bits);
  int32_t top = 0;
  for (int i = 0; i < kQuantizedBlock; ++i) {
    const int32_t magnitude = bits[i] & 0x7fffffff;
    top = magnitude > top ? magnitude : top;
  }
  float amax;
  __builtin_memcpy(&amax, &top, sizeof amax);
  const float inverse = 127.0f / amax;
  *sum = 0;
  if (top >= 0x7f800000 || !(inverse <= 0x1.fffffep127f)) {
    *scale = top >= 0x7f800000 ? __builtin_nanf("") : 0.0f;
    for (int i = 0; i < kQuantizedBlock; ++i) q[i] = 0;
    return;
  }
  *scale = amax / 127.0f;
  int32_t total = 0;
  for (int i = 0; i < kQuantizedBlock; ++i) {
    // Adding and taking away 1.5 * 2^23 rounds to the nearest integer, ties to even.
    const float rounded = (x[i] * inverse + 12582912.0f) - 12582912.0f;
    const int32_t value = static_cast<int32_t>(rounded);
    q[i] = static_cast<int8_t>(value);
    total += value;
  }
  *sum = total;
}

#if defined(__AVX512VNNI__)

// Steps of turning 4 x 4 numbers within each 128 bits while folding them: of vectors a, b, c and d, the pairs
// of fold(a, b) and fold(c, d) leave one number of each.
ISTHMUS_SIMD __m512i fold_max(__m512i a, __m512i b) {
  return _mm512_max_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
}
ISTHMUS_SIMD __m512i fold_max_pairs(__m512i a, __m512i b) {
  return _mm512_max_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}
ISTHMUS_SIMD __m512i fold_sum(__m512i a, __m512i b) {
  return _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
}
ISTHMUS_SIMD __m512i fold_sum_pairs(__m512i a, __m512i b) {
  return _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}

// 128 bits j of the result: of each of four blocks, the largest magnitude of elements 4 j … 4 j + 3.
ISTHMUS_SIMD __m512i tops_of_4_blocks(const float* x) {
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  __m512i m[4];
  for (int b = 0; b < 4; ++b) m[b] = _mm512_and_si512(_mm512_loadu_si512(x + 16 * b), magnitude);
  return fold_max_pairs(fold_max(m[0], m[1]), fold_max(m[2], m[3]));
}

// 4 x 4 numbers transposed: what lies by elements then lies by blocks, and the other way round.
ISTHMUS_SIMD __m512i turned(__m512i v) {
  return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), v);
}

// The integers of four blocks, and in the four lanes of each block what their sum is the sum of.
ISTHMUS_SIMD __m512i quantize_4_blocks(const float* x, const float* inverses, int8_t* q) {
  __m512i v[4];
  for (int b = 0; b < 4; ++b)
    v[b] = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + 16 * b), _mm512_set1_ps(inverses[b])));
  const __m512i bytes =
      turned(_mm512_packs_epi16(_mm512_packs_epi32(v[0], v[1]), _mm512_packs_epi32(v[2], v[3])));
  _mm512_storeu_si512(q, bytes);
  return _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), bytes);
}

// Blocks that are not finite, or all but zero, are made again one by one.
ISTHMUS_SIMD uint32_t odd_blocks(__m512i top, __m512 inverse) {
  return _mm512_cmp_epi32_mask(top, _mm512_set1_epi32(0x7f800000), _MM_CMPINT_NLT) |
         _mm512_cmp_ps_mask(inverse, _mm512_set1_ps(0x1.fffffep127f), _CMP_NLE_UQ);
}

// 16 blocks, or 4: their largest magnitudes, then scales, are the lanes of one vector.
template <int kCount>
ISTHMUS_SIMD void quantize_vector(const float* x, int8_t* q, float* scale, int32_t* sum) {
  static_assert(kCount == 16 || kCount == 4);
  constexpr __mmask16 kLanes = (1u << kCount) - 1;
  __m512i fours[4];
  for (int i = 0; i < kCount / 4; ++i) fours[i] = tops_of_4_blocks(x + 64 * i);
  for (int i = kCount / 4; i < 4; ++i) fours[i] = fours[0];
  const __m512i a = _mm512_max_epi32(_mm512_shuffle_i32x4(fours[0], fours[1], 0x44),
                                     _mm512_shuffle_i32x4(fours[0], fours[1], 0xee));
  const __m512i b = _mm512_max_epi32(_mm512_shuffle_i32x4(fours[2], fours[3], 0x44),
                                     _mm512_shuffle_i32x4(fours[2], fours[3], 0xee));
  const __m512i top = _mm512_max_epi32(_mm512_shuffle_i32x4(a, b, 0x88), _mm512_shuffle_i32x4(a, b, 0xdd));
  const __m512 amax = _mm512_castsi512_ps(top), limit = _mm512_set1_ps(127.0f);
  const __m512 inverse = _mm512_div_ps(limit, amax);
  _mm512_mask_storeu_ps(scale, kLanes, _mm512_div_ps(amax, limit));
  alignas(64) float inverses[16];
  _mm512_store_ps(inverses, inverse);
  __m512i sums[4];
  for (int i = 0; i < kCount / 4; ++i) sums[i] = quantize_4_blocks(x + 64 * i, inverses + 4 * i, q + 64 * i);
  for (int i = kCount / 4; i < 4; ++i) sums[i] = sums[0];
  const __m512i total = fold_sum_pairs(fold_sum(sums[0], sums[1]), fold_sum(sums[2], sums[3]));
  _mm512_mask_storeu_epi32(sum, kLanes, turned(total));
  for (uint32_t odd = odd_blocks(top, inverse) & kLanes; odd; odd &= odd - 1) {
    const int i = __builtin_ctz(odd);
    quantize_block(x + 16 * i, q + 16 * i, scale + i, sum + i);
  }
}

#endif

// `count` blocks that follow each other.
static inline void quantize_blocks(const float* x, int64_t count, int8_t* q, float* scale, int32_t* sum) {
  int64_t b = 0;
#if defined(__AVX512VNNI__)
  for (; b + 16 <= count; b += 16) quantize_vector<16>(x + 16 * b, q + 16 * b, scale + b, sum + b);
  for (; b + 4 <= count; b += 4) quantize_vector<4>(x + 16 * b, q + 16 * b, scale + b, sum + b);
#endif
  for (; b < count; ++b) quantize_block(x + 16 * b, q + 16 * b, scale + b, sum + b);
}

}  // namespace isthmus::cpu::ISTHMUS_ISA
