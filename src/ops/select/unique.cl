// SPDX-License-Identifier: Apache-2.0
// unique: a merge sort of the slices' numbers as in sort.cl, then the first of each group is found, the groups are
// counted in chunks of CHUNK, and everyone knows its own. X: the dtype; RUN: how many slices the first runs have.
#include "ops/portable/dtypes.cl"
#include "ops/portable/loops.cl"

typedef struct {
  Loops slice;  // of x, values
  long elements, n, x_step, values_step, inverse_step, counts_step;
} Unique;

typedef COMPUTED(X) V;

// -1, 0 or 1 in the order of sort; 2 where both are equal but for NaN.
FUNCTION int compare(const Unique* p, GLOBAL const STORED(X)* x, long i, long j) {
  int result = 0;
  for (long e = 0; e < p->elements; ++e) {
    const long at = places_of(&p->slice, e).at[0];
    const V a = GET(X, x[at + i * p->x_step]), b = GET(X, x[at + j * p->x_step]);
    if (a == b) continue;
    if (a != a && b != b)
      result = 2;
    else
      return a != a ? 1 : b != b ? -1 : a < b ? -1 : 1;
  }
  return result;
}

KERNEL void runs(ADDRESS(x), ADDRESS(out), const Unique p, int sorted) {
  const long i = ITEM(0);
  if (i >= p.n) return;
  const long start = i / RUN * RUN, end = start + RUN < p.n ? start + RUN : p.n;
  long place = sorted ? start : i;
  for (long j = start; sorted && j < end; ++j) {
    if (j == i) continue;
    const int order = compare(&p, POINTER(STORED(X), x), j, i);
    if (order == -1 || (j < i && order != 1)) ++place;
  }
  POINTER(int, out)[place] = (int)i;
}

KERNEL void merge(ADDRESS(x), ADDRESS(in), ADDRESS(out), const Unique p, long run) {
  const long at = ITEM(0);
  if (at >= p.n) return;
  const long start = at / (2 * run) * (2 * run), middle = start + run;
  GLOBAL const int* order = POINTER(int, in);
  const int own = order[at];
  const bool right = at >= middle;
  // The neighbour's slices that go before: of equals those of the left run.
  long low = right ? start : middle, high = right ? middle : start + 2 * run;
  if (low > p.n) low = p.n;
  if (high > p.n) high = p.n;
  const long first = low;
  while (low < high) {
    const long half_way = low + (high - low) / 2;
    const int other = compare(&p, POINTER(STORED(X), x), order[half_way], own);
    if (other == -1 || (right && other != 1))
      low = half_way + 1;
    else
      high = half_way;
  }
  POINTER(int, out)[(right ? at - run : at) + (low - first)] = own;
}

// 1 in `first` where a group begins.
KERNEL void mark(ADDRESS(x), ADDRESS(in), ADDRESS(first), const Unique p) {
  const long i = ITEM(0);
  if (i >= p.n) return;
  GLOBAL const int* order = POINTER(int, in);
  POINTER(int, first)[i] = i == 0 || compare(&p, POINTER(STORED(X), x), order[i - 1], order[i]) != 0;
}

KERNEL void tally(ADDRESS(first), ADDRESS(starts), long n, long chunks) {
  const long c = ITEM(0);
  if (c >= chunks) return;
  const long end = (c + 1) * CHUNK < n ? (c + 1) * CHUNK : n;
  int count = 0;
  for (long i = c * CHUNK; i < end; ++i) count += POINTER(int, first)[i];
  POINTER(int, starts)[c] = count;
}

KERNEL void totals(ADDRESS(starts), ADDRESS(count), long chunks) {
  if (ITEM(0) != 0) return;
  int sum = 0;
  for (long c = 0; c < chunks; ++c) {
    const int more = POINTER(int, starts)[c];
    POINTER(int, starts)[c] = sum;
    sum += more;
  }
  POINTER(long, count)[0] = sum;
}

// Where each group begins, and each slice's group.
KERNEL void number(ADDRESS(in), ADDRESS(first), ADDRESS(starts), ADDRESS(begins), ADDRESS(inverse), const Unique p,
                   long chunks) {
  const long c = ITEM(0);
  if (c >= chunks) return;
  const long end = (c + 1) * CHUNK < p.n ? (c + 1) * CHUNK : p.n;
  int group = POINTER(int, starts)[c] - 1;
  for (long i = c * CHUNK; i < end; ++i) {
    if (POINTER(int, first)[i]) POINTER(int, begins)[++group] = (int)i;
    POINTER(long, inverse)[POINTER(int, in)[i] * p.inverse_step] = group;
  }
}

KERNEL void count_each(ADDRESS(begins), ADDRESS(count), ADDRESS(counts), const Unique p) {
  const long k = ITEM(0);
  if (k >= p.n) return;
  const long count = POINTER(long, count)[0];
  GLOBAL const int* begins = POINTER(int, begins);
  POINTER(long, counts)[k * p.counts_step] = k < count ? (k + 1 < count ? begins[k + 1] : p.n) - begins[k] : 0;
}

KERNEL void store(ADDRESS(x), ADDRESS(in), ADDRESS(begins), ADDRESS(count), ADDRESS(values), const Unique p) {
  const long i = ITEM(0);
  if (i >= p.n * p.elements) return;
  const long k = i / p.elements;
  const Places at = places_of(&p.slice, i % p.elements);
  STORED(X) value = 0;
  if (k < POINTER(long, count)[0])
    value = POINTER(STORED(X), x)[at.at[0] + POINTER(int, in)[POINTER(int, begins)[k]] * p.x_step];
  POINTER(STORED(X), values)[at.at[1] + k * p.values_step] = value;
}
