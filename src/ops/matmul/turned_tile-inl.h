// SPDX-License-Identifier: Apache-2.0
// A few rows by columns whose numbers lie along k, as those of a weight that nobody packed: 16 bytes of each
// column at a time are turned in registers, so that the weight is read once, as fast as memory gives it.
//
// Lanes are columns, and each is one chain over k ascending, as in the dense tiles.
#pragma once

#include "ops/matmul/dense_tile-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {

inline constexpr int kTurnedRows = 4;

// Of the first or of the last eight bytes of each 16 of two vectors, numbers of kBits by turns.
template <int kBits>
ISTHMUS_SIMD LaneI32 zip_first(LaneI32 a, LaneI32 b) {
#if defined(__AVX512F__)
  const __m512i x = (__m512i)a, y = (__m512i)b;
  return (LaneI32)(kBits == 16   ? _mm512_unpacklo_epi16(x, y)
                   : kBits == 32 ? _mm512_unpacklo_epi32(x, y)
                                 : _mm512_unpacklo_epi64(x, y));
#elif defined(__AVX2__)
  const __m256i x = (__m256i)a, y = (__m256i)b;
  return (LaneI32)(kBits == 16   ? _mm256_unpacklo_epi16(x, y)
                   : kBits == 32 ? _mm256_unpacklo_epi32(x, y)
                                 : _mm256_unpacklo_epi64(x, y));
#else
  if constexpr (kBits == 16)
    return (LaneI32)__builtin_shufflevector((LaneU16)a, (LaneU16)b, 0, 8, 1, 9, 2, 10, 3, 11);
  else if constexpr (kBits == 32)
    return __builtin_shufflevector(a, b, 0, 4, 1, 5);
  else
    return __builtin_shufflevector(a, b, 0, 1, 4, 5);
#endif
}
template <int kBits>
ISTHMUS_SIMD LaneI32 zip_last(LaneI32 a, LaneI32 b) {
#if defined(__AVX512F__)
  const __m512i x = (__m512i)a, y = (__m512i)b;
  return (LaneI32)(kBits == 16   ? _mm512_unpackhi_epi16(x, y)
                   : kBits == 32 ? _mm512_unpackhi_epi32(x, y)
                                 : _mm512_unpackhi_epi64(x, y));
#elif defined(__AVX2__)
  const __m256i x = (__m256i)a, y = (__m256i)b;
  return (LaneI32)(kBits == 16   ? _mm256_unpackhi_epi16(x, y)
                   : kBits == 32 ? _mm256_unpackhi_epi32(x, y)
                                 : _mm256_unpackhi_epi64(x, y));
#else
  if constexpr (kBits == 16)
    return (LaneI32)__builtin_shufflevector((LaneU16)a, (LaneU16)b, 4, 12, 5, 13, 6, 14, 7, 15);
  else if constexpr (kBits == 32)
    return __builtin_shufflevector(a, b, 2, 6, 3, 7);
  else
    return __builtin_shufflevector(a, b, 2, 3, 6, 7);
#endif
}

// 16 bytes from p and from each further `stride` bytes.
ISTHMUS_SIMD LaneI32 load_parts(const unsigned char* p, int64_t stride) {
#if defined(__AVX512F__)
  const auto part = [&](int i) { return _mm_loadu_si128((const __m128i*)(p + i * stride)); };
  __m512i v = _mm512_castsi128_si512(part(0));
  v = _mm512_inserti32x4(v, part(1), 1);
  v = _mm512_inserti32x4(v, part(2), 2);
  return (LaneI32)_mm512_inserti32x4(v, part(3), 3);
#elif defined(__AVX2__)
  const __m256i v = _mm256_castsi128_si256(_mm_loadu_si128((const __m128i*)p));
  return (LaneI32)_mm256_inserti128_si256(v, _mm_loadu_si128((const __m128i*)(p + stride)), 1);
#else
  (void)stride;
  return lane_load<LaneI32>(p);
#endif
}

// What a vector with one number of each column multiplies by: itself, or the two halves of F16 as F32.
template <int kFormat>
ISTHMUS_SIMD void turned_weights(LaneI32 v, LaneF32* w) {
  if constexpr (kFormat == kDenseF16) {
#if defined(__AVX512F__)
    w[0] = (LaneF32)_mm512_cvtph_ps(_mm512_castsi512_si256((__m512i)v));
    w[1] = (LaneF32)_mm512_cvtph_ps(_mm512_extracti64x4_epi64((__m512i)v, 1));
#elif defined(__AVX2__)
    w[0] = (LaneF32)_mm256_cvtph_ps(_mm256_castsi256_si128((__m256i)v));
    w[1] = (LaneF32)_mm256_cvtph_ps(_mm256_extracti128_si256((__m256i)v, 1));
#else
    unsigned char bytes[4 * kLanes];
    __builtin_memcpy(bytes, &v, sizeof v);
    w[0] = lane_load_f16(bytes);
    w[1] = lane_load_f16(bytes + 2 * kLanes);
#endif
  } else {
#if !defined(__AVX2__)
    if constexpr (kFormat == kDenseBf16) {  // the instructions, or the control word, do it elsewhere
      const LaneI32 even = v & 0xffff, odd = v & (int32_t)0xffff0000;
      const LaneI32 no_even = (v & 0x7f80) == 0, no_odd = (v & 0x7f800000) == 0;
      v = (even & ~(no_even & 0x7fff)) | (odd & ~(no_odd & 0x7fff0000));
    }
#endif
    w[0] = (LaneF32)v;
  }
}

