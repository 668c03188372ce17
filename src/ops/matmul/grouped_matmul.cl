// SPDX-License-Identifier: Apache-2.0
// grouped_matmul: one work item to one element of y, whose chain over k is strict. X: the dtype; INDEX: I32 or I64;
// PAIRS for BF16.
#include "ops/portable/dtypes.cl"
#include "ops/matmul/pairs.cl"

typedef struct {
  long count, columns, depth, groups;
  long x_row, x_step, w_group, w_row, w_step, index_step, y_row, y_step;
} Grouped;

KERNEL void grouped_matmul(ADDRESS(x), ADDRESS(w), ADDRESS(groups), ADDRESS(y), const Grouped p) {
  if (ITEM(0) >= p.count * p.columns) return;
  const long row = ITEM(0) / p.columns, column = ITEM(0) % p.columns;
  const long group = POINTER(STORED(INDEX), groups)[row * p.index_step];
  COMPUTED(X) acc = 0;
  if (group >= 0 && group < p.groups) {
    GLOBAL const STORED(X)* left = POINTER(STORED(X), x) + row * p.x_row;
    GLOBAL const STORED(X)* right = POINTER(STORED(X), w) + group * p.w_group + column * p.w_step;
#ifdef PAIRS
    for (long k = 0; k < p.depth; k += 2) {  // an odd last one pairs with zero
      const bool whole = k + 1 < p.depth;
      acc = pair_step(whole ? GET(X, left[(k + 1) * p.x_step]) : 0.0f,
                      whole ? GET(X, right[(k + 1) * p.w_row]) : 0.0f, acc);
      acc = pair_step(GET(X, left[k * p.x_step]), GET(X, right[k * p.w_row]), acc);
    }
#else
    for (long k = 0; k < p.depth; ++k) acc = fma(GET(X, left[k * p.x_step]), GET(X, right[k * p.w_row]), acc);
#endif
  }
  POINTER(STORED(X), y)[row * p.y_row + column * p.y_step] = PUT(X, acc);
}
