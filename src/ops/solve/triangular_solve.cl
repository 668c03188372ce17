// SPDX-License-Identifier: Apache-2.0
// triangular_solve: a work item to a column. X: the dtype; FROM_END, UNIT: 0 or 1.
#include "ops/portable/dtypes.cl"
#include "ops/portable/loops.cl"

typedef struct {
  Loops columns;  // of a (which has no step along columns), b and x: batches, then columns
  long n, a_row, a_column, b_row, x_row, items;
} Solve;

KERNEL void triangular_solve(ADDRESS(a), ADDRESS(b), ADDRESS(x), const Solve p) {
  if (ITEM(0) >= p.items) return;
  const Places at = places_of(&p.columns, ITEM(0));
  GLOBAL const STORED(X)* matrix = POINTER(STORED(X), a) + at.at[0];
  GLOBAL const STORED(X)* right = POINTER(STORED(X), b) + at.at[1];
  GLOBAL STORED(X)* solved = POINTER(STORED(X), x) + at.at[2];
  for (long step = 0; step < p.n; ++step) {
    const long i = FROM_END ? p.n - 1 - step : step;
    COMPUTED(X) sum = right[i * p.b_row];
    for (long before = 0; before < step; ++before) {
      const long j = FROM_END ? p.n - 1 - before : before;
      sum = fma(-matrix[i * p.a_row + j * p.a_column], solved[j * p.x_row], sum);
    }
#if UNIT
    solved[i * p.x_row] = sum;
#else
    solved[i * p.x_row] = sum / matrix[i * p.a_row + i * p.a_column];
#endif
  }
}
