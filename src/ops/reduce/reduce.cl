// SPDX-License-Identifier: Apache-2.0
// A row of reduce.inc. START, STEP, FOLD, FINISH are the row's formulas, SHIFTED 0 or 1; X and X_KIND as in the
// vocabulary. Rows are shared as in lanes.cl; of COLUMNS results that lie side by side, and whose elements do, so that a
// work item reads along them, reduce_columns makes all at once.
#include "ops/elementwise/vocabulary.cl"
#include "ops/portable/lanes.cl"
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
FUNCTION V larger_of(V lane, V x, V m) { return maximum(lane, x); }

// Where element i of a row is.
FUNCTION long place(const Loops* inner, long i) {
  return inner->rank == 1 ? i * inner->strides[0][0] : places_of(inner, i).at[0];
}

// ENTER_NAME(lanes, row, p, m, shared): the elements of a row enter the lanes by STEP_OF(lane, x, m).
// FOLD_NAME(lanes, shared): the lanes in halves by FOLD_OF(x, y), for every item of the row.
#if ROW_ITEMS == 1
#define LANES 16
#define LANE_RULES(NAME, STEP_OF, FOLD_OF)                                                                         \
  FUNCTION void enter_##NAME(V* lanes, GLOBAL const STORED(X)* row, const Reduce* p, V m, V* shared) {             \
    long i = 0;                                                                                                    \
    if (p->inner.rank == 1 && p->inner.strides[0][0] == 1)                                                         \
      for (; i + 64 <= p->width; i += 64)                                                                          \
        for (int lane = 0; lane < 16; ++lane) {                                                                    \
          V value = lanes[lane];                                                                                   \
          UNROLL                                                                                                   \
          for (int k = 0; k < 4; ++k) value = STEP_OF(value, GET(X, row[i + 16 * k + lane]), m);                    \
          lanes[lane] = value;                                                                                     \
        }                                                                                                          \
    for (; i < p->width; i += 16)                                                                                  \
      for (int lane = 0; lane < 16 && lane < p->width - i; ++lane)                                                  \
        lanes[lane] = STEP_OF(lanes[lane], GET(X, row[place(&p->inner, i + lane)]), m);                                   \
  }                                                                                                                \
  FUNCTION V fold_##NAME(V* lanes, V* shared) {                                                                    \
    for (int step = 8; step > 0; step /= 2)                                                                        \
      for (int lane = 0; lane < step; ++lane) lanes[lane] = FOLD_OF(lanes[lane], lanes[lane + step]);               \
    return lanes[0];                                                                                               \
  }
#else
#define LANES 1
#define LANE_RULES(NAME, STEP_OF, FOLD_OF)                                                                         \
  FUNCTION void enter_##NAME(V* lanes, GLOBAL const STORED(X)* row, const Reduce* p, V m, IN_LOCAL V* shared) {    \
    for (long i = 0; i < p->width; i += TILE) {                                                                    \
      const int n = p->width - i < TILE ? (int)(p->width - i) : TILE;                                              \
      for (int k = ROW_ITEM; k < n; k += ROW_ITEMS) shared[k] = GET(X, row[place(&p->inner, i + k)]);                     \
      BARRIER();                                                                                                   \
      if (ROW_ITEM < 16)                                                                                           \
        for (int k = ROW_ITEM; k < n; k += 16) *lanes = STEP_OF(*lanes, shared[k], m);                              \
      BARRIER();                                                                                                   \
    }                                                                                                              \
  }                                                                                                                \
  FUNCTION V fold_##NAME(V* lanes, IN_LOCAL V* shared) {                                                           \
    const int lane = ROW_ITEM;                                                                                     \
    if (lane < 16) shared[lane] = *lanes;                                                                          \
    BARRIER();                                                                                                     \
    for (int step = 8; step > 0; step /= 2) {                                                                      \
      if (lane < step) shared[lane] = FOLD_OF(shared[lane], shared[lane + step]);                                   \
      BARRIER();                                                                                                   \
    }                                                                                                              \
    const V total = shared[0];                                                                                     \
    BARRIER();                                                                                                     \
    return total;                                                                                                  \
  }
#endif
LANE_RULES(row, step_of, fold_of)
#if SHIFTED
LANE_RULES(largest, larger_of, maximum)
#endif

KERNEL void reduce(ADDRESS(x), ADDRESS(y), const Reduce p) {
  SHARED_TILE(V, shared);
  const bool real = ROW < p.count;
  if (ROW_ITEMS == 1 && !real) return;  // else barriers need every work item
  const Places at = places_of(&p.rows, real ? ROW : 0);
  GLOBAL const STORED(X)* row = POINTER(STORED(X), x) + at.at[0];
  V m = 0;
  V lanes[LANES];
#if SHIFTED
  for (int i = 0; i < LANES; ++i) lanes[i] = LOWEST;
  enter_largest(lanes, row, &p, m, shared);
  m = fold_largest(lanes, shared);
  m = fabs(m) < INFINITY ? m : 0;
#endif
  for (int i = 0; i < LANES; ++i) lanes[i] = START;
  enter_row(lanes, row, &p, m, shared);
  const V total = fold_row(lanes, shared);
  if (ROW_ITEM == 0 && real) POINTER(STORED(X), y)[at.at[1]] = PUT(X, finish_of(total, (V)p.width, m));
}

#if !SHIFTED
// Group (i, j): results i * COLUMNS … of the innermost dimension of rows, in number j of the others.
KERNEL void reduce_columns(ADDRESS(x), ADDRESS(y), const Reduce p) {
  const long length = p.rows.dims[p.rows.rank - 1], first = GROUP(0) * COLUMNS;
  const int n = length - first < COLUMNS ? (int)(length - first) : COLUMNS;
  const Places at = places_of(&p.rows, GROUP(1) * length + first);
  GLOBAL const STORED(X)* from = POINTER(STORED(X), x) + at.at[0];
  GLOBAL STORED(X)* to = POINTER(STORED(X), y) + at.at[1];
  const long y_step = p.rows.strides[1][p.rows.rank - 1];
#if ROW_ITEMS == 1
  V lanes[16 * COLUMNS];
  for (int k = 0; k < 16 * COLUMNS; ++k) lanes[k] = START;
  for (long i = 0; i < p.width; ++i) {
    GLOBAL const STORED(X)* elements = from + place(&p.inner, i);
    V* lane = lanes + i % 16 * COLUMNS;
    for (int c = 0; c < n; ++c) lane[c] = step_of(lane[c], GET(X, elements[c]), 0);
  }
  for (int step = 8; step > 0; step /= 2)
    for (int k = 0; k < step * COLUMNS; ++k) lanes[k] = fold_of(lanes[k], lanes[k + step * COLUMNS]);
  for (int c = 0; c < n; ++c) to[c * y_step] = PUT(X, finish_of(lanes[c], (V)p.width, 0));
#else
  LOCAL V lanes[16 * COLUMNS];  // an item to each
  const int item = LOCAL_ITEM(0), lane = item / COLUMNS, c = item % COLUMNS;
  V value = START;
  if (c < n)
    for (long i = lane; i < p.width; i += 16) value = step_of(value, GET(X, from[place(&p.inner, i) + c]), 0);
  lanes[item] = value;
  BARRIER();
  for (int step = 8; step > 0; step /= 2) {
    if (lane < step) lanes[item] = fold_of(lanes[item], lanes[item + step * COLUMNS]);
    BARRIER();
  }
  if (item < n) to[item * y_step] = PUT(X, finish_of(lanes[item], (V)p.width, 0));
#endif
}
#endif
