// SPDX-License-Identifier: Apache-2.0
// Moves elements from one strided view to another of the same dims, for kernels that rearrange and never
// compute.
#pragma once

#include "devices/cpu/kernel.h"
#include "devices/cpu/simd.h"

namespace isthmus::cpu::ISTHMUS_ISA {

template <typename T>
inline void move_row(unsigned char* dst, int64_t dst_step, const unsigned char* src, int64_t src_step,
                     int64_t n) {
  T* y = (T*)dst;
  const T* x = (const T*)src;
  for (int64_t i = 0; i < n; ++i) y[i * dst_step] = x[i * src_step];
}

inline void move_run(unsigned char* dst, int64_t dst_step, const unsigned char* src, int64_t src_step,
                     int64_t n, int bytes) {
  if (dst_step == 1 && src_step == 1) {
    memcpy(dst, src, n * bytes);
    return;
  }
  switch (bytes) {
    case 1: move_row<uint8_t>(dst, dst_step, src, src_step, n); return;
    case 2: move_row<uint16_t>(dst, dst_step, src, src_step, n); return;
    case 4: move_row<uint32_t>(dst, dst_step, src, src_step, n); return;
    default: move_row<uint64_t>(dst, dst_step, src, src_step, n); return;
  }
}

// A corner of a transposed matrix: row i of the source, n_j elements in a row, becomes column i. Both sides
// touch each of their cache lines once.
template <typename T>
inline void move_tile(unsigned char* dst, int64_t dst_step_j, const unsigned char* src, int64_t src_step_i,
                      int64_t n_i, int64_t n_j) {
  constexpr int kTile = 64 / sizeof(T);
  T turned[kTile][kTile];
  T* y = (T*)dst;
  const T* x = (const T*)src;
  if (n_i == kTile && n_j == kTile) {
    for (int i = 0; i < kTile; ++i)
      for (int j = 0; j < kTile; ++j) turned[j][i] = x[i * src_step_i + j];
    for (int j = 0; j < kTile; ++j) memcpy(y + j * dst_step_j, turned[j], sizeof turned[j]);
    return;
  }
  for (int64_t i = 0; i < n_i; ++i)
    for (int64_t j = 0; j < n_j; ++j) turned[j][i] = x[i * src_step_i + j];
  for (int64_t j = 0; j < n_j; ++j) memcpy(y + j * dst_step_j, turned[j], n_i * sizeof(T));
}

// Dimensions of both sides, innermost of the destination first; strides in elements.
struct Move {
  int count;
  int64_t size[ISTHMUS_MAX_RANK + 1], to[ISTHMUS_MAX_RANK + 1], from[ISTHMUS_MAX_RANK + 1];
};

// Where the destination is dense along dimension 0 and the source along dimension j: tile by tile of these
// two.
inline void move_turned(const Team& team, unsigned char* dst, const unsigned char* src, const Move& m, int j,
                        int bytes) {
  const int64_t tile = 64 / bytes;
  const int64_t tiles_i = (m.size[0] + tile - 1) / tile, tiles_j = (m.size[j] + tile - 1) / tile;
  int64_t total = tiles_i * tiles_j;
  for (int d = 1; d < m.count; ++d)
    if (d != j) total *= m.size[d];
  int64_t begin, end;
  team.split(total, 1, &begin, &end);
  for (int64_t at = begin; at < end; ++at) {
    const int64_t i0 = at % tiles_i * tile, j0 = at / tiles_i % tiles_j * tile;
    const int64_t n_i = m.size[0] - i0 < tile ? m.size[0] - i0 : tile;
    const int64_t n_j = m.size[j] - j0 < tile ? m.size[j] - j0 : tile;
    int64_t dst_at = i0 + j0 * m.to[j], src_at = i0 * m.from[0] + j0, rest = at / tiles_i / tiles_j;
    for (int d = 1; d < m.count; ++d) {
      if (d == j) continue;
      const int64_t index = rest % m.size[d];
      rest /= m.size[d];
      dst_at += index * m.to[d];
      src_at += index * m.from[d];
    }
    unsigned char* y = dst + dst_at * bytes;
    const unsigned char* x = src + src_at * bytes;
    switch (bytes) {
      case 1: move_tile<uint8_t>(y, m.to[j], x, m.from[0], n_i, n_j); break;
      case 2: move_tile<uint16_t>(y, m.to[j], x, m.from[0], n_i, n_j); break;
      case 4: move_tile<uint32_t>(y, m.to[j], x, m.from[0], n_i, n_j); break;
      default: move_tile<uint64_t>(y, m.to[j], x, m.from[0], n_i, n_j); break;
    }
  }
}

// This thread's part of all elements of dims. Strides count elements; `bytes` is the size of one.
inline void move_strided(const Team& team, unsigned char* dst, const int64_t* dst_strides,
                         const unsigned char* src, const int64_t* src_strides, const int64_t* dims, int rank,
                         int bytes) {
  // Neighbours that both sides walk as one dimension are merged.
  Move m;
  int64_t *const size = m.size, *const to = m.to, *const from = m.from;
  int& count = m.count = 0;
  for (int d = rank - 1; d >= 0; --d) {
    if (dims[d] == 1) continue;
    if (count > 0 && dst_strides[d] == to[count - 1] * size[count - 1] &&
        src_strides[d] == from[count - 1] * size[count - 1]) {
      size[count - 1] *= dims[d];
      continue;
    }
    size[count] = dims[d];
    to[count] = dst_strides[d];
    from[count++] = src_strides[d];
  }
  if (count == 0) {
    size[0] = to[0] = from[0] = 1;
    count = 1;
  }
  if (to[0] == 1 && from[0] != 1 && from[0] != 0 && size[0] > 1)
    for (int d = 1; d < count; ++d)
      if (from[d] == 1) return move_turned(team, dst, src, m, d, bytes);
  int64_t total = 1;
  for (int d = 0; d < count; ++d) total *= size[d];
  int64_t begin, end;
  team.split(total, 1024, &begin, &end);
  while (begin < end) {
    int64_t rest = begin / size[0];
    const int64_t column = begin % size[0];
    const int64_t n = size[0] - column < end - begin ? size[0] - column : end - begin;
    int64_t dst_at = column * to[0], src_at = column * from[0];
    for (int d = 1; d < count; ++d) {
      const int64_t index = rest % size[d];
      rest /= size[d];
      dst_at += index * to[d];
      src_at += index * from[d];
    }
    move_run(dst + dst_at * bytes, to[0], src + src_at * bytes, from[0], n, bytes);
    begin += n;
  }
}

}  // namespace isthmus::cpu::ISTHMUS_ISA
