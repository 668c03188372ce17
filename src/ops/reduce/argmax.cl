// SPDX-License-Identifier: Apache-2.0
// argmax and argmin: a work group of GROUP_ITEMS to a row; each item has the best of its share, then they fold. LARGEST
// and LAST (of equals the last) are 0 or 1; X: the dtype.
#include "ops/portable/dtypes.cl"
#include "ops/portable/loops.cl"

typedef struct {
  Loops rows;  // of x and y
  long width, step;
} Arg;

typedef COMPUTED(X) V;

// Whether element i goes before element j, of another place; NaN goes before everything.
FUNCTION bool goes_before(V x, long i, V y, long j) {
  const bool x_nan = x != x, y_nan = y != y;
  if (x_nan != y_nan) return x_nan;
  if (x_nan || x == y) return LAST ? i > j : i < j;
  return LARGEST ? x > y : x < y;
}

KERNEL void argmax(ADDRESS(x), ADDRESS(y), const Arg p) {
  LOCAL V values[GROUP_ITEMS];
  LOCAL long indices[GROUP_ITEMS];
  const int item = LOCAL_ITEM(0);
  const Places at = places_of(&p.rows, GROUP(0));
  GLOBAL const STORED(X)* from = POINTER(STORED(X), x) + at.at[0];
  // Items beyond the width begin with element 0, as item 0 does.
  long best = item < p.width ? item : 0;
  V value = GET(X, from[best * p.step]);
  for (long i = item + GROUP_ITEMS; i < p.width; i += GROUP_ITEMS) {
    const V other = GET(X, from[i * p.step]);
    if (goes_before(other, i, value, best)) {
      best = i;
      value = other;
    }
  }
  values[item] = value;
  indices[item] = best;
  BARRIER();
  for (int step = GROUP_ITEMS / 2; step > 0; step /= 2) {
    if (item < step && goes_before(values[item + step], indices[item + step], values[item], indices[item])) {
      values[item] = values[item + step];
      indices[item] = indices[item + step];
    }
    BARRIER();
  }
  if (item == 0) POINTER(long, y)[at.at[1]] = indices[0];
}
