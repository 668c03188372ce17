// SPDX-License-Identifier: Apache-2.0
// exp of base/elementary-inl.h, whose functions take numbers, for vectors of WIDTH floats: the same formula, the same bits.
#include "base/elementary-inl.h"
#include "ops/portable/vectors.cl"

typedef VECTOR(float, WIDTH) isthmus_floats;

FUNCTION isthmus_floats vector_exp(isthmus_floats x) {
  x = CHOOSE(float, WIDTH, x > 89.0f, (isthmus_floats)(89.0f), x);
  x = CHOOSE(float, WIDTH, x < -104.0f, (isthmus_floats)(-104.0f), x);
  const isthmus_floats t = fma(x, (isthmus_floats)(kLog2E), (isthmus_floats)(kRounder)), n = t - kRounder;
  const isthmus_floats r = fma(n, (isthmus_floats)(-kLn2Low), fma(n, (isthmus_floats)(-kLn2High), x));
  isthmus_floats p = fma(r, (isthmus_floats)(0x1.6d6bccp-10f), (isthmus_floats)(0x1.123ab8p-7f));
  p = fma(r, p, (isthmus_floats)(0x1.5554cep-5f));
  p = fma(r, p, (isthmus_floats)(0x1.555490p-3f));
  p = fma(r, p, (isthmus_floats)(0.5f));
  const isthmus_floats e = fma(r * r, p, r) + 1.0f;
  const VECTOR(int, WIDTH) power = AS(int, WIDTH, t) - kRounderBits, halved = power >> 1;
  return e * AS(float, WIDTH, (halved + 127) << 23) * AS(float, WIDTH, (power - halved + 127) << 23);
}
