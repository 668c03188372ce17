// SPDX-License-Identifier: Apache-2.0
// linear_dequantized: a work item makes one column of ROWS rows, each sum in 16 lanes along k. X, SCALE, and OFFSET and BIAS
// where they are present: dtypes; FOUR_BITS: 0 or 1.
#include "ops/portable/dtypes.cl"
#include "ops/portable/loops.cl"

typedef struct {
  Loops rows;  // of x and y
  long count, columns, depth, group;
  long x_step, y_step, w_row, w_step;
  long scale_row, scale_step, offset_row, offset_step, bias_step;
} Dequantized;

KERNEL void linear_dequantized(ADDRESS(x), ADDRESS(weight), ADDRESS(scale), ADDRESS(offset), ADDRESS(bias), ADDRESS(y),
                               const Dequantized p) {
  const long column = ITEM(0), first = ITEM(1) * ROWS;
  if (column >= p.columns) return;
  GLOBAL const STORED(X)* from[ROWS];
  long to[ROWS];
  UNROLL
  for (int r = 0; r < ROWS; ++r) {
    const Places at = places_of(&p.rows, first + r < p.count ? first + r : first);
    from[r] = POINTER(STORED(X), x) + at.at[0];
    to[r] = at.at[1];
  }
  float lanes[ROWS * 16];
  UNROLL
  for (int i = 0; i < ROWS * 16; ++i) lanes[i] = 0;
  for (long k = 0; k < p.depth; k += 16) {
    const int here = p.depth - k < 16 ? (int)(p.depth - k) : 16;
    float w[16];
    for (int i = 0; i < here; ++i) {
      const long at = k + i, of_group = at / p.group;
#if FOUR_BITS
      const int bits = POINTER(uint8_t, weight)[column * p.w_row + at / 2 * p.w_step] >> (at % 2 * 4) & 15;
      float number = (float)(bits < 8 ? bits : bits - 16);
#else
      float number = (float)POINTER(int8_t, weight)[column * p.w_row + at * p.w_step];
#endif
#ifdef OFFSET
      number = number + GET(OFFSET, POINTER(STORED(OFFSET), offset)[column * p.offset_row + of_group * p.offset_step]);
#endif
      w[i] = number * GET(SCALE, POINTER(STORED(SCALE), scale)[column * p.scale_row + of_group * p.scale_step]);
    }
    UNROLL
    for (int r = 0; r < ROWS; ++r)
      if (here == 16) {
        UNROLL
        for (int i = 0; i < 16; ++i)
          lanes[r * 16 + i] = fma(GET(X, from[r][(k + i) * p.x_step]), w[i], lanes[r * 16 + i]);
      } else {
        for (int i = 0; i < here; ++i)
          lanes[r * 16 + i] = fma(GET(X, from[r][(k + i) * p.x_step]), w[i], lanes[r * 16 + i]);
      }
  }
  UNROLL
  for (int r = 0; r < ROWS; ++r) {
    if (first + r >= p.count) break;
    float* lane = lanes + r * 16;
    UNROLL
    for (int i = 0; i < 8; ++i) lane[i] = lane[i] + lane[i + 8];
    UNROLL
    for (int i = 0; i < 4; ++i) lane[i] = lane[i] + lane[i + 4];
    float sum = (lane[0] + lane[2]) + (lane[1] + lane[3]);
#ifdef BIAS
    sum = sum + GET(BIAS, POINTER(STORED(BIAS), bias)[column * p.bias_step]);
#endif
    POINTER(STORED(X), y)[to[r] + column * p.y_step] = PUT(X, sum);
  }
}
