// SPDX-License-Identifier: Apache-2.0
// cumulative_max and cumulative_min: one work item to a line. LARGEST is 0 or 1; X: the dtype.
#include "ops/portable/dtypes.cl"
#include "ops/portable/loops.cl"

typedef struct {
  Loops rows;  // of x, values and indices
  long count, width;
  long x_step, value_step, index_step;
} Extreme;

typedef COMPUTED(X) V;

KERNEL void cumulative_extreme(ADDRESS(x), ADDRESS(values), ADDRESS(indices), const Extreme p) {
  const long row = ITEM(0);
  if (row >= p.count) return;
  const Places at = places_of(&p.rows, row);
  GLOBAL const STORED(X)* from = POINTER(STORED(X), x) + at.at[0];
  GLOBAL STORED(X)* value_to = POINTER(STORED(X), values) + at.at[1];
  GLOBAL long* index_to = POINTER(long, indices) + at.at[2];
  V best = 0;
  long where = 0;
  for (long i = 0; i < p.width; ++i) {
    const V next = GET(X, from[i * p.x_step]);
    if (i == 0 || next != next || (best == best && (LARGEST ? next >= best : next <= best))) {
      best = next;
      where = i;
    }
    value_to[i * p.value_step] = PUT(X, best);
    index_to[i * p.index_step] = where;
  }
}
