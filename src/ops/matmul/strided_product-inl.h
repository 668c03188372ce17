// SPDX-License-Identifier: Apache-2.0
// A product of any two strided matrices: pieces of both are copied to the stack in the layout of the dense
// tiles.
#pragma once

#include "ops/elementwise/blocks-inl.h"
#include "ops/matmul/dense_tile-inl.h"
#include "ops/matmul/transpose-inl.h"
#include "ops/matmul/turned_tile-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {

struct StridedMatrix {
  const void* data;
  isthmus_dtype_t dtype;
  int64_t row_stride;
  int64_t column_stride;

  const unsigned char* at(int64_t index) const {
    return static_cast<const unsigned char*>(data) + index * (dtype == ISTHMUS_F32 ? 4 : 2);
  }
};

inline constexpr int64_t kPieceRows = 96, kPieceDepth = 128;

// Element as F32; `index` counts elements.
ISTHMUS_SIMD float strided_load(const StridedMatrix& m, int64_t index) {
  if (m.dtype == ISTHMUS_F32) return static_cast<const float*>(m.data)[index];
  const uint16_t bits = static_cast<const uint16_t*>(m.data)[index];
  return m.dtype == ISTHMUS_F16 ? half_to_float(bits) : bfloat_to_float(bits);
}

// Each of 32 BF16 in 16 lanes; subnormal ones as zeros of their sign.
ISTHMUS_SIMD I32x16 flushed_pairs(I32x16 v) {
  v = select((v & 0x7f80) == 0, v & (int32_t)0xffff8000, v);
  return select((v & 0x7f800000) == 0, v & (int32_t)0x8000ffff, v);
}

// Sixteen 32-bit words of 16 columns, which are at `from` and `stride` bytes apart, word by word to `to`,
// `step` bytes apart: F32 numbers, pairs of BF16 (flushed), or pairs of F16, the numbers of which are told
// apart.
template <int kFormat>
ISTHMUS_SIMD void turn_block(const unsigned char* from, int64_t stride, unsigned char* to) {
  I32x16 v[16];
  ISTHMUS_UNROLL
  for (int c = 0; c < 16; ++c) v[c] = load(reinterpret_cast<const int32_t*>(from + c * stride));
  transpose16(v);
  ISTHMUS_UNROLL
  for (int i = 0; i < 16; ++i) {
    if constexpr (kFormat == kDenseF16) {
      uint16_t* halves = reinterpret_cast<uint16_t*>(to) + 2 * i * kDenseColumns;
      store_u16(halves, v[i] & 0xffff);
      store_u16(halves + kDenseColumns, shift_right_logical(v[i], 16));
    } else {
      store(reinterpret_cast<int32_t*>(to) + i * kDenseColumns,
            kFormat == kDenseBf16 ? flushed_pairs(v[i]) : v[i]);
    }
  }
}

