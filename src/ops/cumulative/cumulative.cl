// SPDX-License-Identifier: Apache-2.0
// cumulative_sum and cumulative_product: one work item to a line, whose chain is strict. ENTER is add or multiply,
// START what a line begins with; X and X_KIND as in the vocabulary.
#include "ops/elementwise/vocabulary.cl"
#include "ops/portable/loops.cl"

typedef struct {
  Loops rows;  // of x and y
  long count, width;
  long x_step, y_step;
  long exclusive, reverse;
} Cumulative;

KERNEL void cumulative(ADDRESS(x), ADDRESS(y), const Cumulative p) {
  const long row = ITEM(0);
  if (row >= p.count) return;
  const Places at = places_of(&p.rows, row);
  GLOBAL const STORED(X)* from = POINTER(STORED(X), x) + at.at[0];
  GLOBAL STORED(X)* to = POINTER(STORED(X), y) + at.at[1];
  V total = START;
  for (long k = 0; k < p.width; ++k) {
    const long i = p.reverse ? p.width - 1 - k : k;
    const V before = total;
    total = ENTER(total, GET(X, from[i * p.x_step]));
    to[i * p.y_step] = PUT(X, p.exclusive ? before : total);
  }
}
