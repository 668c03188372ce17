// SPDX-License-Identifier: Apache-2.0
// resize: a work item to an element of y. X: the dtype; W: an unsigned integer of its size; NEAREST: 0 or 1.
#include "ops/portable/dtypes.cl"
#include "ops/resize/taps-inl.h"

typedef struct {
  long rank, axes;
  long dims[8], in[3];  // of y; of x's resized axes
  long x_strides[8], y_strides[8];
  float steps[3];
  int mode, coordinates, rounding;
  float cubic_a;
  int unused;
  long items;
} Resize;

KERNEL void resize(ADDRESS(x), ADDRESS(y), const Resize p) {
  long rest = ITEM(0), from = 0, to = 0;
  if (rest >= p.items) return;
  ResizeRule rule;
  rule.mode = p.mode;
  rule.coordinates = p.coordinates;
  rule.rounding = p.rounding;
  rule.cubic_a = p.cubic_a;
  ResizeTaps taps[3];  // axes that are not there have one place
  for (int k = 0; k < 3; ++k) {
    taps[k].count = 1;
    taps[k].index[0] = 0;
    taps[k].weight[0] = 1;
  }
  long steps[3] = {0, 0, 0};
  for (int d = (int)p.rank - 1; d >= 0; --d) {
    const long i = rest % p.dims[d];
    rest /= p.dims[d];
    to += i * p.y_strides[d];
    const int axis = d - (int)(p.rank - p.axes), k = axis + 3 - (int)p.axes;
    if (axis < 0) {
      from += i * p.x_strides[d];
    } else {
      taps[k] = resize_taps(rule, p.steps[axis], p.in[axis], p.dims[d], i);
      steps[k] = p.x_strides[d];
    }
  }
#if NEAREST
  POINTER(W, y)[to] =
      POINTER(W, x)[from + taps[0].index[0] * steps[0] + taps[1].index[0] * steps[1] + taps[2].index[0] * steps[2]];
#else
  float sum = 0;
  for (int a = 0; a < taps[0].count; ++a) {
    float plane = 0;
    for (int b = 0; b < taps[1].count; ++b) {
      float line = 0;
      for (int c = 0; c < taps[2].count; ++c) {
        const float v = GET(X, POINTER(STORED(X), x)[from + taps[0].index[a] * steps[0] + taps[1].index[b] * steps[1] +
                                                     taps[2].index[c] * steps[2]]);
        line = c == 0 ? taps[2].weight[0] * v : fma(taps[2].weight[c], v, line);
      }
      plane = p.axes < 2 ? line : b == 0 ? taps[1].weight[0] * line : fma(taps[1].weight[b], line, plane);
    }
    sum = p.axes < 3 ? plane : a == 0 ? taps[0].weight[0] * plane : fma(taps[0].weight[a], plane, sum);
  }
  POINTER(STORED(X), y)[to] = PUT(X, sum);
#endif
}
