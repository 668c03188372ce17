// SPDX-License-Identifier: Apache-2.0
// A block of 16 activations as int8 (docs/decisions/0001-numerics.md, "Products by weight format").

FUNCTION void quantize_block(const float* x, GLOBAL int8_t* q, long q_step, GLOBAL float* scale, GLOBAL int* sum) {
  uint top = 0;  // magnitudes order as integers do, NaN and infinity last
  for (int i = 0; i < 16; ++i) {
    const uint magnitude = as_uint(x[i]) & 0x7fffffffu;
    top = magnitude > top ? magnitude : top;
  }
  const float amax = as_float(top), inverse = 127.0f / amax;
  int total = 0;
  float unit = 0;
  if (top >= 0x7f800000u) {
    unit = as_float(0x7fc00000u);
    for (int i = 0; i < 16; ++i) q[i * q_step] = 0;
  } else if (!(inverse <= 0x1.fffffep127f)) {
    for (int i = 0; i < 16; ++i) q[i * q_step] = 0;
  } else {
    unit = amax / 127.0f;
    for (int i = 0; i < 16; ++i) {
      const int value = (int)rint(x[i] * inverse);
      q[i * q_step] = (int8_t)value;
      total += value;
    }
  }
  *scale = unit;
  *sum = total;
}
