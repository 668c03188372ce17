// SPDX-License-Identifier: Apache-2.0
// One tile of a product with quantised weights: a few rows by a few vectors of columns, over the whole of k.
#pragma once

#include "ops/matmul/block_rows-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {

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
template <bool kSigned, int kCount>
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
    if constexpr (kSigned) {
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

// Weights of a block for a tile, read from a panel as it is packed.
template <int kFormat>
struct PackedWeights {
  static constexpr BlockFormat f = kBlockFormats[kFormat];
  static constexpr bool kHalves = f.halves, kMin = f.has_min, kSigned = DotTraits<kFormat>::kSigned,
                        kBytes = f.low_bits == 8;
  static constexpr int kLump = DotTraits<kFormat>::kLump, kSuper = f.super, kSuperHeader = f.super_header,
                       kBlockBytes = f.block_bytes();
  const unsigned char* super_header;
  const unsigned char* block;
  int odd;  // the number of the block modulo 2

  ISTHMUS_SIMD LaneU8 codes(int column, int j) const {
    return block_codes<kFormat>(block + f.header, column, j);
  }
  ISTHMUS_SIMD LaneF32 scale(int column, int h) const {
    return half_scale<kFormat>(super_header, block, column, h, odd);
  }
  ISTHMUS_SIMD LaneF32 minimum(int column, int h) const {
    return half_minimum<kFormat>(super_header, block, column, h);
  }
};

// The same unpacked for many rows, which then cost no more for one format than for another: codes as bytes in
// the order of a plane of 8 bits, then the scales and minimums of each half, or of both, as F32.
template <bool kHalvesOfIts, bool kMinOfIts, bool kSignedOfIts, int kLumpOfIts>
struct UnpackedWeights {
  static constexpr bool kHalves = kHalvesOfIts, kMin = kMinOfIts, kSigned = kSignedOfIts, kBytes = true;
  static constexpr int kLump = kLumpOfIts, kSuper = 1, kSuperHeader = 0;
  static constexpr int kFactors = kHalves ? 2 : 1, kMinimums = 1024 + 128 * kFactors;
  static constexpr int kBlockBytes = kMin ? kMinimums + 128 * kFactors : kMinimums;
  const unsigned char* super_header;
  const unsigned char* block;
  int odd;

  ISTHMUS_SIMD LaneU8 codes(int column, int j) const {
    return lane_load<LaneU8>(block + column / 16 * 512 + 64 * j + column % 16 * 4);
  }
  ISTHMUS_SIMD LaneF32 scale(int column, int h) const {
    return lane_load<LaneF32>(block + 1024 + 128 * h + 4 * column);
  }
  ISTHMUS_SIMD LaneF32 minimum(int column, int h) const {
    return lane_load<LaneF32>(block + kMinimums + 128 * h + 4 * column);
  }
};
template <int kFormat>
using Unpacked = UnpackedWeights<kBlockFormats[kFormat].halves, kBlockFormats[kFormat].has_min,
                                 DotTraits<kFormat>::kSigned, DotTraits<kFormat>::kLump>;

// `blocks` blocks from the start of a group on.
template <int kFormat>
void unpack_panel(const unsigned char* panel, int64_t blocks, unsigned char* to) {
  using From = PackedWeights<kFormat>;
  using To = Unpacked<kFormat>;
  From from = {};
  for (int64_t b = 0; b < blocks; ++b, to += To::kBlockBytes) {
    if (b % From::kSuper == 0) {
      from.super_header = panel;
      panel += From::kSuperHeader;
    }
    from.block = panel;
    from.odd = static_cast<int>(b % 2);
    panel += From::kBlockBytes;
    for (int c = 0; c < kPanelColumns; c += kLanes) {
      ISTHMUS_UNROLL
      for (int j = 0; j < 8; ++j) {
        const LaneU8 codes = from.codes(c, j);
        __builtin_memcpy(to + c / 16 * 512 + 64 * j + c % 16 * 4, &codes, sizeof codes);
      }
      ISTHMUS_UNROLL
      for (int h = 0; h < To::kFactors; ++h) {
        const LaneF32 scale = from.scale(c, h);
        __builtin_memcpy(to + 1024 + 128 * h + 4 * c, &scale, sizeof scale);
        if constexpr (To::kMin) {
          const LaneF32 minimum = from.minimum(c, h);
          __builtin_memcpy(to + To::kMinimums + 128 * h + 4 * c, &minimum, sizeof minimum);
        }
      }
    }
  }
}

// Keeps a value in a register: compilers would load it again for each use.
template <typename V>
ISTHMUS_SIMD V kept(V v) {
#if defined(__AVX2__)
  asm("" : "+v"(v));
#endif
  return v;
}

// acc[r][g] after one block: rows r, columns column + g * kLanes. All dot products of a half go on side by
// side, so that none waits for itself.
template <typename Weights, int kRows, int kGroups>
ISTHMUS_SIMD void accumulate(const Weights& weights, int column, const RowBlock* x,
                             LaneF32 (&acc)[kRows][kGroups]) {
  constexpr int kLump = Weights::kLump;
  LaneF32 both[kRows][kGroups];  // of the two halves
  ISTHMUS_UNROLL
  for (int h = 0; h < 2; ++h) {
    LaneI32 dots[kRows][kGroups];
    ISTHMUS_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const LaneI32 start = Weights::kMin ? LaneI32{} : lane_repeat4(&x[r].start[h]);
      ISTHMUS_UNROLL
      for (int g = 0; g < kGroups; ++g) dots[r][g] = start;
    }
    ISTHMUS_UNROLL
    for (int j = 4 * h; j < 4 * h + 4; j += kLump) {
      LaneU8 w[kGroups][kLump];
      ISTHMUS_UNROLL
      for (int g = 0; g < kGroups; ++g) {
        ISTHMUS_UNROLL
        for (int i = 0; i < kLump; ++i) w[g][i] = kept(weights.codes(column + g * kLanes, j + i));
      }
      ISTHMUS_UNROLL
      for (int r = 0; r < kRows; ++r) {
        LaneI32 values[kLump];
        ISTHMUS_UNROLL
        for (int i = 0; i < kLump; ++i) values[i] = kept(lane_repeat4(x[r].q + 4 * (j + i)));
        ISTHMUS_UNROLL
        for (int g = 0; g < kGroups; ++g) dots[r][g] = dot<Weights::kSigned, kLump>(dots[r][g], w[g], values);
      }
    }
    LaneF32 d[kGroups];
    if (Weights::kHalves || h == 1) {
      ISTHMUS_UNROLL
      for (int g = 0; g < kGroups; ++g) d[g] = weights.scale(column + g * kLanes, Weights::kHalves ? h : 0);
    }
    ISTHMUS_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const LaneF32 s = kept((LaneF32)lane_repeat4(&x[r].scale[h]));
      ISTHMUS_UNROLL
      for (int g = 0; g < kGroups; ++g) {
        const LaneF32 value = lane_to_f32(dots[r][g]);
        if constexpr (Weights::kHalves)
          acc[r][g] = lane_fma(value * s, d[g], acc[r][g]);
        else if (h == 0)
          both[r][g] = value * s;
        else
          acc[r][g] = lane_fma(lane_fma(value, s, both[r][g]), d[g], acc[r][g]);
      }
    }
  }
  if constexpr (Weights::kMin) {
    ISTHMUS_UNROLL
    for (int h = 0; h < (Weights::kHalves ? 2 : 1); ++h) {
      ISTHMUS_UNROLL
      for (int g = 0; g < kGroups; ++g) {
        const LaneF32 m = weights.minimum(column + g * kLanes, h);
        ISTHMUS_UNROLL
        for (int r = 0; r < kRows; ++r)
          acc[r][g] = lane_fma((LaneF32)lane_repeat4(&x[r].minimum[h]), m, acc[r][g]);
      }
    }
  }
}

