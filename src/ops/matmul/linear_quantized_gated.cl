// SPDX-License-Identifier: Apache-2.0
// The end of linear_quantized_gated: y = quantize_rows(ACTIVATION(gate) * up), one work item to a block of 16 columns.
#include "base/elementary-inl.h"
#include "ops/gated/relu.cl"
#include "ops/portable/dtypes.cl"
#include "ops/portable/loops.cl"
#include "ops/quantize/quantize_block.cl"

typedef struct {
  Loops rows;  // of gate (and up, which lies alike), q, scale, sum
  long count, blocks;
  long q_step, scale_step, sum_step;
} Gated;

KERNEL void gated_quantize(ADDRESS(gate), ADDRESS(up), ADDRESS(q), ADDRESS(scale), ADDRESS(sum), const Gated p) {
  const long item = ITEM(0);
  if (item >= p.count * p.blocks) return;
  const long block = item % p.blocks;
  const Places at = places_of(&p.rows, item / p.blocks);
  GLOBAL const float* from_gate = POINTER(float, gate) + at.at[0] + 16 * block;
  GLOBAL const float* from_up = POINTER(float, up) + at.at[0] + 16 * block;
  float values[16];
  for (int i = 0; i < 16; ++i) values[i] = ACTIVATION(from_gate[i]) * from_up[i];
  quantize_block(values, POINTER(int8_t, q) + at.at[1] + 16 * block * p.q_step, p.q_step,
                 POINTER(float, scale) + at.at[2] + block * p.scale_step,
                 POINTER(int, sum) + at.at[3] + block * p.sum_step);
}
