// SPDX-License-Identifier: Apache-2.0
// The byte layout of every block dtype, and what each block means in F32.
//
// These loops define the formats: a kernel may compute a weight in any way that gives the same bits. All
// arithmetic is F32, one rounding per operation written. In every format the products of F16 scales and small
// integers are exact (at most 23 significant bits), so a value carries at most one rounding, that of the
// final addition or subtraction of a minimum where there is one; fused or not, the bits are the same. (A
// scale that is infinite or NaN gives infinity or NaN in the order written below.)
//
// d, dmin, m: F16 bits, converted exactly. Low nibble first means: byte j of qs holds element j in its low
// four bits and element j + 16 in its high four.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace isthmus {

inline constexpr int kBlockElements = 32;        // Q4_0 … Q8_0, IQ4_NL, MXFP4
inline constexpr int kSuperBlockElements = 256;  // Q2_K … Q6_K

// x = d * (q - 8), q in 0..15, low nibble first.
struct BlockQ4_0 {
  uint16_t d;
  uint8_t qs[16];
};

// x = d * q + m, q in 0..15, low nibble first.
struct BlockQ4_1 {
  uint16_t d;
  uint16_t m;
  uint8_t qs[16];
};

// x = d * (q - 16), q in 0..31: four bits as in Q4_0, the fifth of element i is bit i of qh (little endian).
struct BlockQ5_0 {
  uint16_t d;
  uint8_t qh[4];
  uint8_t qs[16];
};

// x = d * q + m, q in 0..31 stored as in Q5_0.
struct BlockQ5_1 {
  uint16_t d;
  uint16_t m;
  uint8_t qh[4];
  uint8_t qs[16];
};

// x = d * q, q in -128..127.
struct BlockQ8_0 {
  uint16_t d;
  int8_t qs[32];
};

// 16 groups of 16: x = (d * sc) * q - dmin * mn, q in 0..3. scales[g]: sc low nibble, mn high nibble.
// qs in two halves of 32 bytes for 128 elements each: element 32 k + j of a half is bits 2k, 2k+1 of byte j.
struct BlockQ2_K {
  uint8_t scales[16];
  uint8_t qs[64];
  uint16_t d;
  uint16_t dmin;
};

// 16 groups of 16: x = (d * sc) * q, sc in -32..31, q in -4..3. The lower two bits of q + 4 lie as in Q2_K,
// the upper one of element 32 k + j of the whole block is bit k of hmask[j]. sc + 32 of group g: its lower
// four bits are nibble g / 8 of scales[g % 8], its upper two are bits 2 (g / 4), +1 of scales[8 + g % 4].
struct BlockQ3_K {
  uint8_t hmask[32];
  uint8_t qs[64];
  uint8_t scales[12];
  uint16_t d;
};

// 8 groups of 32: x = (d * sc) * q - dmin * mn, q in 0..15, sc and mn in 0..63.
// Groups 2p and 2p + 1 share bytes 32 p .. 32 p + 31 of qs: low nibbles the first, high nibbles the second.
// scales: see get_scale_min().
struct BlockQ4_K {
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t qs[128];
};

// As Q4_K with q in 0..31: the fifth bit of element j of group g is bit g of qh[j].
struct BlockQ5_K {
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t qh[32];
  uint8_t qs[128];
};

// 16 groups of 16: x = (d * sc) * (q - 32), sc in -128..127, q in 0..63. Two halves of 128 elements, 64 bytes
// of ql and 32 of qh each. Element 32 k + j of a half: lower four bits in ql[32 (k % 2) + j], low nibble for
// k < 2, high for k >= 2; upper two bits are bits 2k, 2k+1 of qh[j].
struct BlockQ6_K {
  uint8_t ql[128];
  uint8_t qh[64];
  int8_t scales[16];
  uint16_t d;
};

// x = d * kIq4NlValues[q], low nibble first.
struct BlockIQ4_NL {
  uint16_t d;
  uint8_t qs[16];
};

// x = mxfp4_scale(e) * kMxfp4Values[q], low nibble first.
struct BlockMXFP4 {
  uint8_t e;
  uint8_t qs[16];
};

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22);
static_assert(sizeof(BlockQ5_1) == 24 && sizeof(BlockQ8_0) == 34 && sizeof(BlockQ2_K) == 84);
static_assert(sizeof(BlockQ3_K) == 110 && sizeof(BlockQ4_K) == 144 && sizeof(BlockQ5_K) == 176);
static_assert(sizeof(BlockQ6_K) == 210 && sizeof(BlockIQ4_NL) == 18 && sizeof(BlockMXFP4) == 17);

inline constexpr int8_t kIq4NlValues[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                            1,    13,   25,  38,  53,  69,  89,  113};

// Twice the E2M1 values of the OCP Microscaling specification, so that they are integers.
inline constexpr int8_t kMxfp4Values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// Half of 2^(e - 127), to make up for the doubled table: 2^(e - 128). GGUF gives e = 255 no special meaning.
float mxfp4_scale(uint8_t e);

// Scale and minimum of group 0..7 in Q4_K and Q5_K: six bits each. Groups 0..3: the lower six bits of
// scales[g] and scales[g + 4]. Groups 4..7: low and high nibble of scales[g + 4], with the top two bits of
// scales[g - 4] and scales[g] above them.
struct ScaleMin {
  uint8_t scale;
  uint8_t min;
};
inline ScaleMin get_scale_min(const uint8_t* scales, int group) {
  if (group < 4)
    return {static_cast<uint8_t>(scales[group] & 63), static_cast<uint8_t>(scales[group + 4] & 63)};
  return {static_cast<uint8_t>((scales[group + 4] & 15) | ((scales[group - 4] >> 6) << 4)),
          static_cast<uint8_t>((scales[group + 4] >> 4) | ((scales[group] >> 6) << 4))};
}

// True for F32, F16, BF16 and every block dtype: what the two functions below take.
bool is_weight_format(Dtype dtype);

// `elements` consecutive values; a multiple of the block (the caller's duty, as is is_weight_format(dtype)).
// `src` needs no alignment.
void dequantize(Dtype dtype, const void* src, float* dst, int64_t elements);

// Plain quantisers for tests, tools and random models: each block on its own, no importance weights. Q4_0 to
// Q8_0 and MXFP4 round as the reference code of the format does; the others search a few scales for the least
// squared error. Finite input; NaN and infinities give an unspecified, well-formed block. Defined in
// block_quantize.cpp.
void quantize(Dtype dtype, const float* src, void* dst, int64_t elements);

}  // namespace isthmus
