// SPDX-License-Identifier: Apache-2.0
// Which place the indices of dtype INDEX name.
#include "ops/portable/dtypes.cl"
#include "ops/portable/loops.cl"

typedef struct {
  long depth, step;           // how many indices, and how far apart they lie
  long size[8], strides[8];  // of the axes they count along
} Indexed;

// Negative indices count from the end; false where one is still outside.
FUNCTION bool add_indices(const Indexed* indexed, GLOBAL const STORED(INDEX)* indices, long* at) {
  for (int k = 0; k < indexed->depth; ++k) {
    long index = indices[k * indexed->step];
    if (index < 0) index += indexed->size[k];
    if (index < 0 || index >= indexed->size[k]) return false;
    *at += index * indexed->strides[k];
  }
  return true;
}
