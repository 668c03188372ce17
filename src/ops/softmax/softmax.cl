// SPDX-License-Identifier: Apache-2.0
// softmax and log_softmax (LOG). X: the dtype; KEEPS: whether y can hold e^(x - max) meanwhile; rows are shared as in
// lanes.cl.
#include "ops/portable/lanes.cl"
#include "ops/portable/loops.cl"
#include "ops/portable/vector_exp.cl"

typedef struct {
  Loops rows;  // of x and y
  long count, width, x_step, y_step;
} Softmax;

PART_READER(read_part, X)
PART_WRITER(write_part, X)

KERNEL void softmax(ADDRESS(x), ADDRESS(y), const Softmax p) {
  SHARED_TILE(float, shared);
  const bool real = ROW < p.count;
  if (ROW_ITEMS == 1 && !real) return;  // else barriers need every work item
  const Places at = places_of(&p.rows, real ? ROW : 0);
  GLOBAL const STORED(X)* from = POINTER(STORED(X), x) + at.at[0];
  GLOBAL STORED(X)* to = POINTER(STORED(X), y) + at.at[1];
  Part tops = (Part)(-INFINITY);  // a NaN makes the sum NaN, whatever the largest is
  for (long i = PART; i < p.width; i += TILE)
    tops = larger(tops, read_part(from + i * p.x_step, p.x_step, p.width - i, -INFINITY));
  const float top = largest(tops, shared);
  Lanes lanes = (Lanes)(0.0f);
  for (long i = PART; i < p.width + PART; i += TILE) {
    const long left = p.width - i;
    const Part e = vector_exp(read_part(from + i * p.x_step, p.x_step, left, 0) - top);
#if KEEPS
    if (real) write_part(e, to + i * p.y_step, p.y_step, left);
#endif
    lanes = add_part(lanes, cut(e, left), shared);
  }
  float sum = sum_lanes(lanes, shared);
#if LOG
  sum = log(sum);
#endif
  if (!real) return;
  for (long i = PART; i < p.width; i += TILE) {
    const long left = p.width - i;
#if KEEPS
    const Part part = read_part(to + i * p.y_step, p.y_step, left, 0) / sum;
#elif LOG
    const Part part = (read_part(from + i * p.x_step, p.x_step, left, 0) - top) - sum;
#else
    const Part part = vector_exp(read_part(from + i * p.x_step, p.x_step, left, 0) - top) / sum;
#endif
    write_part(part, to + i * p.y_step, p.y_step, left);
  }
}
