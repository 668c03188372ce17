// SPDX-License-Identifier: Apache-2.0
// The kernel's side of loops.h.

typedef struct {
  long dims[8];
  long strides[4][8];
  long rank;
} Loops;

// Where element number i of the output lies in each operand, in elements.
typedef struct {
  long at[4];
} Places;

FUNCTION Places places_of(const Loops* loops, long i) {
  Places p;
  UNROLL
  for (int k = 0; k < 4; ++k) p.at[k] = 0;
  for (int d = (int)loops->rank - 1; d > 0; --d) {
    const long index = i % loops->dims[d];
    i /= loops->dims[d];
    UNROLL
  for (int k = 0; k < 4; ++k) p.at[k] += index * loops->strides[k][d];
  }
  UNROLL
  for (int k = 0; k < 4; ++k) p.at[k] += i * loops->strides[k][0];
  return p;
}
