// SPDX-License-Identifier: Apache-2.0
// matmul: one work item to one element of y, whose chain over k is strict. X: the dtype; PAIRS for BF16.
#include "ops/portable/dtypes.cl"
#include "ops/matmul/pairs.cl"
#include "ops/portable/loops.cl"

KERNEL void matmul(ADDRESS(a), ADDRESS(b), ADDRESS(y), const Loops loops, long depth, long a_step, long b_step,
                   long n) {
  const long i = ITEM(0);
  if (i >= n) return;
  const Places p = places_of(&loops, i);
  GLOBAL const STORED(X)* left = POINTER(STORED(X), a) + p.at[0];
  GLOBAL const STORED(X)* right = POINTER(STORED(X), b) + p.at[1];
  COMPUTED(X) acc = 0;
#ifdef PAIRS
  for (long k = 0; k < depth; k += 2) {  // an odd last one pairs with zero
    const bool whole = k + 1 < depth;
    acc = pair_step(whole ? GET(X, left[(k + 1) * a_step]) : 0.0f, whole ? GET(X, right[(k + 1) * b_step]) : 0.0f,
                    acc);
    acc = pair_step(GET(X, left[k * a_step]), GET(X, right[k * b_step]), acc);
  }
#else
  for (long k = 0; k < depth; ++k) acc = fma(GET(X, left[k * a_step]), GET(X, right[k * b_step]), acc);
#endif
  POINTER(STORED(X), y)[p.at[2]] = PUT(X, acc);
}
