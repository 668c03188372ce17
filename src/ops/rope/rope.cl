// SPDX-License-Identifier: Apache-2.0
// rope: a work item to a pair of numbers of a head, then one to each number beyond the pairs. X: dtype; NEOX: 0 or 1.
#include "base/elementary-inl.h"
#include "ops/portable/dtypes.cl"

typedef struct {
  long tokens, heads, width, pairs;
  long x[3], y[3];  // strides
  long position_step, frequency_step;
  float scale;
} Rope;

KERNEL void rope(ADDRESS(x), ADDRESS(positions), ADDRESS(inv_freq), ADDRESS(y), const Rope p) {
  const long parts = p.width - p.pairs, item = ITEM(0);
  if (item >= p.tokens * p.heads * parts) return;
  const long i = item % parts, h = item / parts % p.heads, t = item / parts / p.heads;
  GLOBAL const STORED(X)* from = POINTER(STORED(X), x) + t * p.x[0] + h * p.x[1];
  GLOBAL STORED(X)* to = POINTER(STORED(X), y) + t * p.y[0] + h * p.y[1];
  if (i >= p.pairs) {
    const long d = i + p.pairs;
    to[d * p.y[2]] = PUT(X, GET(X, from[d * p.x[2]]));
    return;
  }
  const float position = (float)POINTER(int, positions)[t * p.position_step];
  const float angle = position * POINTER(float, inv_freq)[i * p.frequency_step];
  const float c = cos(angle) * p.scale, s = sin(angle) * p.scale;
#if NEOX
  const long first = i, second = i + p.pairs;
#else
  const long first = 2 * i, second = 2 * i + 1;
#endif
  const float a = GET(X, from[first * p.x[2]]), b = GET(X, from[second * p.x[2]]);
  to[first * p.y[2]] = PUT(X, fma(a, c, -(b * s)));
  to[second * p.y[2]] = PUT(X, fma(b, c, a * s));
}
