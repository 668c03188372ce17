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

// This thread's part of all elements of dims. Strides count elements; `bytes` is the size of one.
inline void move_strided(const Team& team, unsigned char* dst, const int64_t* dst_strides,
                         const unsigned char* src, const int64_t* src_strides, const int64_t* dims, int rank,
                         int bytes) {
  // Innermost first: neighbours that both sides walk as one dimension are merged.
  int64_t size[ISTHMUS_MAX_RANK + 1], to[ISTHMUS_MAX_RANK + 1], from[ISTHMUS_MAX_RANK + 1];
  int count = 0;
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
