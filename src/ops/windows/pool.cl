// SPDX-License-Identifier: Apache-2.0
// Pools: a work item to a window. X: the dtype; AVERAGE, INDICES: 0 or 1; LOWEST: what max begins with.
#include "ops/portable/dtypes.cl"

typedef struct {
  long size[3], stride[3], dilation[3], before[3], after[3];  // leading axes that are not there have one of all
  long in[3], out[3], x_steps[3], y_steps[3], i_steps[3];
  long channels, x_batch, x_channel, y_batch, y_channel, i_batch, i_channel;
  long padding_counts, divisor, items;
} Pool;

KERNEL void pool(ADDRESS(x), ADDRESS(y), ADDRESS(indices), const Pool p) {
  if (ITEM(0) >= p.items) return;
  long rest = ITEM(0), o[3];
  for (int d = 2; d >= 0; --d) {
    o[d] = rest % p.out[d];
    rest /= p.out[d];
  }
  const long channel = rest % p.channels, batch = rest / p.channels;
  GLOBAL const STORED(X)* from = POINTER(STORED(X), x) + batch * p.x_batch + channel * p.x_channel;
#if AVERAGE
  float sum = 0;
  long places = 0, inside_places = 0;
#else
  COMPUTED(X) best = LOWEST;
  long best_number = -1;
#endif
  for (long k0 = 0; k0 < p.size[0]; ++k0)
    for (long k1 = 0; k1 < p.size[1]; ++k1)
      for (long k2 = 0; k2 < p.size[2]; ++k2) {
        const long a = o[0] * p.stride[0] + k0 * p.dilation[0] - p.before[0],
                   b = o[1] * p.stride[1] + k1 * p.dilation[1] - p.before[1],
                   c = o[2] * p.stride[2] + k2 * p.dilation[2] - p.before[2];
        const bool inside = a >= 0 && a < p.in[0] && b >= 0 && b < p.in[1] && c >= 0 && c < p.in[2];
#if AVERAGE
        if (a < p.in[0] + p.after[0] && b < p.in[1] + p.after[1] && c < p.in[2] + p.after[2]) ++places;
        if (!inside) continue;
        ++inside_places;
        sum = sum + GET(X, from[a * p.x_steps[0] + b * p.x_steps[1] + c * p.x_steps[2]]);
#else
        if (!inside) continue;
        const COMPUTED(X) value = GET(X, from[a * p.x_steps[0] + b * p.x_steps[1] + c * p.x_steps[2]]);
        if (best_number < 0 || value > best || (value != value && best == best)) {
          best = value;
          best_number = (a * p.in[1] + b) * p.in[2] + c;
        }
#endif
      }
  const long at = batch * p.y_batch + channel * p.y_channel + o[0] * p.y_steps[0] + o[1] * p.y_steps[1] +
                  o[2] * p.y_steps[2];
#if AVERAGE
  const long count = p.divisor != 0 ? p.divisor : p.padding_counts ? places : inside_places;
  POINTER(STORED(X), y)[at] = PUT(X, sum / (float)count);
#else
  POINTER(STORED(X), y)[at] = PUT(X, best);
#endif
#if INDICES
  POINTER(long, indices)[batch * p.i_batch + channel * p.i_channel + o[0] * p.i_steps[0] + o[1] * p.i_steps[1] +
                         o[2] * p.i_steps[2]] = best_number;
#endif
}
