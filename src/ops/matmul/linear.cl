// SPDX-License-Identifier: Apache-2.0
// linear for F32, F16 and BF16 weights (W): one work item to one column and ROWS rows, which share each weight.
#include "ops/portable/dtypes.cl"
#include "ops/portable/loops.cl"

typedef struct {
  Loops rows;  // of x, y
  long count, columns, depth;
  long x_step, y_step, bias_step;
  long weight_row, weight_step;
} Linear;

#ifdef PAIRS
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
#endif

KERNEL void linear(ADDRESS(x), ADDRESS(weight), ADDRESS(bias), ADDRESS(y), const Linear p) {
  const long column = ITEM(0), first = ITEM(1) * ROWS;
  if (column >= p.columns) return;
  GLOBAL const STORED(W)* w = POINTER(STORED(W), weight) + column * p.weight_row;
  Places at[ROWS];
  float acc[ROWS];
  for (int r = 0; r < ROWS; ++r) {
    at[r] = places_of(&p.rows, first + r < p.count ? first + r : first);  // rows that are not there do the first again
    acc[r] = 0;
  }
#ifdef PAIRS
  for (long k = 0; k < p.depth; k += 2) {
    const bool whole = k + 1 < p.depth;  // an odd last one pairs with zero
    const float even = GET(W, w[k * p.weight_step]), odd = whole ? GET(W, w[(k + 1) * p.weight_step]) : 0.0f;
    for (int r = 0; r < ROWS; ++r) {
      GLOBAL const float* from = POINTER(float, x) + at[r].at[0] + k * p.x_step;
      acc[r] = pair_step(whole ? get_BF16(put_BF16(from[p.x_step])) : 0.0f, odd, acc[r]);
      acc[r] = pair_step(get_BF16(put_BF16(from[0])), even, acc[r]);
    }
  }
#else
  for (long k = 0; k < p.depth; ++k) {
    const float value = GET(W, w[k * p.weight_step]);
    for (int r = 0; r < ROWS; ++r)
      acc[r] = fma(POINTER(float, x)[at[r].at[0] + k * p.x_step], value, acc[r]);
  }
#endif
  for (int r = 0; r < ROWS; ++r) {
    if (first + r >= p.count) return;
    float value = acc[r];
    if (PRESENT(bias)) value = value + POINTER(float, bias)[column * p.bias_step];
    POINTER(float, y)[at[r].at[1] + column * p.y_step] = value;
  }
}
