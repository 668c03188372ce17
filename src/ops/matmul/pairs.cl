// SPDX-License-Identifier: Apache-2.0
// One step of a BF16 product (base/bf16_product.h).

FUNCTION float zero_if_subnormal(float x) {
  return fabs(x) < 0x1p-126f ? as_float(as_uint(x) & 0x80000000u) : x;
}

// As vdpbf16ps: subnormal operands are zeros of their sign, and so is a result that is tiny after rounding to 24 bits with
// an unlimited exponent: computed 2^60 higher it is rounded so. (A result near 2^-126 has operands far below overflow.)
FUNCTION float pair_step(float x, float w, float acc) {
  x = zero_if_subnormal(x);
  w = zero_if_subnormal(w);
  acc = zero_if_subnormal(acc);
  const float result = fma(x, w, acc);
  if (!(fabs(result) <= 0x1p-126f)) return result;
  const float high = fma(x * 0x1p60f, w, acc * 0x1p60f);
  return fabs(high) < 0x1p-66f ? as_float(as_uint(result) & 0x80000000u) : result;
}
