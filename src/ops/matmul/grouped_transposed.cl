// SPDX-License-Identifier: Apache-2.0
// grouped_matmul_transposed: one work item to one element of y, whose chain over rows is strict. X: the dtype; INDEX:
// I32 or I64.
#include "ops/portable/dtypes.cl"

typedef struct {
  long groups, rows, columns, depth;
  long x_row, x_step, w_row, w_step, end_step, y_group, y_row, y_step;
} Transposed;

KERNEL void grouped_transposed(ADDRESS(x), ADDRESS(w), ADDRESS(ends), ADDRESS(y), const Transposed p) {
  if (ITEM(0) >= p.groups * p.rows * p.columns) return;
  const long column = ITEM(0) % p.columns, row = ITEM(0) / p.columns % p.rows, group = ITEM(0) / p.columns / p.rows;
  long begin = 0, end = 0;
  for (long g = 0; g <= group; ++g) {
    begin = end;
    const long given = POINTER(STORED(INDEX), ends)[g * p.end_step];
    end = given > p.depth ? p.depth : given;
    end = end < begin ? begin : end;
  }
  GLOBAL const STORED(X)* left = POINTER(STORED(X), x) + row * p.x_step;
  GLOBAL const STORED(X)* right = POINTER(STORED(X), w) + column * p.w_step;
  float acc = 0;
  for (long m = begin; m < end; ++m) acc = fma(GET(X, left[m * p.x_row]), GET(X, right[m * p.w_row]), acc);
  POINTER(STORED(X), y)[group * p.y_group + row * p.y_row + column * p.y_step] = PUT(X, acc);
}
