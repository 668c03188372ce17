// SPDX-License-Identifier: Apache-2.0
// linear_quantized: one work item to one column and ROWS rows, which share each block of the weight.
#include "ops/portable/dtypes.cl"
#include "ops/portable/blocks.cl"
#include "ops/portable/loops.cl"

typedef struct {
  Loops rows;  // of q, scale, sum, y
  long count, columns, blocks;
  long q_step, scale_step, sum_step, y_step, bias_step;
  long weight_row_bytes;
} LinearQuantized;

KERNEL void linear_quantized(ADDRESS(q), ADDRESS(scale), ADDRESS(sum), ADDRESS(weight), ADDRESS(bias), ADDRESS(y),
                             const LinearQuantized p) {
  const long column = ITEM(0), first = ITEM(1) * ROWS;
  if (column >= p.columns) return;
  GLOBAL const uint8_t* row = POINTER(uint8_t, weight) + column * p.weight_row_bytes;
  Places at[ROWS];
  float acc[ROWS];
  for (int r = 0; r < ROWS; ++r) {
    at[r] = places_of(&p.rows, first + r < p.count ? first + r : first);  // rows that are not there do the first again
    acc[r] = 0;
  }
  for (long b = 0; b < p.blocks; ++b) {
    BlockIntegers w;
    read_block(row, b, &w);
    for (int r = 0; r < ROWS; ++r) {
      GLOBAL const int8_t* x = POINTER(int8_t, q) + at[r].at[0] + 32 * b * p.q_step;
      int dot[2] = {0, 0};
      for (int i = 0; i < 16; ++i) {
        dot[0] += w.w[i] * x[i * p.q_step];
        dot[1] += w.w[i + 16] * x[(i + 16) * p.q_step];
      }
      GLOBAL const float* s = POINTER(float, scale) + at[r].at[1] + 2 * b * p.scale_step;
      const float s0 = s[0], s1 = s[p.scale_step];
#ifdef BLOCK_HALVES
      acc[r] = fma((float)dot[0] * s0, w.d[0], acc[r]);
      acc[r] = fma((float)dot[1] * s1, w.d[1], acc[r]);
#else
      acc[r] = fma(fma((float)dot[1], s1, (float)dot[0] * s0), w.d[0], acc[r]);
#endif
#ifdef BLOCK_HAS_MIN
      GLOBAL const int* total = POINTER(int, sum) + at[r].at[2] + 2 * b * p.sum_step;
      const float t0 = (float)total[0], t1 = (float)total[p.sum_step];
#ifdef BLOCK_HALVES
      acc[r] = fma(t0 * s0, w.min[0], acc[r]);
      acc[r] = fma(t1 * s1, w.min[1], acc[r]);
#else
      acc[r] = fma(fma(t1, s1, t0 * s0), w.min[0], acc[r]);
#endif
#endif
    }
  }
  for (int r = 0; r < ROWS; ++r) {
    if (first + r >= p.count) return;
    float value = acc[r];
    if (PRESENT(bias)) value = value + POINTER(float, bias)[column * p.bias_step];
    POINTER(float, y)[at[r].at[3] + column * p.y_step] = value;
  }
}
