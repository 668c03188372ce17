// SPDX-License-Identifier: Apache-2.0
// y = FORMULA(x), a row of unary.inc, for any strides; Y is X, or BOOL for a test.
#include "ops/elementwise/vocabulary.cl"
#include "ops/portable/loops.cl"

KERNEL void unary(ADDRESS(x), ADDRESS(y), const Loops loops, long n, V a, V b) {
  const long i = ITEM(0);
  if (i >= n) return;
  const Places p = places_of(&loops, i);
  const V x = GET(X, POINTER(STORED(X), x)[p.at[0]]);
  POINTER(STORED(Y), y)[p.at[1]] = PUT(Y, FORMULA);
}
