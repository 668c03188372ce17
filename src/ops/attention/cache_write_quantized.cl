// SPDX-License-Identifier: Apache-2.0
// cache_write into a Q8_0 cache: a work item to 32 numbers that share a scale. X: dtype; DIMS_MAJOR: 0 or 1.
#include "ops/portable/dtypes.cl"

typedef struct {
  long tokens, heads, blocks, slots;
  long x[3], cache[4], scales[4];  // strides
  long slot_step;
} QuantizedWrite;

KERNEL void cache_write_quantized(ADDRESS(x), ADDRESS(slots), ADDRESS(cache), ADDRESS(scales),
                                  const QuantizedWrite p) {
  const long item = ITEM(0);
  if (item >= p.tokens * p.heads * p.blocks) return;
  const long block = item % p.blocks, h = item / p.blocks % p.heads, t = item / p.blocks / p.heads;
  const long slot = POINTER(int, slots)[t * p.slot_step];
  if (slot < 0 || slot >= p.slots) return;
#if DIMS_MAJOR
  const int position_axis = 3, head_axis = 2;
#else
  const int position_axis = 2, head_axis = 3;
#endif
  GLOBAL const STORED(X)* from = POINTER(STORED(X), x) + t * p.x[0] + h * p.x[1] + 32 * block * p.x[2];
  GLOBAL int8_t* to = POINTER(int8_t, cache) + slot / 64 * p.cache[0] + h * p.cache[1] +
                      slot % 64 * p.cache[position_axis] + 32 * block * p.cache[head_axis];
  float values[32];
  uint top = 0;  // magnitudes order as integers do, NaN and infinity last
  for (int i = 0; i < 32; ++i) {
    values[i] = GET(X, from[i * p.x[2]]);
    const uint magnitude = as_uint(values[i]) & 0x7fffffffu;
    top = magnitude > top ? magnitude : top;
  }
  const float amax = as_float(top), inverse = 127.0f / amax;
  const bool finite = top < 0x7f800000u, counts = finite && inverse <= 0x1.fffffep127f;
  for (int i = 0; i < 32; ++i)
    to[i * p.cache[head_axis]] = counts ? (int8_t)(int)rint(values[i] * inverse) : (int8_t)0;
  POINTER(uint16_t, scales)[slot / 64 * p.scales[0] + h * p.scales[1] + slot % 64 * p.scales[position_axis] +
                            block * p.scales[head_axis]] =
      counts ? put_F16(amax / 127.0f) : finite ? (uint16_t)0 : (uint16_t)0x7e00;
}
