// SPDX-License-Identifier: Apache-2.0
// linear for F32, F16 and BF16 weights (W): one work item to one column and ROWS rows, which share each weight.
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
  const long column = ITEM(0), first = ITEM(1) * ROWS;
  if (column >= p.columns) return;
  GLOBAL const STORED(W)* w = POINTER(STORED(W), weight) + column * p.weight_row;
  Places at[ROWS];
  float acc[ROWS];
  for (int r = 0; r < ROWS; ++r) {
    at[r] = places_of(&p.rows, first + r < p.count ? first + r : first);  // rows that are not there do the first again
    acc[r] = 0;
  }
#ifdef PAIRS
  for (long k = 0; k < p.depth; k += 2) {
    const bool whole = k + 1 < p.depth;  // an odd last one pairs with zero
    const float even = GET(W, w[k * p.weight_step]), odd = whole ? GET(W, w[(k + 1) * p.weight_step]) : 0.0f;
    for (int r = 0; r < ROWS; ++r) {
      GLOBAL const float* from = POINTER(float, x) + at[r].at[0] + k * p.x_step;
      acc[r] = pair_step(whole ? get_BF16(put_BF16(from[p.x_step])) : 0.0f, odd, acc[r]);
      acc[r] = pair_step(get_BF16(put_BF16(from[0])), even, acc[r]);
    }
  }
#else
  for (long k = 0; k < p.depth; ++k) {
    const float value = GET(W, w[k * p.weight_step]);
    for (int r = 0; r < ROWS; ++r)
      acc[r] = fma(POINTER(float, x)[at[r].at[0] + k * p.x_step], value, acc[r]);
  }
#endif
  for (int r = 0; r < ROWS; ++r) {
    if (first + r >= p.count) return;
    float value = acc[r];
    if (PRESENT(bias)) value = value + POINTER(float, bias)[column * p.bias_step];
    POINTER(float, y)[at[r].at[1] + column * p.y_step] = value;
  }
}
