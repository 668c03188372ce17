// SPDX-License-Identifier: Apache-2.0
// The packed layout of quantised weights: panels of 32 columns (rows of the weight), one sequential stream
// each.
//
// A panel is a run of groups of `super` blocks along k; a block is 32 weights of each column. A group is
// `super_header` bytes of what its blocks share, then per block `header` bytes (64 or none) and the quants as
// bit planes. All parts start on 64 bytes, and take about the bytes of the source.
//
// Quants: columns 0-15 and 16-31 are halves. Vector j of a half (64 bytes, j = 0..7) means: byte 4 c + i
// belongs to column c and element 4 j + i of the block, which is how vpdpbusd reads it. A plane of 8 bits
// holds the eight vectors; of 4 bits four, the low nibbles being vectors 0-3 and the high ones 4-7; of 2 bits
// two, vector j being bits 2 (j % 4) of the j / 4-th; of 1 bit one, vector j being bit j.
#pragma once

#include "ops/matmul/lanes-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {

inline constexpr int kPanelColumns = 32;

struct BlockFormat {
  isthmus_dtype_t dtype;
  const char* layout;  // changes with any change of bytes
  int low_bits;        // the first plane; 8, 4 or 2
  int high_bits;       // the second; 0, 1 or 2
  int offset;          // w = code - offset
  int super;           // blocks per group
  int super_header;    // d and, where there is one, m or dmin as F16 [32]; MXFP4: two exponents [32]
  int header;          // the integer scales, and minimums, as bytes [32] each
  bool has_min;        // of any kind
  bool halves;         // elements 0-15 and 16-31 have scales of their own

  constexpr int low_bytes() const { return low_bits * 128; }
  constexpr int block_bytes() const { return header + (low_bits + high_bits) * 128; }
  constexpr int group_bytes() const { return super_header + super * block_bytes(); }
  constexpr bool table() const { return dtype == ISTHMUS_IQ4_NL || dtype == ISTHMUS_MXFP4; }
  constexpr int64_t panel_bytes(int64_t blocks) const {
    return blocks / super * group_bytes() +
           (blocks % super ? super_header + blocks % super * block_bytes() : 0);
  }
};

// Offsets of the table formats make their values unsigned.
inline constexpr BlockFormat kBlockFormats[] = {
    {ISTHMUS_Q4_0, "q4_0 panel32 v1", 4, 0, 8, 1, 64, 0, false, false},
    {ISTHMUS_Q4_1, "q4_1 panel32 v1", 4, 0, 0, 1, 128, 0, true, false},
    {ISTHMUS_Q5_0, "q5_0 panel32 v1", 4, 1, 16, 1, 64, 0, false, false},
    {ISTHMUS_Q5_1, "q5_1 panel32 v1", 4, 1, 0, 1, 128, 0, true, false},
    {ISTHMUS_Q8_0, "q8_0 panel32 v1", 8, 0, 128, 1, 64, 0, false, false},
    {ISTHMUS_Q2_K, "q2_k panel32 v1", 2, 0, 0, 8, 128, 64, true, true},
    {ISTHMUS_Q3_K, "q3_k panel32 v1", 2, 1, 4, 8, 64, 64, false, true},
    {ISTHMUS_Q4_K, "q4_k panel32 v1", 4, 0, 0, 8, 128, 64, true, false},
    {ISTHMUS_Q5_K, "q5_k panel32 v1", 4, 1, 0, 8, 128, 64, true, false},
    {ISTHMUS_Q6_K, "q6_k panel32 v1", 4, 2, 32, 8, 64, 64, false, true},
    {ISTHMUS_IQ4_NL, "iq4_nl panel32 v1", 4, 0, 128, 1, 64, 0, false, false},
    {ISTHMUS_MXFP4, "mxfp4 panel32 v1", 4, 0, 12, 2, 64, 0, false, false},
};

constexpr int block_format_index(int dtype) {
  for (int i = 0; i < static_cast<int>(sizeof(kBlockFormats) / sizeof(kBlockFormats[0])); ++i)
    if (static_cast<int>(kBlockFormats[i].dtype) == dtype) return i;
  return -1;
}

// Values of the table formats plus their offsets.
alignas(16) inline constexpr uint8_t kIq4NlCodes[16] = {1,   24,  45,  63,  79,  93,  106, 118,
                                                        129, 141, 153, 166, 181, 197, 217, 241};
alignas(16) inline constexpr uint8_t kMxfp4Codes[16] = {12, 13, 14, 15, 16, 18, 20, 24,
                                                        12, 11, 10, 9,  8,  6,  4,  0};

// Where block b of a panel has its parts.
struct BlockPlace {
  int64_t super_header;
  int64_t header;
  int64_t quants;
};
ISTHMUS_SIMD constexpr BlockPlace block_place(const BlockFormat& f, int64_t b) {
  const int64_t group = b / f.super * f.group_bytes();
  const int64_t block = group + f.super_header + b % f.super * f.block_bytes();
  return {group, block, block + f.header};
}

// Vector j of the columns from `column` on (a multiple of kLanes), as unsigned bytes: w + offset.
template <int kFormat>
ISTHMUS_SIMD LaneU8 block_codes(const unsigned char* quants, int column, int j) {
  constexpr BlockFormat f = kBlockFormats[kFormat];
  const int lane = column % 16 * 4, half = column / 16;
  const unsigned char* low = quants + half * (f.low_bytes() / 2) + lane;
  LaneU16 v;
  if constexpr (f.low_bits == 8) {
    return lane_load<LaneU8>(low + 64 * j);
  } else if constexpr (f.low_bits == 4) {
    v = lane_load<LaneU16>(low + 64 * (j % 4));
    if (j >= 4) v >>= 4;
    v &= 0x0f0f;
  } else {
    v = lane_load<LaneU16>(low + 64 * (j / 4));
    v >>= 2 * (j % 4);
    v &= 0x0303;
  }
  if constexpr (f.high_bits != 0) {
    constexpr int kPerVector = 8 / f.high_bits;
    const unsigned char* high = quants + f.low_bytes() + half * (f.high_bits * 64) + lane;
    LaneU16 h = lane_load<LaneU16>(high + 64 * (j / kPerVector));
    const int from = f.high_bits * (j % kPerVector);
    if (from < f.low_bits)
      h <<= f.low_bits - from;
    else
      h >>= from - f.low_bits;
    v |= h & (uint16_t)(0x0101 * (((1 << f.high_bits) - 1) << f.low_bits));
  }
  if constexpr (f.dtype == ISTHMUS_IQ4_NL) return lane_look_up(kIq4NlCodes, (LaneU8)v);
  if constexpr (f.dtype == ISTHMUS_MXFP4) return lane_look_up(kMxfp4Codes, (LaneU8)v);
  return (LaneU8)v;
}

// Half of 2^(e - 127), the least two being subnormal.
ISTHMUS_SIMD LaneF32 lane_mxfp4_scale(LaneI32 e) {
  const LaneI32 tiny = e < 2;
  return (LaneF32)((tiny & (0x00200000 << (e & 1))) | (~tiny & ((e - 1) << 23)));
}

}  // namespace isthmus::cpu::ISTHMUS_ISA
