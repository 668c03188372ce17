// SPDX-License-Identifier: Apache-2.0
// Rows of a float operand along one axis, any strides and float dtype, for CPU kernels that work row by row.
#pragma once

#include "devices/cpu/kernel.h"
#include "devices/cpu/simd.h"

namespace isthmus::cpu::ISTHMUS_ISA {

struct Rows {
  unsigned char* base;
  isthmus_dtype_t dtype;
  int outer_rank;
  int64_t dims[ISTHMUS_MAX_RANK];     // without the row's axis
  int64_t strides[ISTHMUS_MAX_RANK];  // in elements
  int64_t count;                      // of rows
  int64_t length;                     // of a row
  int64_t step;                       // between elements of a row

  bool plain() const { return dtype == ISTHMUS_F32 && step == 1; }
  // Element offset of row r.
  int64_t offset(int64_t r) const {
    int64_t at = 0;
    for (int i = outer_rank - 1; i >= 0; --i) {
      at += r % dims[i] * strides[i];
      r /= dims[i];
    }
    return at;
  }
  float* plain_row(int64_t r) const { return reinterpret_cast<float*>(base) + offset(r); }
};

static inline Rows rows_of(const isthmus_tensor_arg_t& arg, isthmus_dtype_t dtype, int rank, int axis) {
  Rows rows;
  rows.base = reinterpret_cast<unsigned char*>(arg.address);
  rows.dtype = dtype;
  rows.outer_rank = 0;
  rows.count = 1;
  rows.length = rows.step = 1;
  for (int i = 0; i < rank; ++i) {
    if (i == axis) {
      rows.length = arg.dims[i];
      rows.step = arg.strides[i];
      continue;
    }
    rows.count *= arg.dims[i];
    // Dimensions that continue each other are one: fewer divisions per row.
    if (rows.outer_rank > 0 && rows.strides[rows.outer_rank - 1] == arg.dims[i] * arg.strides[i]) {
      rows.dims[rows.outer_rank - 1] *= arg.dims[i];
      rows.strides[rows.outer_rank - 1] = arg.strides[i];
    } else {
      rows.dims[rows.outer_rank] = arg.dims[i];
      rows.strides[rows.outer_rank++] = arg.strides[i];
    }
  }
  return rows;
}

// Elements i … i + n - 1 of the row at `offset`, 0 < n <= 16; the other lanes are `rest`.
static inline F32x16 load_row(const Rows& rows, int64_t offset, int64_t i, int n, float rest = 0) {
  const int64_t at = offset + i * rows.step;
  if (rows.dtype == ISTHMUS_F32) {
    const float* p = reinterpret_cast<const float*>(rows.base) + at;
    if (rows.step == 1) return n == 16 ? load(p) : load_n(p, n, rest);
    float lanes[16];
    for (int j = 0; j < 16; ++j) lanes[j] = j < n ? p[j * rows.step] : rest;
    return load(lanes);
  }
  const uint16_t* p = reinterpret_cast<const uint16_t*>(rows.base) + at;
  const bool f16 = rows.dtype == ISTHMUS_F16;
  if (rows.step == 1 && n == 16) return f16 ? load_f16(p) : load_bf16(p);
  uint16_t halves[16] = {};
  for (int j = 0; j < n; ++j) halves[j] = p[j * rows.step];
  const F32x16 v = f16 ? load_f16(halves) : load_bf16(halves);
  return n == 16 ? v : select(lane_numbers() < n, v, set1(rest));
}
static inline void store_row(const Rows& rows, int64_t offset, int64_t i, int n, F32x16 v) {
  const int64_t at = offset + i * rows.step;
  if (rows.dtype == ISTHMUS_F32) {
    float* p = reinterpret_cast<float*>(rows.base) + at;
    if (rows.step == 1) {
      n == 16 ? store(p, v) : store_n(p, v, n);
      return;
    }
    float lanes[16];
    store(lanes, v);
    for (int j = 0; j < n; ++j) p[j * rows.step] = lanes[j];
    return;
  }
  uint16_t* p = reinterpret_cast<uint16_t*>(rows.base) + at;
  const bool f16 = rows.dtype == ISTHMUS_F16;
  if (rows.step == 1 && n == 16) return f16 ? store_f16(p, v) : store_bf16(p, v);
  uint16_t halves[16];
  f16 ? store_f16(halves, v) : store_bf16(halves, v);
  for (int j = 0; j < n; ++j) p[j * rows.step] = halves[j];
}

}  // namespace isthmus::cpu::ISTHMUS_ISA
