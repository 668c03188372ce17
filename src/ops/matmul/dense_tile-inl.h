// SPDX-License-Identifier: Apache-2.0
// One tile of a product with F32, F16 or BF16 weights in panels of 32 columns.
//
// A panel holds, step by step along k, 32 columns side by side: F32 or F16 values, one k to a step; in BF16
// pairs of k, the even one first, so that a lane is a column's pair. Subnormal BF16 weights are packed as
// zeros of their sign, which is how the product reads them.
#pragma once

#include "base/bf16_product.h"
#include "ops/matmul/lanes-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {

inline constexpr int kDenseColumns = 32;

enum DenseFormat { kDenseF32 = 0, kDenseF16 = 1, kDenseBf16 = 2 };

constexpr int dense_step_elements(int format) { return format == kDenseBf16 ? 2 : 1; }
constexpr int dense_step_bytes(int format) { return format == kDenseF16 ? 64 : 128; }
// Activations: F32, or pairs of BF16.
constexpr int dense_x_bytes(int format) { return format == kDenseBf16 ? 2 : 4; }

// BF16 steps flush tiny results. AVX2 has no such product: FTZ does it, between these two.
#if defined(__AVX2__) && !defined(__AVX512BF16__)
inline constexpr bool kFlushByControlWord = true;
ISTHMUS_SIMD unsigned begin_flush() {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040);
  return before;
}
ISTHMUS_SIMD void end_flush(unsigned before) { _mm_setcsr(before); }
#else
inline constexpr bool kFlushByControlWord = false;
ISTHMUS_SIMD unsigned begin_flush() { return 0; }
ISTHMUS_SIMD void end_flush(unsigned) {}
#endif

// acc after the odd, then the even product of each lane's pair.
ISTHMUS_SIMD LaneF32 lane_bf16_pair(LaneF32 acc, LaneI32 w, LaneI32 x) {
#if defined(__AVX512BF16__)
  return (LaneF32)_mm512_dpbf16_ps((__m512)acc, (__m512bh)w, (__m512bh)x);
#else
  const LaneF32 w_odd = (LaneF32)(w & (int32_t)0xffff0000), w_even = (LaneF32)(w << 16);
  const LaneF32 x_odd = (LaneF32)(x & (int32_t)0xffff0000), x_even = (LaneF32)(x << 16);
#if defined(__AVX2__)
  return lane_fma(x_even, w_even, lane_fma(x_odd, w_odd, acc));
#else
  const LaneF32 odd = lane_fma(x_odd, w_odd, acc), both = lane_fma(x_even, w_even, odd);
  // Where any result is near the least normal number or below, the careful way; zeros cost nothing extra to
  // check.
  bool near = false;
  for (int i = 0; i < kLanes; ++i)
    near |= __builtin_fabsf(odd[i]) <= 0x1p-126f || __builtin_fabsf(both[i]) <= 0x1p-126f;
  if (!near) return both;
  LaneF32 r;
  for (int i = 0; i < kLanes; ++i)
    r[i] = bf16_product_step(x_even[i], w_even[i], bf16_product_step(x_odd[i], w_odd[i], acc[i]));
  return r;
#endif
#endif
}

// What a tile asks the caches for on its way: `step` bytes with every eighth step.
struct DenseFetch {
  const unsigned char* from;
  int64_t step;
};

