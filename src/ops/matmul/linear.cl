// SPDX-License-Identifier: Apache-2.0
// linear of few rows for F32, F16 and BF16 weights (W), read as they lie: one work item to one column of one row.
#include "ops/portable/dtypes.cl"
#include "ops/matmul/pairs.cl"
#include "ops/portable/loops.cl"

typedef struct {
  Loops rows;  // of x, y
  long count, columns, depth;
  long x_step, y_step, bias_step;
  long weight_row, weight_step;
} Linear;

KERNEL void linear(ADDRESS(x), ADDRESS(weight), ADDRESS(bias), ADDRESS(y), const Linear p) {
  const long column = ITEM(0);
  if (column >= p.columns) return;
  const Places at = places_of(&p.rows, ITEM(1));
  GLOBAL const STORED(W)* w = POINTER(STORED(W), weight) + column * p.weight_row;
  GLOBAL const float* from = POINTER(float, x) + at.at[0];
  float acc = 0;
#ifdef PAIRS
  for (long k = 0; k < p.depth; k += 2) {
    const bool whole = k + 1 < p.depth;  // an odd last one pairs with zero
    const float even = GET(W, w[k * p.weight_step]), odd = whole ? GET(W, w[(k + 1) * p.weight_step]) : 0.0f;
    acc = pair_step(whole ? get_BF16(put_BF16(from[(k + 1) * p.x_step])) : 0.0f, odd, acc);
    acc = pair_step(get_BF16(put_BF16(from[k * p.x_step])), even, acc);
  }
#else
  for (long k = 0; k < p.depth; ++k) acc = fma(from[k * p.x_step], GET(W, w[k * p.weight_step]), acc);
#endif
  if (PRESENT(bias)) acc = acc + POINTER(float, bias)[column * p.bias_step];
  POINTER(float, y)[at.at[1] + column * p.y_step] = acc;
}
