// SPDX-License-Identifier: Apache-2.0
// rotate_pairs: a work item to a number. X, FACTOR: dtypes; NEOX: 0 or 1.
#include "ops/portable/dtypes.cl"
#include "ops/portable/loops.cl"

typedef struct {
  Loops loops;  // of x, cos, sin, y: rows
  long width, x_step, cos_step, sin_step, y_step, items;
} Rotate;

KERNEL void rotate_pairs(ADDRESS(x), ADDRESS(cos), ADDRESS(sin), ADDRESS(y), const Rotate p) {
  if (ITEM(0) >= p.items) return;
  const long i = ITEM(0) % p.width, half_width = p.width / 2;
  const Places at = places_of(&p.loops, ITEM(0) / p.width);
#if NEOX
  const long partner = i < half_width ? i + half_width : i - half_width;
  const bool first = i < half_width;
#else
  const long partner = i ^ 1;
  const bool first = i % 2 == 0;
#endif
  GLOBAL const STORED(X)* from = POINTER(STORED(X), x) + at.at[0];
  const float other = GET(X, from[partner * p.x_step]);
  const float turned =
      (first ? -other : other) * GET(FACTOR, POINTER(STORED(FACTOR), sin)[at.at[2] + i * p.sin_step]);
  const float kept = GET(X, from[i * p.x_step]) * GET(FACTOR, POINTER(STORED(FACTOR), cos)[at.at[1] + i * p.cos_step]);
  POINTER(STORED(X), y)[at.at[3] + i * p.y_step] = PUT(X, kept + turned);
}
