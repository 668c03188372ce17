// SPDX-License-Identifier: Apache-2.0
// One tile of a product with quantised weights: a few rows by a few vectors of columns, over the whole of k.
#pragma once

#include "ops/matmul/block_panel-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {

// Rows of quantised activations.
struct QuantizedRows {
  const int8_t* q;
  const float* scale;
  const int32_t* sum;
  int64_t q_stride;
  int64_t block_stride;  // of scale and sum, each 16 activations
};

// Compilers would keep a pointer for each row and run out of registers. With what a value is made of hidden
// from them, rows are addressed as pointer + stride * {1, 2, 4} and two multiples.
template <typename T>
ISTHMUS_SIMD T hidden(T x) {
  asm("" : "+r"(x));
  return x;
}
struct RowSteps {
  int64_t one, three, five;  // bytes
};
ISTHMUS_SIMD RowSteps row_steps(int64_t bytes) {
  return {hidden(bytes), hidden(3 * bytes), hidden(5 * bytes)};
}
ISTHMUS_SIMD const unsigned char* row_at(const unsigned char* p, const RowSteps& step, int row) {
  switch (row) {
    case 0: return p;
    case 1: return p + step.one;
    case 2: return p + 2 * step.one;
    case 3: return p + step.three;
    case 4: return p + 4 * step.one;
    default: return p + step.five;
  }
}

// Where AVX2 multiplies bytes it adds pairs in 16 bits, which saturate. Weights beyond 7 bits are therefore
// kept signed
// (|w| * ±q stays in range), and up to kLump products are added before they are widened.
template <int kFormat>
struct DotTraits {
  static constexpr BlockFormat f = kBlockFormats[kFormat];
#if defined(__AVX2__) && !defined(__AVX512VNNI__)
  static constexpr bool kSigned = f.offset == 128;
  static constexpr int kTop = f.dtype == ISTHMUS_MXFP4 ? 24 : (1 << (f.low_bits + f.high_bits)) - 1;
  static constexpr int kFit = kSigned ? 1 : 32767 / (kTop * 128 * 2);
  static constexpr int kLump = kFit >= 4 ? 4 : kFit >= 2 ? 2 : 1;
#else
  static constexpr bool kSigned = false;
  static constexpr int kLump = 1;
#endif
  static constexpr int kOffset = kSigned ? 0 : f.offset;
};

