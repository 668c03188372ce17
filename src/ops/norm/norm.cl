// SPDX-License-Identifier: Apache-2.0
// rms_norm and layer_norm. X, WEIGHT, BIAS: dtypes; LAYER: 0 or 1; rows are shared as in lanes.cl.
#include "ops/portable/lanes.cl"
#include "ops/portable/loops.cl"

typedef struct {
  Loops rows;  // of x and y
  long count, width;
  long x_step, y_step, weight_step, bias_step;
  float eps;
} Norm;

PART_READER(read_x, X)
PART_WRITER(write_y, X)
#ifdef WEIGHT
PART_READER(read_weight, WEIGHT)
#endif
#ifdef BIAS
PART_READER(read_bias, BIAS)
#endif

KERNEL void norm_rows(ADDRESS(x), ADDRESS(weight), ADDRESS(bias), ADDRESS(y), const Norm p) {
  SHARED_TILE(float, shared);
  const bool real = ROW < p.count;
  if (ROW_ITEMS == 1 && !real) return;  // else barriers need every work item
  const Places at = places_of(&p.rows, real ? ROW : 0);
  GLOBAL const STORED(X)* from = POINTER(STORED(X), x) + at.at[0];
  GLOBAL STORED(X)* to = POINTER(STORED(X), y) + at.at[1];
#if LAYER
  Lanes sum = (Lanes)(0.0f);
  for (long i = PART; i < p.width + PART; i += TILE)
    sum = add_part(sum, read_x(from + i * p.x_step, p.x_step, p.width - i, 0), shared);
  const float mean = sum_lanes(sum, shared) / (float)p.width;
#endif
  Lanes squares = (Lanes)(0.0f);
  for (long i = PART; i < p.width + PART; i += TILE) {
    Part part = read_x(from + i * p.x_step, p.x_step, p.width - i, 0);
#if LAYER
    part = cut(part - mean, p.width - i);
#endif
    squares = add_squares(squares, part, shared);
  }
  const float factor = 1.0f / sqrt(sum_lanes(squares, shared) / (float)p.width + p.eps);
  if (!real) return;
  for (long i = PART; i < p.width; i += TILE) {
    const long left = p.width - i;
    Part part = read_x(from + i * p.x_step, p.x_step, left, 0);
#if LAYER
    part = part - mean;
#endif
    part = part * factor;
#ifdef WEIGHT
    part = part * read_weight(POINTER(STORED(WEIGHT), weight) + i * p.weight_step, p.weight_step, left, 0);
#endif
#ifdef BIAS
    part = part + read_bias(POINTER(STORED(BIAS), bias) + i * p.bias_step, p.bias_step, left, 0);
#endif
    write_y(part, to + i * p.y_step, p.y_step, left);
  }
}
