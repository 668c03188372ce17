// SPDX-License-Identifier: Apache-2.0
// convolution and transposed_convolution in one phase (phases-inl.h): a work item makes one place of y in ROWS outputs of
// a group, whose chains share what they read of x. X: the dtype; PAIRS for BF16.
#include "ops/portable/dtypes.cl"
#include "ops/matmul/pairs.cl"

typedef struct {
  long first, step, count;
  long places, place, place_step;
  long base, x_step, x_place_step;
} PhaseAxis;

typedef struct {
  PhaseAxis axes[3];
  long in[3], x_steps[3], y_steps[3], w_steps[3];
  long x_batch, x_channel, y_batch, y_channel, w_group, w_row, w_channel, bias_step;
  long channels, rows, columns, items;  // channels and outputs of a group; places of y in all batches
} Convolution;

KERNEL void convolution(ADDRESS(x), ADDRESS(weight), ADDRESS(bias), ADDRESS(y), const Convolution p) {
  if (ITEM(0) >= p.items) return;
  const long blocks = (p.rows + ROWS - 1) / ROWS, block = ITEM(0) / p.columns;
  const long group = block / blocks, row = block % blocks * ROWS;
  const int rows = p.rows - row < ROWS ? (int)(p.rows - row) : ROWS;
  long rest = ITEM(0) % p.columns, y_at = 0, at[3];
  for (int d = 2; d >= 0; --d) {
    const long i = rest % p.axes[d].count;
    rest /= p.axes[d].count;
    at[d] = p.axes[d].base + i * p.axes[d].x_step;
    y_at += (p.axes[d].first + i * p.axes[d].step) * p.y_steps[d];
  }
  GLOBAL const STORED(X)* from = POINTER(STORED(X), x) + rest * p.x_batch + group * p.channels * p.x_channel;
  GLOBAL const STORED(X)* weights = POINTER(STORED(X), weight) + group * p.w_group + row * p.w_row;
  float acc[ROWS];
  UNROLL
  for (int r = 0; r < ROWS; ++r) acc[r] = 0;
#ifdef PAIRS
  bool odd = false;
  float even_value = 0, even_weight[ROWS];
#endif
  for (long c = 0; c < p.channels; ++c)
    for (long j0 = 0; j0 < p.axes[0].places; ++j0)
      for (long j1 = 0; j1 < p.axes[1].places; ++j1)
        for (long j2 = 0; j2 < p.axes[2].places; ++j2) {
          const long a = at[0] + j0 * p.axes[0].x_place_step, b = at[1] + j1 * p.axes[1].x_place_step,
                     d = at[2] + j2 * p.axes[2].x_place_step;
          const bool inside = a >= 0 && a < p.in[0] && b >= 0 && b < p.in[1] && d >= 0 && d < p.in[2];
          const float value = inside ? GET(X, from[c * p.x_channel + a * p.x_steps[0] + b * p.x_steps[1] + d * p.x_steps[2]])
                                     : 0.0f;
          GLOBAL const STORED(X)* w = weights + c * p.w_channel +
                                      (p.axes[0].place + j0 * p.axes[0].place_step) * p.w_steps[0] +
                                      (p.axes[1].place + j1 * p.axes[1].place_step) * p.w_steps[1] +
                                      (p.axes[2].place + j2 * p.axes[2].place_step) * p.w_steps[2];
          UNROLL
          for (int r = 0; r < ROWS; ++r) {
            const float factor = GET(X, w[(r < rows ? r : 0) * p.w_row]);
#ifdef PAIRS
            if (odd)
              acc[r] = pair_step(even_value, even_weight[r], pair_step(value, factor, acc[r]));
            else
              even_weight[r] = factor;
#else
            acc[r] = fma(value, factor, acc[r]);
#endif
          }
#ifdef PAIRS
          if (!odd) even_value = value;
          odd = !odd;
#endif
        }
  UNROLL
  for (int r = 0; r < ROWS; ++r) {
    if (r >= rows) break;
    const long output = group * p.rows + row + r;
    float sum = acc[r];
#ifdef PAIRS
    if (odd) sum = pair_step(even_value, even_weight[r], pair_step(0.0f, 0.0f, sum));
#endif
    if (PRESENT(bias)) sum = sum + GET(X, POINTER(STORED(X), bias)[output * p.bias_step]);
    POINTER(STORED(X), y)[rest * p.y_batch + output * p.y_channel + y_at] = PUT(X, sum);
  }
}
