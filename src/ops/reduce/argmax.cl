// SPDX-License-Identifier: Apache-2.0
// argmax and argmin. LARGEST and LAST (of equals the last) are 0 or 1; X: the dtype; rows are shared as in lanes.cl.
#include "ops/portable/lanes.cl"
#include "ops/portable/loops.cl"

typedef struct {
  Loops rows;  // of x and y
  long count, width, step;
} Arg;

typedef COMPUTED(X) V;

FUNCTION bool better(V x, V y) { return LARGEST ? x > y : x < y; }

#if ROW_ITEMS == 1
#define BLOCK 64

// The best value in 16 lanes, and whether there is a NaN, which goes before everything; then where that is.
FUNCTION long find(GLOBAL const STORED(X)* from, long step, long width) {
  V best[16];
  int nan[16];
  for (int lane = 0; lane < 16; ++lane) {
    best[lane] = GET(X, from[0]);
    nan[lane] = 0;
  }
  long i = 0;
  if (step == 1)
    for (; i + BLOCK <= width; i += BLOCK)
      for (int lane = 0; lane < 16; ++lane) {
        V value = best[lane];
        int any_nan = nan[lane];
        UNROLL
        for (int k = 0; k < BLOCK; k += 16) {
          const V x = GET(X, from[i + k + lane]);
          value = better(x, value) ? x : value;
          any_nan |= x != x;
        }
        best[lane] = value;
        nan[lane] = any_nan;
      }
  for (; i < width; ++i) {
    const V x = GET(X, from[i * step]);
    best[0] = better(x, best[0]) ? x : best[0];
    nan[0] |= x != x;
  }
  for (int lane = 1; lane < 16; ++lane) {
    best[0] = better(best[lane], best[0]) ? best[lane] : best[0];
    nan[0] |= nan[lane];
  }
  const V value = best[0];
  const int is_nan = nan[0];
#define FOUND(I) (is_nan ? GET(X, from[I]) != GET(X, from[I]) : GET(X, from[I]) == value)
#if LAST
  for (i = width - 1; step == 1 && i >= BLOCK; i -= BLOCK) {
    int found = 0;
    for (int k = 0; k < BLOCK; ++k) found |= FOUND(i - k);
    if (found) break;
  }
  while (i > 0 && !FOUND(i * step)) --i;
#else
  for (i = 0; step == 1 && i + BLOCK < width; i += BLOCK) {
    int found = 0;
    for (int k = 0; k < BLOCK; ++k) found |= FOUND(i + k);
    if (found) break;
  }
  while (i < width - 1 && !FOUND(i * step)) ++i;
#endif
  return i;
}

KERNEL void argmax(ADDRESS(x), ADDRESS(y), const Arg p) {
  if (ROW >= p.count) return;
  const Places at = places_of(&p.rows, ROW);
  POINTER(long, y)[at.at[1]] = find(POINTER(STORED(X), x) + at.at[0], p.step, p.width);
}
#else

// Whether element i goes before element j, of another place; NaN goes before everything.
FUNCTION bool goes_before(V x, long i, V y, long j) {
  const bool x_nan = x != x, y_nan = y != y;
  if (x_nan != y_nan) return x_nan;
  if (x_nan || x == y) return LAST ? i > j : i < j;
  return better(x, y);
}

// Each item has the best of its share, then they fold.
KERNEL void argmax(ADDRESS(x), ADDRESS(y), const Arg p) {
  SHARED_TILE(V, values);
  SHARED_TILE(long, indices);
  const int item = ROW_ITEM;
  const bool real = ROW < p.count;
  const Places at = places_of(&p.rows, real ? ROW : 0);
  GLOBAL const STORED(X)* from = POINTER(STORED(X), x) + at.at[0];
  // Items beyond the width begin with element 0, as item 0 does.
  long best = item < p.width ? item : 0;
  V value = GET(X, from[best * p.step]);
  for (long i = item + ROW_ITEMS; i < p.width; i += ROW_ITEMS) {
    const V other = GET(X, from[i * p.step]);
    if (goes_before(other, i, value, best)) {
      best = i;
      value = other;
    }
  }
  values[item] = value;
  indices[item] = best;
  BARRIER();
  for (int step = ROW_ITEMS / 2; step > 0; step /= 2) {
    if (item < step && goes_before(values[item + step], indices[item + step], values[item], indices[item])) {
      values[item] = values[item + step];
      indices[item] = indices[item + step];
    }
    BARRIER();
  }
  if (item == 0 && real) POINTER(long, y)[at.at[1]] = indices[0];
}
#endif