// Rows 0 to kRows - 1 of x (x_stride elements apart) by columns column to column + kGroups * kLanes - 1 of a
// panel, over `steps` steps. Starts from y if `resume`, else from +0. y is that of the panel's first column;
// the first `valid` columns exist.
template <int kFormat, int kRows, int kGroups>
__attribute__((noinline)) void dense_tile(const unsigned char* panel, int column, int64_t steps,
                                          const void* x, int64_t x_stride, bool resume, float* y,
                                          int64_t y_stride, int valid, DenseFetch fetch) {
  LaneF32 acc[kRows][kGroups];
  ISTHMUS_UNROLL
  for (int g = 0; g < kGroups; ++g) {
    const int from = column + g * kLanes;
    const int count = valid - from < kLanes ? valid - from : kLanes;
    ISTHMUS_UNROLL
    for (int r = 0; r < kRows; ++r)
      acc[r][g] = resume && count > 0 ? lane_load_n(y + r * y_stride + from, count) : LaneF32{};
  }
  const unsigned char* row_bytes = static_cast<const unsigned char*>(x);
  for (int64_t s = 0; s < steps; ++s, panel += dense_step_bytes(kFormat), row_bytes += 4) {
    if (kRows > 1 && s % 8 == 0 && fetch.step) {  // a single row reads as fast as memory does by itself
      for (int64_t at = 0; at < fetch.step; at += 64) __builtin_prefetch(fetch.from + at, 0, 2);
      fetch.from += fetch.step;
    }
    LaneF32 w[kGroups];
    ISTHMUS_UNROLL
    for (int g = 0; g < kGroups; ++g) {
      const int at = column + g * kLanes;
      if constexpr (kFormat == kDenseF16)
        w[g] = lane_load_f16(panel + 2 * at);
      else
        w[g] = lane_load<LaneF32>(panel + 4 * at);
    }
    ISTHMUS_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const LaneI32 value = lane_repeat4(row_bytes + r * x_stride * dense_x_bytes(kFormat));
      ISTHMUS_UNROLL
      for (int g = 0; g < kGroups; ++g) {
        if constexpr (kFormat == kDenseBf16)
          acc[r][g] = lane_bf16_pair(acc[r][g], (LaneI32)w[g], value);
        else
          acc[r][g] = lane_fma((LaneF32)value, w[g], acc[r][g]);
      }
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

#if defined(__AVX512F__)
inline constexpr int kDenseRows = 8, kDenseGroups = 2, kDenseFewGroups = 2;
#elif defined(__AVX2__)
inline constexpr int kDenseRows = 6, kDenseGroups = 2, kDenseFewGroups = 4;
#else
inline constexpr int kDenseRows = 4, kDenseGroups = 2, kDenseFewGroups = 4;
#endif

using DenseTile = void (*)(const unsigned char* panel, int column, int64_t steps, const void* x,
                           int64_t x_stride, bool resume, float* y, int64_t y_stride, int valid,
                           DenseFetch fetch);

// The tile of `rows` (1 … kDenseRows) rows and its columns.
template <int kFormat>
ISTHMUS_SIMD DenseTile dense_tile_of(int rows, int* columns) {
  *columns = (rows == 1 ? kDenseFewGroups : kDenseGroups) * kLanes;
  switch (rows) {
    case 1: return dense_tile<kFormat, 1, kDenseFewGroups>;
    case 2: return dense_tile<kFormat, 2, kDenseGroups>;
    case 3: return dense_tile<kFormat, 3, kDenseGroups>;
#if defined(__AVX2__)
    case 4: return dense_tile<kFormat, 4, kDenseGroups>;
    case 5: return dense_tile<kFormat, 5, kDenseGroups>;
#endif
#if defined(__AVX512F__)
    case 6: return dense_tile<kFormat, 6, kDenseGroups>;
    case 7: return dense_tile<kFormat, 7, kDenseGroups>;
#endif
    default: return dense_tile<kFormat, kDenseRows, kDenseGroups>;
  }
}

inline constexpr int64_t kDenseFewAhead = 12288;  // bytes that a few rows fetch ahead

// `rows` rows by one panel, in tiles of nearly equal height, which fetch what comes at `next`, if given.
template <int kFormat>
ISTHMUS_SIMD void dense_panel(int64_t rows, const unsigned char* panel, int64_t steps, const void* x,
                              int64_t x_stride, bool resume, float* y, int64_t y_stride, int valid,
                              const unsigned char* next = nullptr) {
  const int64_t tiles = (rows + kDenseRows - 1) / kDenseRows;
  const int64_t bytes = steps * dense_step_bytes(kFormat), fetches = (steps + 7) / 8;
  // One tile fetches ahead of its own reading.
  DenseFetch fetch = {panel + kDenseFewAhead, next ? 8 * dense_step_bytes(kFormat) : 0};
  if (tiles > 1) fetch = {next, next ? (bytes / (tiles * fetches + 1) + 63) / 64 * 64 : 0};
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t row = rows * t / tiles, next_row = rows * (t + 1) / tiles;
    // Rows of y are far apart: what the next tile adds to is fetched while this one computes.
    for (int64_t r = 0; r < kDenseRows && next_row + r < rows; ++r)
      for (int c = 0; c < kDenseColumns; c += 16) __builtin_prefetch(y + (next_row + r) * y_stride + c, 1);
    int columns;
    const DenseTile tile = dense_tile_of<kFormat>(static_cast<int>(next_row - row), &columns);
    for (int c = 0; c < kDenseColumns && c < valid; c += columns)
      tile(panel, c, steps, static_cast<const unsigned char*>(x) + row * x_stride * dense_x_bytes(kFormat),
           x_stride, resume, y + row * y_stride, y_stride, valid, fetch);
    fetch.from += fetch.step * fetches;
    if (tiles > 1 && fetch.from - next >= bytes) fetch.step = 0;
  }
}

// x rounded to BF16, nearest even, subnormals as zeros of their sign.
ISTHMUS_SIMD uint16_t to_bf16_flushed(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16, quiet_nan = (bits >> 16) | 0x40u;
  const uint32_t value = (bits & 0x7fffffffu) > 0x7f800000u ? quiet_nan : rounded;
  return static_cast<uint16_t>((value & 0x7f80u) ? value : value & 0x8000u);
}
ISTHMUS_SIMD uint16_t flushed_bf16(uint16_t value) { return (value & 0x7f80u) ? value : value & 0x8000u; }

}  // namespace isthmus::cpu::ISTHMUS_ISA