// acc + the dot products of each lane's four unsigned bytes of w with four signed ones of x; kCount of them
// in turn.
template <int kFormat, int kCount>
ISTHMUS_SIMD LaneI32 dot(LaneI32 acc, const LaneU8* w, const LaneI32* x) {
#if defined(__AVX512VNNI__)
  ISTHMUS_UNROLL
  for (int i = 0; i < kCount; ++i)
    acc = (LaneI32)_mm512_dpbusd_epi32((__m512i)acc, (__m512i)w[i], (__m512i)x[i]);
  return acc;
#elif defined(__AVX2__)
  __m256i pairs = _mm256_setzero_si256();
  ISTHMUS_UNROLL
  for (int i = 0; i < kCount; ++i) {
    __m256i weight = (__m256i)w[i], value = (__m256i)x[i];
    if constexpr (DotTraits<kFormat>::kSigned) {
      weight = _mm256_xor_si256(weight, _mm256_set1_epi8(-128));
      value = _mm256_sign_epi8(value, weight);
      weight = _mm256_abs_epi8(weight);
    }
    const __m256i product = _mm256_maddubs_epi16(weight, value);
    pairs = i == 0 ? product : _mm256_add_epi16(pairs, product);
  }
  return (LaneI32)_mm256_add_epi32((__m256i)acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
#else
  ISTHMUS_UNROLL
  for (int i = 0; i < kCount; ++i) {
    const LaneU32 weight = (LaneU32)w[i];
    acc += (LaneI32)(weight & 0xff) * (x[i] << 24 >> 24);
    acc += (LaneI32)(weight >> 8 & 0xff) * (x[i] << 16 >> 24);
    acc += (LaneI32)(weight >> 16 & 0xff) * (x[i] << 8 >> 24);
    acc += (LaneI32)(weight >> 24) * (x[i] >> 24);
  }
  return acc;
#endif
}

// Where a block of rows is, and how the rows lie.
struct BlockRows {
  const unsigned char* q;
  const unsigned char* scale;
  const unsigned char* sum;
  RowSteps q_steps;
  RowSteps block_steps;
};

// What half h of a block multiplies its integers with, and its minimum: exact products of F16 and integer
// scales. `odd` is the number of the block modulo 2.
template <int kFormat>
ISTHMUS_SIMD LaneF32 half_scale(const unsigned char* super_header, const unsigned char* header, int column,
                                int h, int odd) {
  constexpr BlockFormat f = kBlockFormats[kFormat];
  if constexpr (f.dtype == ISTHMUS_MXFP4)
    return lane_mxfp4_scale(lane_load_u8(super_header + 32 * odd + column));
  const LaneF32 d = lane_load_f16(super_header + 2 * column);
  const unsigned char* scales = header + 32 * h + column;
  if constexpr (f.header == 0) return d;
  if constexpr (f.dtype == ISTHMUS_Q2_K) return d * lane_to_f32(lane_load_u8(scales) & 15);
  if constexpr (f.halves) return d * lane_to_f32(lane_load_s8(scales));
  return d * lane_to_f32(lane_load_u8(header + column));
}
template <int kFormat>
ISTHMUS_SIMD LaneF32 half_minimum(const unsigned char* super_header, const unsigned char* header, int column,
                                  int h) {
  constexpr BlockFormat f = kBlockFormats[kFormat];
  const LaneF32 m = lane_load_f16(super_header + 64 + 2 * column);
  if constexpr (f.header == 0) return m;
  if constexpr (f.halves) return -(m * lane_to_f32(lane_load_u8(header + 32 * h + column) >> 4));
  return -(m * lane_to_f32(lane_load_u8(header + 32 + column)));
}

// acc[r][g] after one block: rows r, columns column + g * kLanes. The weights of the block stay in registers
// while one row after the other is multiplied with them.
template <int kFormat, int kRows, int kGroups>
ISTHMUS_SIMD void accumulate(const unsigned char* super_header, const unsigned char* header, int column,
                             const BlockRows& x, int odd, LaneF32 (&acc)[kRows][kGroups]) {
  constexpr BlockFormat f = kBlockFormats[kFormat];
  constexpr int kScales = f.halves ? 2 : 1, kLump = DotTraits<kFormat>::kLump,
                kOffset = DotTraits<kFormat>::kOffset;
  LaneU8 w[kGroups][8];
  LaneF32 d[kGroups][kScales], m[kGroups][kScales];
  ISTHMUS_UNROLL
  for (int g = 0; g < kGroups; ++g) {
    const int c = column + g * kLanes;
    ISTHMUS_UNROLL
    for (int j = 0; j < 8; ++j) w[g][j] = block_codes<kFormat>(header + f.header, c, j);
    ISTHMUS_UNROLL
    for (int h = 0; h < kScales; ++h) {
      d[g][h] = half_scale<kFormat>(super_header, header, c, h, odd);
      if constexpr (f.has_min) m[g][h] = half_minimum<kFormat>(super_header, header, c, h);
    }
  }
  ISTHMUS_UNROLL
  for (int r = 0; r < kRows; ++r) {
    const unsigned char *q = row_at(x.q, x.q_steps, r), *sum = row_at(x.sum, x.block_steps, r),
                        *scale = row_at(x.scale, x.block_steps, r);
    LaneF32 both[kGroups];  // of the two halves
    ISTHMUS_UNROLL
    for (int h = 0; h < 2; ++h) {
      LaneI32 dots[kGroups];
      LaneI32 start = LaneI32{};
      if constexpr (kOffset != 0) start = lane_repeat4(sum + 4 * h) * -kOffset;
      ISTHMUS_UNROLL
      for (int g = 0; g < kGroups; ++g) dots[g] = start;
      ISTHMUS_UNROLL
      for (int j = 4 * h; j < 4 * h + 4; j += kLump) {
        LaneI32 values[kLump];
        ISTHMUS_UNROLL
        for (int i = 0; i < kLump; ++i) values[i] = lane_repeat4(q + 4 * (j + i));
        ISTHMUS_UNROLL
        for (int g = 0; g < kGroups; ++g) dots[g] = dot<kFormat, kLump>(dots[g], w[g] + j, values);
      }
      const LaneF32 s = (LaneF32)lane_repeat4(scale + 4 * h);
      ISTHMUS_UNROLL
      for (int g = 0; g < kGroups; ++g) {
        const LaneF32 value = lane_to_f32(dots[g]);
        if constexpr (f.halves)
          acc[r][g] = lane_fma(value * s, d[g][h], acc[r][g]);
        else if (h == 0)
          both[g] = value * s;
        else
          acc[r][g] = lane_fma(lane_fma(value, s, both[g]), d[g][0], acc[r][g]);
      }
    }
    if constexpr (f.has_min) {
      const LaneF32 first = lane_to_f32(lane_repeat4(sum)) * (LaneF32)lane_repeat4(scale);
      const LaneF32 second = lane_to_f32(lane_repeat4(sum + 4)), s = (LaneF32)lane_repeat4(scale + 4);
      ISTHMUS_UNROLL
      for (int g = 0; g < kGroups; ++g) {
        if constexpr (f.halves) {
          acc[r][g] = lane_fma(first, m[g][0], acc[r][g]);
          acc[r][g] = lane_fma(second * s, m[g][1], acc[r][g]);
        } else {
          acc[r][g] = lane_fma(lane_fma(second, s, first), m[g][0], acc[r][g]);
        }
      }
    }
  }
}

// Rows 0 to kRows - 1 of x by columns `column` to column + kGroups * kLanes - 1 of a panel, over `blocks`
// blocks from the given pointers on, which lie at the start of a group. Starts from y if `resume`, else from
// +0. y is that of the panel's first column; of its columns the first `valid` exist. Fetches `ahead` bytes
// ahead of its reading, if not 0.
template <int kFormat, int kRows, int kGroups>
void block_tile(const unsigned char* panel, int column, int64_t blocks, const QuantizedRows& rows,
                bool resume, float* y, int64_t y_stride, int valid, int64_t ahead) {
  constexpr BlockFormat f = kBlockFormats[kFormat];
  LaneF32 acc[kRows][kGroups];
  ISTHMUS_UNROLL
  for (int g = 0; g < kGroups; ++g) {
    const int from = column + g * kLanes;
    const int count = valid - from < kLanes ? valid - from : kLanes;
    ISTHMUS_UNROLL
    for (int r = 0; r < kRows; ++r)
      acc[r][g] = resume && count > 0 ? lane_load_n(y + r * y_stride + from, count) : LaneF32{};
  }
  BlockRows x = {reinterpret_cast<const unsigned char*>(rows.q),
                 reinterpret_cast<const unsigned char*>(rows.scale),
                 reinterpret_cast<const unsigned char*>(rows.sum), row_steps(rows.q_stride),
                 row_steps(rows.block_stride * 4)};
  while (blocks > 0) {
    const unsigned char* super_header = panel;
    panel += f.super_header;
    const int64_t count = blocks < f.super ? blocks : f.super;
    blocks -= count;
    for (int64_t i = 0; i < count; ++i) {
      if (ahead) {
        for (int at = 0; at < f.block_bytes() + (f.super == 1 ? f.super_header : 0); at += 64)
          __builtin_prefetch(panel + ahead + at);
      }
      x.q = hidden(x.q);
      x.scale = hidden(x.scale);
      x.sum = hidden(x.sum);
      const int odd = static_cast<int>(i & 1);
      if constexpr (kRows == 1 && f.low_bits == 8) {
        // Bound by memory alone: read in the order of the bytes, which is what the processor fetches ahead.
        ISTHMUS_UNROLL
        for (int g = 0; g < kGroups; ++g) {
          LaneF32 group[1][1] = {{acc[0][g]}};
          x.q = hidden(x.q);
          accumulate<kFormat, 1, 1>(super_header, panel, column + g * kLanes, x, odd, group);
          acc[0][g] = group[0][0];
        }
      } else {
        accumulate<kFormat, kRows, kGroups>(super_header, panel, column, x, odd, acc);
      }
      panel += f.block_bytes();
      x.q += 32;
      x.scale += 8;
      x.sum += 8;
    }
  }
  ISTHMUS_UNROLL
  for (int g = 0; g < kGroups; ++g) {
    const int from = column + g * kLanes;
    const int count = valid - from < kLanes ? valid - from : kLanes;
    if (count <= 0) break;
    ISTHMUS_UNROLL
    for (int r = 0; r < kRows; ++r) lane_store_n(y + r * y_stride + from, acc[r][g], count);
  }
}

}  // namespace isthmus::cpu::ISTHMUS_ISA
