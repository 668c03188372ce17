// SPDX-License-Identifier: Apache-2.0
// The triangle of each matrix; W is an unsigned integer of an element's size, UPPER 0 or 1.
#include "ops/portable/loops.cl"

KERNEL void trilu(ADDRESS(x), ADDRESS(y), const Loops loops, long rows, long columns, long k, long n) {
  const long i = ITEM(0);
  if (i >= n) return;
  const long row = i / columns % rows, column = i % columns;
  const bool kept = UPPER ? column >= row + k : column <= row + k;
  const Places p = places_of(&loops, i);
  POINTER(W, y)[p.at[1]] = kept ? POINTER(W, x)[p.at[0]] : 0;
}
