// SPDX-License-Identifier: Apache-2.0
// rms_norm and layer_norm: 16 work items to a row, ROWS rows to a group. X, WEIGHT, BIAS: dtypes; LAYER: 0 or 1.
#include "ops/portable/dtypes.cl"
#include "ops/portable/lanes.cl"
#include "ops/portable/loops.cl"

typedef struct {
  Loops rows;  // of x and y
  long count, width;
  long x_step, y_step, weight_step, bias_step;
  float eps;
} Norm;

KERNEL void norm_rows(ADDRESS(x), ADDRESS(weight), ADDRESS(bias), ADDRESS(y), const Norm p) {
  LOCAL float all[ROWS * 16];
  const int lane = LOCAL_ITEM(0) % 16;
  IN_LOCAL float* lanes = all + LOCAL_ITEM(0) / 16 * 16;
  const long row = GROUP(0) * ROWS + LOCAL_ITEM(0) / 16;
  const long width = row < p.count ? p.width : 0;  // barriers need every work item
  const Places at = places_of(&p.rows, row < p.count ? row : 0);
  GLOBAL const STORED(X)* from = POINTER(STORED(X), x) + at.at[0];
  float mean = 0;
#if LAYER
  float sum = 0;
  for (long i = lane; i < width; i += 16) sum = sum + GET(X, from[i * p.x_step]);
  mean = lane_sum(lanes, lane, sum) / (float)width;
#endif
  float squares = 0;
  for (long i = lane; i < width; i += 16) {
    float value = GET(X, from[i * p.x_step]);
#if LAYER
    value = value - mean;
#endif
    squares = fma(value, value, squares);
  }
  const float factor = 1.0f / sqrt(lane_sum(lanes, lane, squares) / (float)width + p.eps);
  GLOBAL STORED(X)* to = POINTER(STORED(X), y) + at.at[1];
  for (long i = lane; i < width; i += 16) {
    float value = GET(X, from[i * p.x_step]);
#if LAYER
    value = value - mean;
#endif
    value = value * factor;
#ifdef WEIGHT
    value = value * GET(WEIGHT, POINTER(STORED(WEIGHT), weight)[i * p.weight_step]);
#endif
#ifdef BIAS
    value = value + GET(BIAS, POINTER(STORED(BIAS), bias)[i * p.bias_step]);
#endif
    to[i * p.y_step] = PUT(X, value);
  }
}
