// SPDX-License-Identifier: Apache-2.0
// cholesky (LU 0) and lu_factor (LU 1): a work item to a matrix. X: the dtype.
#include "ops/portable/dtypes.cl"
#include "ops/portable/loops.cl"

typedef struct {
  Loops batches;  // of x, y, order and swaps; cholesky has the first two
  long n, x_row, x_column, y_row, y_column, order_step, items;
} Factor;

typedef COMPUTED(X) V;

#if LU
KERNEL void factor(ADDRESS(x), ADDRESS(y), ADDRESS(order), ADDRESS(swaps), const Factor p) {
#else
KERNEL void factor(ADDRESS(x), ADDRESS(y), const Factor p) {
#endif
  if (ITEM(0) >= p.items) return;
  const Places at = places_of(&p.batches, ITEM(0));
  GLOBAL const STORED(X)* from = POINTER(STORED(X), x) + at.at[0];
  GLOBAL STORED(X)* m = POINTER(STORED(X), y) + at.at[1];
#define AT(I, J) m[(I)*p.y_row + (J)*p.y_column]
#if LU
  GLOBAL long* rows = POINTER(long, order) + at.at[2];
  long exchanged = 0;
  for (long i = 0; i < p.n; ++i) {
    rows[i * p.order_step] = i;
    for (long j = 0; j < p.n; ++j) AT(i, j) = from[i * p.x_row + j * p.x_column];
  }
  for (long k = 0; k < p.n; ++k) {
    long best = k;
    for (long i = k + 1; i < p.n; ++i)
      if (fabs(AT(i, k)) > fabs(AT(best, k))) best = i;
    if (best != k) {
      ++exchanged;
      const long row = rows[k * p.order_step];
      rows[k * p.order_step] = rows[best * p.order_step];
      rows[best * p.order_step] = row;
      for (long j = 0; j < p.n; ++j) {
        const V kept = AT(k, j);
        AT(k, j) = AT(best, j);
        AT(best, j) = kept;
      }
    }
    const V pivot = AT(k, k);
    for (long i = k + 1; i < p.n; ++i) {
      const V factor = pivot == 0 ? (V)0 : AT(i, k) / pivot;
      AT(i, k) = factor;
      for (long j = k + 1; j < p.n; ++j) AT(i, j) = fma(-factor, AT(k, j), AT(i, j));
    }
  }
  POINTER(long, swaps)[at.at[3]] = exchanged;
#else
  for (long i = 0; i < p.n; ++i) {
    for (long j = 0; j < p.n; ++j) {
      V sum = 0;
      if (j <= i) {
        sum = from[i * p.x_row + j * p.x_column];
        for (long k = 0; k < j; ++k) sum = fma(-AT(i, k), AT(j, k), sum);
        sum = j == i ? sqrt(sum) : sum / AT(j, j);
      }
      AT(i, j) = sum;
    }
  }
#endif
}
