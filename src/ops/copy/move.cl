// SPDX-License-Identifier: Apache-2.0
// Element number i of x becomes element number i of y, each counted in the order of its own loops. W is an unsigned
// integer of an element's size.
#include "ops/portable/loops.cl"

KERNEL void move(ADDRESS(x), ADDRESS(y), const Loops from, const Loops to, long n) {
  const long i = ITEM(0);
  if (i >= n) return;
  POINTER(W, y)[places_of(&to, i).at[0]] = POINTER(W, x)[places_of(&from, i).at[0]];
}
