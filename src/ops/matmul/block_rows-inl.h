// SPDX-License-Identifier: Apache-2.0
// Quantised activations as tiles of products read them: all that a block of 32 weights needs of a row, side
// by side.
#pragma once

#include "ops/matmul/block_panel-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {

// Rows of quantised activations as operators exchange them.
struct QuantizedRows {
  const int8_t* q;
  const float* scale;
  const int32_t* sum;
  int64_t q_stride;
  int64_t block_stride;  // of scale and sum, each 16 activations
};

struct RowBlock {
  int8_t q[32];
  float scale[2];
  // What does not depend on the weights is worked out once for all panels: where unsigned codes stand for
  // signed weights what their dot products start from, else what the minimums are multiplied with.
  union {
    int32_t start[2];
    float minimum[2];
  };
};

// Rows 0 to count - 1, `blocks` blocks each: block by block, in each block row by row.
ISTHMUS_SIMD void pack_rows(const BlockFormat& f, int offset, const QuantizedRows& x, int count,
                            int64_t blocks, RowBlock* to) {
  for (int r = 0; r < count; ++r) {
    const int8_t* q = x.q + r * x.q_stride;
    const float* scale = x.scale + r * x.block_stride;
    const int32_t* sum = x.sum + r * x.block_stride;
    RowBlock* at = to + r;
    for (int64_t b = 0; b < blocks; ++b, at += count, q += 32, scale += 2, sum += 2) {
      __builtin_memcpy(at->q, q, sizeof at->q);
      __builtin_memcpy(at->scale, scale, sizeof at->scale);
      if (!f.has_min) {
        typedef int32_t Pair __attribute__((vector_size(8)));
        Pair sums;
        __builtin_memcpy(&sums, sum, sizeof sums);
        sums *= -offset;
        __builtin_memcpy(at->start, &sums, sizeof sums);
      } else {
        const float first = static_cast<float>(sum[0]) * scale[0], second = static_cast<float>(sum[1]);
        at->minimum[0] = f.halves ? first : __builtin_fmaf(second, scale[1], first);
        at->minimum[1] = second * scale[1];
      }
    }
  }
}

}  // namespace isthmus::cpu::ISTHMUS_ISA