// Columns of one call, and numbers of k in 16 bytes.
template <int kFormat>
inline constexpr int kTurnedColumns = (kFormat == kDenseF16 ? 2 : 1) * kLanes;
template <int kFormat>
inline constexpr int kTurnedDepth = kFormat == kDenseF32 ? 4 : 8;

// Rows 0 to kRows - 1 of x (F32 or pairs of BF16, rows x_bytes apart) by kTurnedColumns columns, column_bytes
// apart, over `depth` of k, a multiple of kTurnedDepth. Goes on from y, its rows kDenseColumns apart. As many
// bytes as are read are fetched from `ahead` on.
template <int kFormat, int kRows>
__attribute__((noinline)) void turned_tile(const unsigned char* columns, int64_t column_bytes, int64_t depth,
                                           const unsigned char* x, int64_t x_bytes, float* y,
                                           const unsigned char* ahead) {
  constexpr int kVectors = kTurnedColumns<kFormat> / kLanes;
  constexpr int kCount = kFormat == kDenseF16 ? 8 : 4;  // vectors that are turned together
  constexpr int kHalf = kCount / 2;
  LaneF32 acc[kRows][kVectors];
  ISTHMUS_UNROLL
  for (int r = 0; r < kRows; ++r) ISTHMUS_UNROLL
  for (int g = 0; g < kVectors; ++g) acc[r][g] = lane_load<LaneF32>(y + r * kDenseColumns + g * kLanes);
  for (int64_t k = 0; k < depth; k += kTurnedDepth<kFormat>, columns += 16, x += 4 * kCount) {
    // Vector i holds, in its part p, numbers of column p * kCount + i.
    LaneI32 v[kCount], t[kCount];
    ISTHMUS_UNROLL
    for (int i = 0; i < kCount; ++i) v[i] = load_parts(columns + i * column_bytes, kCount * column_bytes);
    ISTHMUS_UNROLL
    for (int i = 0; i < kCount * 4 * kLanes; i += 64) __builtin_prefetch(ahead + i, 0, 3);
    ahead += kCount * 4 * kLanes;
    if constexpr (kFormat == kDenseF16) {
      ISTHMUS_UNROLL
      for (int i = 0; i < 8; i += 2) {
        t[i] = zip_first<16>(v[i], v[i + 1]);
        t[i + 1] = zip_last<16>(v[i], v[i + 1]);
      }
      ISTHMUS_UNROLL
      for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; ++j) {
          v[i + 2 * j] = zip_first<32>(t[i + j], t[i + j + 2]);
          v[i + 2 * j + 1] = zip_last<32>(t[i + j], t[i + j + 2]);
        }
    } else {
      ISTHMUS_UNROLL
      for (int i = 0; i < 4; i += 2) {
        t[i] = zip_first<32>(v[i], v[i + 1]);
        t[i + 1] = zip_last<32>(v[i], v[i + 1]);
      }
      ISTHMUS_UNROLL
      for (int i = 0; i < 4; ++i) v[i] = t[i];
    }
    ISTHMUS_UNROLL
    for (int i = 0; i < kHalf; ++i) {
      t[2 * i] = zip_first<64>(v[i], v[i + kHalf]);
      t[2 * i + 1] = zip_last<64>(v[i], v[i + kHalf]);
    }
    ISTHMUS_UNROLL
    for (int i = 0; i < kCount; ++i) {
      LaneF32 w[2];
      turned_weights<kFormat>(t[i], w);
      ISTHMUS_UNROLL
      for (int r = 0; r < kRows; ++r) {
        const LaneI32 value = lane_repeat4(x + r * x_bytes + 4 * i);
        ISTHMUS_UNROLL
        for (int g = 0; g < kVectors; ++g)
          acc[r][g] = kFormat == kDenseBf16 ? lane_bf16_pair(acc[r][g], (LaneI32)w[g], value)
                                            : lane_fma((LaneF32)value, w[g], acc[r][g]);
      }
    }
  }
  ISTHMUS_UNROLL
  for (int r = 0; r < kRows; ++r) ISTHMUS_UNROLL
  for (int g = 0; g < kVectors; ++g) lane_store_n(y + r * kDenseColumns + g * kLanes, acc[r][g], kLanes);
}

// `rows` (1 … kTurnedRows) rows by kDenseColumns columns; the rest as turned_tile.
template <int kFormat>
ISTHMUS_SIMD void turned_panel(int64_t rows, const unsigned char* columns, int64_t column_bytes,
                               int64_t depth, const unsigned char* x, int64_t x_bytes, float* y,
                               const unsigned char* ahead) {
  constexpr int kColumns = kTurnedColumns<kFormat>;
  const auto tile = rows == 1   ? turned_tile<kFormat, 1>
                    : rows == 2 ? turned_tile<kFormat, 2>
                    : rows == 3 ? turned_tile<kFormat, 3>
                                : turned_tile<kFormat, 4>;
  for (int c = 0; c < kDenseColumns; c += kColumns)
    tile(columns + c * column_bytes, column_bytes, depth, x, x_bytes, y + c,
         ahead + c * depth * (kFormat == kDenseF32 ? 4 : 2));
}

}  // namespace isthmus::cpu::ISTHMUS_ISA
