// SPDX-License-Identifier: Apache-2.0
// softmax and log_softmax (LOG): 16 work items to a row, ROWS rows to a group. X: the dtype.
#include "ops/portable/dtypes.cl"
#include "base/elementary-inl.h"
#include "ops/portable/lanes.cl"
#include "ops/portable/loops.cl"

typedef struct {
  Loops rows;  // of x and y
  long count, width, x_step, y_step;
} Softmax;

KERNEL void softmax(ADDRESS(x), ADDRESS(y), const Softmax p) {
  LOCAL float all[ROWS * 16];
  const int lane = LOCAL_ITEM(0) % 16;
  IN_LOCAL float* lanes = all + LOCAL_ITEM(0) / 16 * 16;
  const long row = GROUP(0) * ROWS + LOCAL_ITEM(0) / 16;
  const long width = row < p.count ? p.width : 0;  // barriers need every work item
  const Places at = places_of(&p.rows, row < p.count ? row : 0);
  GLOBAL const STORED(X)* from = POINTER(STORED(X), x) + at.at[0];
  GLOBAL STORED(X)* to = POINTER(STORED(X), y) + at.at[1];
  float top = -INFINITY;
  for (long i = lane; i < width; i += 16) {
    const float value = GET(X, from[i * p.x_step]);
    if (value > top) top = value;  // a NaN makes the sum NaN, whatever top is
  }
  lanes[lane] = top;
  BARRIER();
  for (int i = 0; i < 16; ++i)
    if (lanes[i] > top) top = lanes[i];
  BARRIER();
  float sum = 0;
  for (long i = lane; i < width; i += 16) sum = sum + exp(GET(X, from[i * p.x_step]) - top);
  sum = lane_sum(lanes, lane, sum);
#if LOG
  sum = log(sum);
#endif
  for (long i = lane; i < width; i += 16) {
    const float value = GET(X, from[i * p.x_step]) - top;
#if LOG
    to[i * p.y_step] = PUT(X, value - sum);
#else
    to[i * p.y_step] = PUT(X, exp(value) / sum);
#endif
  }
}
