// SPDX-License-Identifier: Apache-2.0
// gather, gather_elements and gather_nd: each element of y has `depth` indices, which name a place of x. The loops
// walk y, x without the indexed axes, and indices. W: an unsigned integer of an element's size; INDEX: I32 or I64.
#include "ops/gather/places.cl"

KERNEL void gather(ADDRESS(x), ADDRESS(indices), ADDRESS(y), const Loops loops, const Indexed indexed, long n) {
  const long i = ITEM(0);
  if (i >= n) return;
  const Places p = places_of(&loops, i);
  long at = p.at[0];
  const bool inside = add_indices(&indexed, POINTER(STORED(INDEX), indices) + p.at[1], &at);
  POINTER(W, y)[p.at[2]] = inside ? POINTER(W, x)[at] : 0;
}