// What a tile asks the caches for with each block: its own stream so many bytes further on, if not 0, or else
// `step` bytes of what comes after the panel.
struct Fetch {
  int64_t stream;
  const unsigned char* from;
  int64_t step;
};

// Rows 0 to kRows - 1 of x by columns `column` to column + kGroups * kLanes - 1 of a panel, over `blocks`
// blocks from the given pointers on, which lie at the start of a group. Starts from y if `resume`, else from
// +0. y is that of the panel's first column; of its columns the first `valid` exist.
template <typename Weights, int kRows, int kGroups>
void block_tile(const unsigned char* panel, int column, int64_t blocks, const RowBlock* x, bool resume,
                float* y, int64_t y_stride, int valid, Fetch fetch) {
  LaneF32 acc[kRows][kGroups];
  ISTHMUS_UNROLL
  for (int g = 0; g < kGroups; ++g) {
    const int from = column + g * kLanes;
    const int count = valid - from < kLanes ? valid - from : kLanes;
    ISTHMUS_UNROLL
    for (int r = 0; r < kRows; ++r)
      acc[r][g] = resume && count > 0 ? lane_load_n(y + r * y_stride + from, count) : LaneF32{};
  }
  Weights weights = {};
  while (blocks > 0) {
    weights.super_header = panel;
    panel += Weights::kSuperHeader;
    const int64_t count = blocks < Weights::kSuper ? blocks : Weights::kSuper;
    blocks -= count;
    for (int64_t i = 0; i < count; ++i) {
      if (kRows == 1 ? !Weights::kBytes : fetch.stream != 0) {
        ISTHMUS_UNROLL
        for (int at = 0; at < Weights::kBlockBytes + Weights::kSuperHeader / Weights::kSuper; at += 64)
          __builtin_prefetch(panel + fetch.stream + at);
      } else if (kRows > 1 && fetch.step) {
        for (int64_t at = 0; at < fetch.step; at += 64) __builtin_prefetch(fetch.from + at, 0, 2);
        fetch.from += fetch.step;
      }
      weights.block = panel;
      weights.odd = static_cast<int>(i & 1);
      if constexpr (kRows == 1 && Weights::kBytes) {
        // Bound by memory alone: read in the order of the bytes, which is what the processor fetches ahead.
        ISTHMUS_UNROLL
        for (int g = 0; g < kGroups; ++g) {
          LaneF32 group[1][1] = {{acc[0][g]}};
          asm("" : "+r"(x));  // or compilers would take the groups side by side
          accumulate<Weights, 1, 1>(weights, column + g * kLanes, x, group);
          acc[0][g] = group[0][0];
        }
      } else {
        accumulate<Weights, kRows, kGroups>(weights, column, x, acc);
      }
      panel += Weights::kBlockBytes;
      x += kRows;
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
