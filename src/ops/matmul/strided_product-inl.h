// SPDX-License-Identifier: Apache-2.0
// A product of any two strided matrices: pieces of both are copied to the stack in the layout of the dense
// tiles.
#pragma once

#include "ops/matmul/dense_tile-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {

struct StridedMatrix {
  const void* data;
  isthmus_dtype_t dtype;
  int64_t row_stride;
  int64_t column_stride;
};

inline constexpr int64_t kPieceRows = 48, kPieceDepth = 128;

ISTHMUS_SIMD float half_to_f32(uint16_t h) {
  uint16_t lanes[kLanes] = {h};
  return lane_load_f16(lanes)[0];
}

// Element as F32; `index` counts elements.
ISTHMUS_SIMD float strided_load(const StridedMatrix& m, int64_t index) {
  if (m.dtype == ISTHMUS_F32) return static_cast<const float*>(m.data)[index];
  const uint16_t bits = static_cast<const uint16_t*>(m.data)[index];
  if (m.dtype == ISTHMUS_F16) return half_to_f32(bits);
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  __builtin_memcpy(&value, &wide, sizeof value);
  return value;
}

// The result rows x columns, at most kPieceRows x kDenseColumns, row i at out + i * kDenseColumns. a is
// [rows, k] and b [k, columns] from the given elements on. With `pairs` both are taken as BF16 (a rounded if
// need be) in pair order.
inline void strided_piece(const StridedMatrix& a, int64_t a_at, const StridedMatrix& b, int64_t b_at,
                          int64_t rows, int64_t columns, int64_t k, bool pairs, float* out) {
  alignas(64) unsigned char panel[kPieceDepth * kDenseColumns * 4];
  alignas(64) unsigned char left[kPieceRows * kPieceDepth * 4];
  for (int64_t i = 0; i < rows * kDenseColumns; ++i) out[i] = 0;
  for (int64_t k0 = 0; k0 < k; k0 += kPieceDepth) {
    const int64_t depth = k - k0 < kPieceDepth ? k - k0 : kPieceDepth;
    if (pairs) {
      uint16_t* to = reinterpret_cast<uint16_t*>(panel);
      for (int64_t i = 0; i < kPieceDepth * kDenseColumns; ++i) to[i] = 0;
      for (int64_t i = 0; i < depth; ++i)
        for (int64_t c = 0; c < columns; ++c)
          to[(i / 2 * kDenseColumns + c) * 2 + i % 2] =
              to_bf16_flushed(strided_load(b, b_at + (k0 + i) * b.row_stride + c * b.column_stride));
      uint16_t* x = reinterpret_cast<uint16_t*>(left);
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t i = 0; i < depth; ++i)
          x[r * kPieceDepth + i] =
              to_bf16_flushed(strided_load(a, a_at + r * a.row_stride + (k0 + i) * a.column_stride));
        if (depth % 2) x[r * kPieceDepth + depth] = 0;
      }
      const unsigned before = begin_flush();
      dense_panel<kDenseBf16>(rows, panel, (depth + 1) / 2, left, kPieceDepth, true, out, kDenseColumns,
                              kDenseColumns);
      end_flush(before);
    } else {
      float* to = reinterpret_cast<float*>(panel);
      for (int64_t i = 0; i < depth; ++i) {
        for (int64_t c = 0; c < columns; ++c)
          to[i * kDenseColumns + c] = strided_load(b, b_at + (k0 + i) * b.row_stride + c * b.column_stride);
        for (int64_t c = columns; c < kDenseColumns; ++c) to[i * kDenseColumns + c] = 0;
      }
      float* x = reinterpret_cast<float*>(left);
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t i = 0; i < depth; ++i)
          x[r * kPieceDepth + i] = strided_load(a, a_at + r * a.row_stride + (k0 + i) * a.column_stride);
      dense_panel<kDenseF32>(rows, panel, depth, left, kPieceDepth, true, out, kDenseColumns, kDenseColumns);
    }
  }
}

}  // namespace isthmus::cpu::ISTHMUS_ISA
