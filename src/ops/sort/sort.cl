// SPDX-License-Identifier: Apache-2.0
// sort and top_k: a merge sort of each row's indices, between two lists in the workspace. Every index finds its own
// place: its number in its run, and how many of the neighbouring run go before it. X: the dtype; DESCENDING: 0 or 1;
// RUN: how many elements the first runs have.
#include "ops/portable/dtypes.cl"
#include "ops/portable/loops.cl"

typedef struct {
  Loops rows;  // of x, values, indices
  long width, kept, x_step, values_step, indices_step;
} Sort;

typedef COMPUTED(X) V;

// NaN is larger than every number.
FUNCTION bool smaller(V a, V b) { return a != a || b != b ? a == a && b != b : a < b; }
FUNCTION bool goes_before(V a, V b) { return DESCENDING ? smaller(b, a) : smaller(a, b); }

#define ROW_OF_X(i) (POINTER(STORED(X), x) + places_of(&p.rows, (i) / p.width).at[0])
#define VALUE(index) GET(X, from[(index) * p.x_step])

// Runs of RUN elements by counting; of equal elements the earlier one goes first.
KERNEL void runs(ADDRESS(x), ADDRESS(out), const Sort p, long n) {
  const long i = ITEM(0);
  if (i >= n) return;
  GLOBAL const STORED(X)* from = ROW_OF_X(i);
  const long row = i / p.width * p.width, own = i - row, start = own / RUN * RUN;
  const long end = start + RUN < p.width ? start + RUN : p.width;
  const V value = VALUE(own);
  long place = start;
  for (long j = start; j < end; ++j) {
    const V other = VALUE(j);
    if (goes_before(other, value) || (j < own && !goes_before(value, other))) ++place;
  }
  POINTER(int, out)[row + place] = (int)own;
}

// Runs of `run` become runs of twice as many.
KERNEL void merge(ADDRESS(x), ADDRESS(in), ADDRESS(out), const Sort p, long run, long n) {
  const long i = ITEM(0);
  if (i >= n) return;
  GLOBAL const STORED(X)* from = ROW_OF_X(i);
  const long row = i / p.width * p.width, at = i - row, start = at / (2 * run) * (2 * run), middle = start + run;
  GLOBAL const int* order = POINTER(int, in) + row;
  const int own = order[at];
  const V value = VALUE(own);
  const bool right = at >= middle;
  // The neighbour's elements that go before: of equals those of the left run.
  long low = right ? start : middle, high = right ? middle : start + 2 * run;
  if (low > p.width) low = p.width;
  if (high > p.width) high = p.width;
  const long first = low;
  while (low < high) {
    const long half_way = low + (high - low) / 2;
    const V other = VALUE(order[half_way]);
    if (right ? !goes_before(value, other) : goes_before(other, value))
      low = half_way + 1;
    else
      high = half_way;
  }
  POINTER(int, out)[row + (right ? at - run : at) + (low - first)] = own;
}

KERNEL void store(ADDRESS(x), ADDRESS(in), ADDRESS(values), ADDRESS(indices), const Sort p, long n) {
  const long i = ITEM(0);
  if (i >= n) return;
  const long row = i / p.kept, k = i % p.kept;
  const Places at = places_of(&p.rows, row);
  const int own = POINTER(int, in)[row * p.width + k];
  POINTER(STORED(X), values)[at.at[1] + k * p.values_step] = POINTER(STORED(X), x)[at.at[0] + own * p.x_step];
  POINTER(long, indices)[at.at[2] + k * p.indices_step] = own;
}
