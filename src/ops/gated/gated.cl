// SPDX-License-Identifier: Apache-2.0
// Gated activations: y = ACTIVATION(gate) * up, for any strides. X: dtype.
#include "base/elementary-inl.h"
#include "ops/gated/relu.cl"
#include "ops/portable/dtypes.cl"
#include "ops/portable/loops.cl"

KERNEL void gated(ADDRESS(gate), ADDRESS(up), ADDRESS(y), const Loops loops, long n) {
  const long i = ITEM(0);
  if (i >= n) return;
  const Places p = places_of(&loops, i);
  const float x = GET(X, POINTER(STORED(X), gate)[p.at[0]]);
  POINTER(STORED(X), y)[p.at[2]] = PUT(X, ACTIVATION(x) * GET(X, POINTER(STORED(X), up)[p.at[1]]));
}