// Rows k0 … k0 + depth - 1 of b (an even k0) in `columns` columns, the first of which is at element `at`, as
// the panel of a dense tile.
template <int kFormat>
void pack_panel(const StridedMatrix& b, int64_t at, int64_t columns, int64_t depth, unsigned char* panel) {
  constexpr int kWord = kFormat == kDenseF32 ? 1 : 2;  // numbers in 32 bits
  typedef uint16_t Half;
  float* floats = reinterpret_cast<float*>(panel);
  Half* halves = reinterpret_cast<Half*>(panel);
  const auto put = [&](int64_t k, int64_t c) {
    const int64_t index = at + k * b.row_stride + c * b.column_stride;
    if constexpr (kFormat == kDenseF32)
      floats[k * kDenseColumns + c] = strided_load(b, index);
    else if constexpr (kFormat == kDenseF16)
      halves[k * kDenseColumns + c] = static_cast<const Half*>(b.data)[index];
    else
      halves[(k / 2 * kDenseColumns + c) * 2 + k % 2] = to_bf16_flushed(strided_load(b, index));
  };
  // Stored as panels have it.
  const bool same = b.dtype == (kFormat == kDenseF32   ? ISTHMUS_F32
                                : kFormat == kDenseF16 ? ISTHMUS_F16
                                                       : ISTHMUS_BF16);
  if (same && b.row_stride == 1) {
    // Columns lie word by word: blocks of 16 columns and 16 words are turned.
    for (int64_t c = 0; c < columns; c += 16) {
      const int64_t whole = columns - c < 16 ? 0 : depth / (16 * kWord) * (16 * kWord);
      for (int64_t k = 0; k < whole; k += 16 * kWord)
        turn_block<kFormat>(b.at(at + c * b.column_stride + k), b.column_stride * 4 / kWord,
                            kFormat == kDenseF16
                                ? reinterpret_cast<unsigned char*>(halves + k * kDenseColumns + c)
                                : panel + (k / kWord * kDenseColumns + c) * 4);
      for (int64_t i = c; i < c + 16 && i < columns; ++i)
        for (int64_t k = whole; k < depth; ++k) put(k, i);
    }
    return;
  }
  if (same && b.column_stride == 1 && columns == kDenseColumns) {
    for (int64_t k = 0; k < depth; k += kFormat == kDenseBf16 ? 2 : 1) {
      const unsigned char* row = b.at(at + k * b.row_stride);
      if constexpr (kFormat == kDenseF32) {
        memcpy(floats + k * kDenseColumns, row, kDenseColumns * 4);
      } else if constexpr (kFormat == kDenseF16) {
        memcpy(halves + k * kDenseColumns, row, kDenseColumns * 2);
      } else {
        const unsigned char* next = b.at(at + (k + 1) * b.row_stride);
        for (int c = 0; c < kDenseColumns; c += 16) {
          I32x16 pair = load_u16(reinterpret_cast<const Half*>(row) + c);
          if (k + 1 < depth) pair = pair | (load_u16(reinterpret_cast<const Half*>(next) + c) << 16);
          store(reinterpret_cast<int32_t*>(panel) + k / 2 * kDenseColumns + c, flushed_pairs(pair));
        }
      }
    }
    return;
  }
  for (int64_t k = 0; k < depth; ++k)
    for (int64_t c = 0; c < columns; ++c) put(k, c);
}

// One row of a, from element `at` on, as dense tiles read it.
ISTHMUS_SIMD void pack_row(const StridedMatrix& a, int64_t at, int64_t depth, bool pairs, unsigned char* to) {
  float* floats = reinterpret_cast<float*>(to);
  uint16_t* halves = reinterpret_cast<uint16_t*>(to);
  if (!pairs) {
    if (a.dtype == ISTHMUS_F32)
      gather_plain<float>(floats, a.at(at), a.column_stride, depth);
    else
      a.dtype == ISTHMUS_F16 ? gather_half(floats, a.at(at), a.column_stride, depth)
                             : gather_bfloat(floats, a.at(at), a.column_stride, depth);
    return;
  }
  if (a.dtype == ISTHMUS_BF16 && a.column_stride == 1) {
    const uint16_t* from = static_cast<const uint16_t*>(a.data) + at;
    for (int64_t i = 0; i < depth; ++i) halves[i] = flushed_bf16(from[i]);
  } else {
    for (int64_t i = 0; i < depth; ++i)
      halves[i] = to_bf16_flushed(strided_load(a, at + i * a.column_stride));
  }
  if (depth % 2) halves[depth] = 0;
}

