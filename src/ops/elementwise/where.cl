// SPDX-License-Identifier: Apache-2.0
// where, for any strides and broadcasts; W is an unsigned integer of an element's size.
#include "ops/portable/loops.cl"

KERNEL void where(ADDRESS(condition), ADDRESS(x), ADDRESS(y), ADDRESS(z), const Loops loops, long n) {
  const long i = ITEM(0);
  if (i >= n) return;
  const Places p = places_of(&loops, i);
  const bool first = POINTER(uint8_t, condition)[p.at[0]] != 0;
  POINTER(W, z)[p.at[3]] = first ? POINTER(W, x)[p.at[1]] : POINTER(W, y)[p.at[2]];
}
