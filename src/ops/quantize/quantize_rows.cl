// SPDX-License-Identifier: Apache-2.0
// quantize_rows: one work item to a block of 16 activations.
#include "ops/portable/dtypes.cl"
#include "ops/portable/loops.cl"

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
  GLOBAL int8_t* to = POINTER(int8_t, q) + at.at[1] + 16 * block * p.q_step;
  uint top = 0;  // magnitudes order as integers do, NaN and infinity last
  for (int i = 0; i < 16; ++i) {
    const uint magnitude = as_uint(from[i * p.x_step]) & 0x7fffffffu;
    top = magnitude > top ? magnitude : top;
  }
  const float amax = as_float(top), inverse = 127.0f / amax;
  int total = 0;
  float unit = 0;
  if (top >= 0x7f800000u) {
    unit = as_float(0x7fc00000u);
    for (int i = 0; i < 16; ++i) to[i * p.q_step] = 0;
  } else if (!(inverse <= 0x1.fffffep127f)) {
    for (int i = 0; i < 16; ++i) to[i * p.q_step] = 0;
  } else {
    unit = amax / 127.0f;
    for (int i = 0; i < 16; ++i) {
      const int value = (int)rint(from[i * p.x_step] * inverse);
      to[i * p.q_step] = (int8_t)value;
      total += value;
    }
  }
  POINTER(float, scale)[at.at[2] + block * p.scale_step] = unit;
  POINTER(int, sum)[at.at[3] + block * p.sum_step] = total;
}
