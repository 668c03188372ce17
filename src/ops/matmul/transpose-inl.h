// SPDX-License-Identifier: Apache-2.0
// Sixteen vectors of 16 lanes transposed: lane j of vector i becomes lane i of vector j.
#pragma once

#include "devices/cpu/simd.h"

namespace isthmus::cpu::ISTHMUS_ISA {

#if defined(__AVX512F__)
ISTHMUS_SIMD void transpose16(I32x16* v) {
  I32x16 t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = __builtin_shufflevector(v[i], v[i + 1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    t[i + 1] =
        __builtin_shufflevector(v[i], v[i + 1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  }
  for (int i = 0; i < 16; i += 4)
    for (int j = 0; j < 2; ++j) {
      const I32x16 a = t[i + j], b = t[i + j + 2];
      v[i + 2 * j] = __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
      v[i + 2 * j + 1] =
          __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    }
  // Quarter q of v[4 i + j] is column 4 q + j of rows 4 i … 4 i + 3.
  const auto even = [](I32x16 a, I32x16 b) {
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
  };
  const auto odd = [](I32x16 a, I32x16 b) {
    return __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
  };
  for (int j = 0; j < 4; ++j) {
    t[j] = even(v[j], v[4 + j]);
    t[4 + j] = even(v[8 + j], v[12 + j]);
    t[8 + j] = odd(v[j], v[4 + j]);
    t[12 + j] = odd(v[8 + j], v[12 + j]);
  }
  for (int j = 0; j < 4; ++j) {
    v[j] = even(t[j], t[4 + j]);
    v[8 + j] = odd(t[j], t[4 + j]);
    v[4 + j] = even(t[8 + j], t[12 + j]);
    v[12 + j] = odd(t[8 + j], t[12 + j]);
  }
}
#elif defined(__AVX2__)
ISTHMUS_SIMD void transpose8(I32Part* v) {
  I32Part t[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = __builtin_shufflevector(v[i], v[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    t[i + 1] = __builtin_shufflevector(v[i], v[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int i = 0; i < 8; i += 4)
    for (int j = 0; j < 2; ++j) {
      const I32Part a = t[i + j], b = t[i + j + 2];
      v[i + 2 * j] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
      v[i + 2 * j + 1] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int j = 0; j < 4; ++j) {
    const I32Part a = v[j], b = v[4 + j];
    v[j] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
    v[4 + j] = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
  }
}
ISTHMUS_SIMD void transpose16(I32x16* v) {
  I32Part block[8], other[8];
  for (int side = 0; side < 2; ++side) {  // the blocks on the diagonal stay, the others change places
    for (int i = 0; i < 8; ++i) block[i] = side ? v[8 + i].p1 : v[i].p0;
    transpose8(block);
    for (int i = 0; i < 8; ++i) (side ? v[8 + i].p1 : v[i].p0) = block[i];
  }
  for (int i = 0; i < 8; ++i) {
    block[i] = v[i].p1;
    other[i] = v[8 + i].p0;
  }
  transpose8(block);
  transpose8(other);
  for (int i = 0; i < 8; ++i) {
    v[8 + i].p0 = block[i];
    v[i].p1 = other[i];
  }
}
#else
ISTHMUS_SIMD void transpose16(I32x16* v) {
  int32_t lanes[16][16], turned[16];
  for (int i = 0; i < 16; ++i) store(lanes[i], v[i]);
  for (int i = 0; i < 16; ++i) {
    for (int j = 0; j < 16; ++j) turned[j] = lanes[j][i];
    v[i] = load(turned);
  }
}
#endif

}  // namespace isthmus::cpu::ISTHMUS_ISA
