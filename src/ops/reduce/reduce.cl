// SPDX-License-Identifier: Apache-2.0
// A row of reduce.inc: 16 work items are the lanes of one result, ROWS results to a group. START, STEP, FOLD, FINISH
// are the row's formulas, SHIFTED 0 or 1; X and X_KIND as in the vocabulary.
#include "ops/elementwise/vocabulary.cl"
#include "ops/portable/loops.cl"

typedef struct {
  Loops rows;   // of x and y, without the reduced axes
  Loops inner;  // of x along them
  long count, width;
} Reduce;

#if X_KIND <= 2
#define LOWEST (-INFINITY)
#define HIGHEST INFINITY
#define add_square(lane, x) fma(x, x, lane)
#else
#define add_square(lane, x) add(lane, multiply(x, x))
#endif

FUNCTION V step_of(V lane, V x, V m) { return STEP; }
FUNCTION V fold_of(V x, V y) { return FOLD; }
FUNCTION V finish_of(V total, V n, V m) { return FINISH; }

KERNEL void reduce(ADDRESS(x), ADDRESS(y), const Reduce p) {
  LOCAL V all[ROWS * 16];
  const int lane = LOCAL_ITEM(0) % 16;
  IN_LOCAL V* lanes = all + LOCAL_ITEM(0) / 16 * 16;
  const long row = GROUP(0) * ROWS + LOCAL_ITEM(0) / 16;
  const bool real = row < p.count;
  const long width = real ? p.width : 0;  // barriers need every work item
  const Places at = places_of(&p.rows, real ? row : 0);
  GLOBAL const STORED(X)* from = POINTER(STORED(X), x) + at.at[0];
  V m = 0;
#if SHIFTED
  V largest = LOWEST;
  for (long i = lane; i < width; i += 16) largest = maximum(largest, GET(X, from[places_of(&p.inner, i).at[0]]));
  lanes[lane] = largest;
  BARRIER();
  for (int step = 8; step > 0; step /= 2) {
    if (lane < step) lanes[lane] = maximum(lanes[lane], lanes[lane + step]);
    BARRIER();
  }
  m = fabs(lanes[0]) < INFINITY ? lanes[0] : 0;
  BARRIER();
#endif
  V value = START;
  for (long i = lane; i < width; i += 16) value = step_of(value, GET(X, from[places_of(&p.inner, i).at[0]]), m);
  lanes[lane] = value;
  BARRIER();
  for (int step = 8; step > 0; step /= 2) {
    if (lane < step) lanes[lane] = fold_of(lanes[lane], lanes[lane + step]);
    BARRIER();
  }
  if (lane == 0 && real) POINTER(STORED(X), y)[at.at[1]] = PUT(X, finish_of(lanes[0], (V)width, m));
}
