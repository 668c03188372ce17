// SPDX-License-Identifier: Apache-2.0
// scatter_elements and scatter_nd, after y became a copy of x (entry `move`). One work item to all updates that can
// meet in one element, which it enters in their order: `items` walks y, indices and updates without the indexed axes,
// `walk` indices and updates along what one item enters. HOW: 0 none, 1 add, 2 mul, 3 max, 4 min.
#include "ops/copy/move.cl"
#include "ops/gather/places.cl"
#if HOW > 0
#include "ops/elementwise/vocabulary.cl"
#endif

KERNEL void scatter(ADDRESS(indices), ADDRESS(updates), ADDRESS(y), const Loops items, const Loops walk,
                    const Indexed indexed, long count, long n) {
  const long i = ITEM(0);
  if (i >= n) return;
  const Places p = places_of(&items, i);
  for (long u = 0; u < count; ++u) {
    const Places q = places_of(&walk, u);
    long at = p.at[0];
    if (!add_indices(&indexed, POINTER(STORED(INDEX), indices) + p.at[1] + q.at[0], &at)) continue;
    const long from = p.at[2] + q.at[1];
#if HOW == 0
    POINTER(W, y)[at] = POINTER(W, updates)[from];
#else
    const V before = GET(X, POINTER(STORED(X), y)[at]), update = GET(X, POINTER(STORED(X), updates)[from]);
#if HOW == 1
    const V after = add(before, update);
#elif HOW == 2
    const V after = multiply(before, update);
#elif HOW == 3
    const V after = maximum(before, update);
#else
    const V after = minimum(before, update);
#endif
    POINTER(STORED(X), y)[at] = PUT(X, after);
#endif
  }
}
