// SPDX-License-Identifier: Apache-2.0
// quantize_rows: one work item to a block of 16 activations.
#include "ops/portable/dtypes.cl"
#include "ops/portable/loops.cl"
#include "ops/quantize/quantize_block.cl"

typedef struct {
  Loops rows;  // of x, q, scale, sum
  long count, blocks;
  long x_step, q_step, scale_step, sum_step;
} Quantize;

KERNEL void quantize_rows(ADDRESS(x), ADDRESS(q), ADDRESS(scale), ADDRESS(sum), const Quantize p) {
  const long item = ITEM(0);
  if (item >= p.count * p.blocks) return;
  const long block = item % p.blocks;
  const Places at = places_of(&p.rows, item / p.blocks);
  GLOBAL const float* from = POINTER(float, x) + at.at[0] + 16 * block * p.x_step;
  float values[16];
  for (int i = 0; i < 16; ++i) values[i] = from[i * p.x_step];
  quantize_block(values, POINTER(int8_t, q) + at.at[1] + 16 * block * p.q_step, p.q_step,
                 POINTER(float, scale) + at.at[2] + block * p.scale_step,
                 POINTER(int, sum) + at.at[3] + block * p.sum_step);
}
