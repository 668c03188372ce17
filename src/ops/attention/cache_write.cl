// SPDX-License-Identifier: Apache-2.0
// cache_write: a work item to a number. X, CACHE: dtypes; DIMS_MAJOR: 0 or 1.
#include "ops/portable/dtypes.cl"

typedef struct {
  long tokens, heads, width, slots;
  long x[3], cache[4];  // strides
  long slot_step;
} CacheWrite;

KERNEL void cache_write(ADDRESS(x), ADDRESS(slots), ADDRESS(cache), const CacheWrite p) {
  const long item = ITEM(0);
  if (item >= p.tokens * p.heads * p.width) return;
  const long d = item % p.width, h = item / p.width % p.heads, t = item / p.width / p.heads;
  const long slot = POINTER(int, slots)[t * p.slot_step];
  if (slot < 0 || slot >= p.slots) return;
#if DIMS_MAJOR
  const long inside = d * p.cache[2] + slot % 64 * p.cache[3];
#else
  const long inside = slot % 64 * p.cache[2] + d * p.cache[3];
#endif
  POINTER(STORED(CACHE), cache)[slot / 64 * p.cache[0] + h * p.cache[1] + inside] =
      PUT(CACHE, GET(X, POINTER(STORED(X), x)[t * p.x[0] + h * p.x[1] + d * p.x[2]]));
}
