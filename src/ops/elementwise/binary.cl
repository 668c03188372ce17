// SPDX-License-Identifier: Apache-2.0
// z = FORMULA(x, y), a row of binary.inc, for any strides and broadcasts; Z is X, or BOOL for a comparison.
#include "ops/elementwise/vocabulary.cl"
#include "ops/portable/loops.cl"

KERNEL void binary(ADDRESS(x), ADDRESS(y), ADDRESS(z), const Loops loops, long n) {
  const long i = ITEM(0);
  if (i >= n) return;
  const Places p = places_of(&loops, i);
  const V x = GET(X, POINTER(STORED(X), x)[p.at[0]]);
  const V y = GET(X, POINTER(STORED(X), y)[p.at[1]]);
  POINTER(STORED(Z), z)[p.at[2]] = PUT(Z, FORMULA);
}
