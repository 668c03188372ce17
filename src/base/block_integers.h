// SPDX-License-Identifier: Apache-2.0
// The integers inside block formats: what exact integer products and packed layouts are made from.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace isthmus {

// Thirty-two consecutive weights of one row. Each is d * scale[h] * w (- or + its minimum, see m), h the half
// it is in.
struct BlockIntegers {
  uint8_t code[32];  // as stored, least value first: nibble, 5 bits, …; for Q8_0 the byte plus 128
  int16_t w[32];     // the integer the numerics note multiplies with
  int16_t
      scale[2];    // of elements 0-15 and 16-31: 1 where a block has no integer scale, equal where it has one
  int16_t min[2];  // likewise: the integers that dmin multiplies; 0 where there are none
  uint16_t d_bits;  // F16; for MXFP4 the exponent byte
  uint16_t m_bits;  // F16: m of Q4_1 and Q5_1, dmin of Q2_K, Q4_K and Q5_K; 0 elsewhere
  float d;          // as F32; for MXFP4 half the block's power of two
  float m;
};

// Block number `block` (of 32 elements, also in the formats with superblocks of 256) of a row of a block
// dtype. `row` needs no alignment.
void read_block_integers(Dtype dtype, const void* row, int64_t block, BlockIntegers* out);

}  // namespace isthmus
