// SPDX-License-Identifier: Apache-2.0
// im2col: a work item to an element of y. W is an unsigned integer of an element's size.

typedef struct {
  long size[3], stride[3], dilation[3], before[3];  // leading axes that are not there have one of all
  long in[3], out[3], x_steps[3];
  long rows, taps, columns, x_batch, x_channel, y_batch, y_row, y_step, items;
} Columns;

KERNEL void im2col(ADDRESS(x), ADDRESS(y), const Columns p) {
  if (ITEM(0) >= p.items) return;
  const long column = ITEM(0) % p.columns, row = ITEM(0) / p.columns % p.rows, batch = ITEM(0) / p.columns / p.rows;
  long tap = row % p.taps, window = column, at = batch * p.x_batch + row / p.taps * p.x_channel;
  bool inside = true;
  for (int d = 2; d >= 0; --d) {
    const long coordinate =
        window % p.out[d] * p.stride[d] + tap % p.size[d] * p.dilation[d] - p.before[d];
    window /= p.out[d];
    tap /= p.size[d];
    inside = inside && coordinate >= 0 && coordinate < p.in[d];
    at += coordinate * p.x_steps[d];
  }
  POINTER(W, y)[batch * p.y_batch + row * p.y_row + column * p.y_step] = inside ? POINTER(W, x)[at] : (W)0;
}