// Adds `depth` of k to `rows` rows by kDenseColumns columns: the first of them read where they lie, what is
// left, or all, from a panel. x as dense tiles read it, x_stride elements apart.
template <int kFormat>
void add_depth(const StridedMatrix& b, int64_t b_at, int64_t rows, int64_t columns, int64_t depth,
               bool turned, const void* x, int64_t x_stride, unsigned char* panel, float* out) {
  const unsigned char* from = static_cast<const unsigned char*>(x);
  int64_t done = 0;
  if (turned) {
    constexpr int kDepth = kTurnedDepth<kFormat>;
    done = depth / kDepth * kDepth;
    const int64_t column_bytes = b.at(b.column_stride) - b.at(0);
    turned_panel<kFormat>(rows, b.at(b_at), column_bytes, done, from, x_stride * dense_x_bytes(kFormat), out,
                          b.at(b_at) + kDenseColumns * column_bytes);
    if (done == depth) return;
  }
  constexpr int kStep = dense_step_elements(kFormat);
  pack_panel<kFormat>(b, b_at + done * b.row_stride, columns, depth - done, panel);
  dense_panel<kFormat>(rows, panel, (depth - done + kStep - 1) / kStep, from + done * dense_x_bytes(kFormat),
                       x_stride, true, out, kDenseColumns, kDenseColumns);
}

// The result rows x columns, at most kPieceRows x kDenseColumns, row i at out + i * kDenseColumns. a is
// [rows, k] and b [k, columns] from the given elements on. With `pairs` both are taken as BF16 (a rounded if
// need be) in pair order.
inline void strided_piece(const StridedMatrix& a, int64_t a_at, const StridedMatrix& b, int64_t b_at,
                          int64_t rows, int64_t columns, int64_t k, bool pairs, float* out) {
  alignas(64) unsigned char panel[kPieceDepth * kDenseColumns * 4];
  alignas(64) unsigned char left[kPieceRows * kPieceDepth * 4];
  const bool in_place = !pairs && a.dtype == ISTHMUS_F32 && a.column_stride == 1;
  const bool turned = rows <= kTurnedRows && columns == kDenseColumns && b.row_stride == 1 &&
                      (b.dtype == ISTHMUS_BF16) == pairs;
  const int64_t left_row = kPieceDepth * (pairs ? 2 : 4);
  for (int64_t i = 0; i < rows * kDenseColumns; ++i) out[i] = 0;
  if (columns < kDenseColumns || (pairs && k % 2))  // what is not there is zero, so that tiles may be whole
    for (size_t i = 0; i < sizeof panel; ++i) panel[i] = 0;
  // Without a copy of either side a piece may be as deep as it likes.
  const int64_t whole = turned && in_place ? k - k % 8 : 0;
  for (int64_t k0 = 0, depth = whole; k0 < k; k0 += depth, depth = 0) {
    if (depth == 0) depth = k - k0 < kPieceDepth ? k - k0 : kPieceDepth;
    const int64_t b_from = b_at + k0 * b.row_stride;
    const void* x = left;
    if (in_place)
      x = a.at(a_at + k0);
    else
      for (int64_t r = 0; r < rows; ++r)
        pack_row(a, a_at + r * a.row_stride + k0 * a.column_stride, depth, pairs, left + r * left_row);
    const int64_t x_stride = in_place ? a.row_stride : kPieceDepth;
    if (pairs) {
      const int64_t last = (turned ? depth % kTurnedDepth<kDenseBf16> : depth) / 2;
      if (depth % 2)  // the last pair may hold the odd number of the part before
        for (int c = 0; c < kDenseColumns; ++c)
          reinterpret_cast<uint16_t*>(panel)[(last * kDenseColumns + c) * 2 + 1] = 0;
      const unsigned before = begin_flush();
      add_depth<kDenseBf16>(b, b_from, rows, columns, depth, turned, x, x_stride, panel, out);
      end_flush(before);
    } else if (b.dtype == ISTHMUS_F16) {
      add_depth<kDenseF16>(b, b_from, rows, columns, depth, turned, x, x_stride, panel, out);
    } else {
      add_depth<kDenseF32>(b, b_from, rows, columns, depth, turned, x, x_stride, panel, out);
    }
  }
}

}  // namespace isthmus::cpu::ISTHMUS_ISA
