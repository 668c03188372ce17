// SPDX-License-Identifier: Apache-2.0
#include "base/block_integers.h"

#include <cassert>
#include <cstring>

#include "base/block_formats.h"
#include "base/half.h"

namespace isthmus {
namespace {

template <typename Block>
Block block_at(const void* row, int64_t index) {
  Block block;
  std::memcpy(&block, static_cast<const unsigned char*>(row) + index * static_cast<int64_t>(sizeof(Block)),
              sizeof(Block));
  return block;
}

void set_nibbles(const uint8_t* qs, BlockIntegers* out) {
  for (int i = 0; i < 16; ++i) {
    out->code[i] = qs[i] & 15;
    out->code[i + 16] = qs[i] >> 4;
  }
}

void add_fifth_bits(const uint8_t* qh, BlockIntegers* out) {
  for (int i = 0; i < 32; ++i) out->code[i] |= static_cast<uint8_t>(((qh[i / 8] >> (i % 8)) & 1) << 4);
}

// The two bits of element i of group `group` (of 32) in Q2_K and Q3_K.
uint8_t two_bits(const uint8_t* qs, int group, int i) {
  return (qs[32 * (group / 4) + i] >> (2 * (group % 4))) & 3;
}

// Group g of 16 in Q3_K.
int q3_k_scale(const uint8_t* scales, int g) {
  const int low = g < 8 ? scales[g] & 15 : scales[g - 8] >> 4;
  const int high = (scales[8 + g % 4] >> (2 * (g / 4))) & 3;
  return (low | (high << 4)) - 32;
}

void set_w(int offset, BlockIntegers* out) {
  for (int i = 0; i < 32; ++i) out->w[i] = static_cast<int16_t>(out->code[i] - offset);
}

void set_table(const int8_t* table, BlockIntegers* out) {
  for (int i = 0; i < 32; ++i) out->w[i] = table[out->code[i]];
}

void set_scale_min(const uint8_t* scales, int group, BlockIntegers* out) {
  const ScaleMin both = get_scale_min(scales, group);
  out->scale[0] = out->scale[1] = both.scale;
  out->min[0] = out->min[1] = both.min;
}

}  // namespace

void read_block_integers(Dtype dtype, const void* row, int64_t block, BlockIntegers* out) {
  out->scale[0] = out->scale[1] = 1;
  out->min[0] = out->min[1] = 0;
  out->m_bits = 0;
  const int group = static_cast<int>(block % 8);  // in a superblock
  switch (dtype) {
    case Dtype::kQ4_0: {
      const auto b = block_at<BlockQ4_0>(row, block);
      out->d_bits = b.d;
      set_nibbles(b.qs, out);
      set_w(8, out);
      break;
    }
    case Dtype::kQ4_1: {
      const auto b = block_at<BlockQ4_1>(row, block);
      out->d_bits = b.d;
      out->m_bits = b.m;
      set_nibbles(b.qs, out);
      set_w(0, out);
      break;
    }
    case Dtype::kQ5_0: {
      const auto b = block_at<BlockQ5_0>(row, block);
      out->d_bits = b.d;
      set_nibbles(b.qs, out);
      add_fifth_bits(b.qh, out);
      set_w(16, out);
      break;
    }
    case Dtype::kQ5_1: {
      const auto b = block_at<BlockQ5_1>(row, block);
      out->d_bits = b.d;
      out->m_bits = b.m;
      set_nibbles(b.qs, out);
      add_fifth_bits(b.qh, out);
      set_w(0, out);
      break;
    }
    case Dtype::kQ8_0: {
      const auto b = block_at<BlockQ8_0>(row, block);
      out->d_bits = b.d;
      for (int i = 0; i < 32; ++i) out->code[i] = static_cast<uint8_t>(b.qs[i] + 128);
      set_w(128, out);
      break;
    }
    case Dtype::kQ2_K: {
      const auto b = block_at<BlockQ2_K>(row, block / 8);
      out->d_bits = b.d;
      out->m_bits = b.dmin;
      for (int i = 0; i < 32; ++i) out->code[i] = two_bits(b.qs, group, i);
      for (int h = 0; h < 2; ++h) {
        out->scale[h] = b.scales[2 * group + h] & 15;
        out->min[h] = b.scales[2 * group + h] >> 4;
      }
      set_w(0, out);
      break;
    }
    case Dtype::kQ3_K: {
      const auto b = block_at<BlockQ3_K>(row, block / 8);
      out->d_bits = b.d;
      for (int i = 0; i < 32; ++i)
        out->code[i] = static_cast<uint8_t>(two_bits(b.qs, group, i) | (((b.hmask[i] >> group) & 1) << 2));
      for (int h = 0; h < 2; ++h) out->scale[h] = static_cast<int16_t>(q3_k_scale(b.scales, 2 * group + h));
      set_w(4, out);
      break;
    }
    case Dtype::kQ4_K: {
      const auto b = block_at<BlockQ4_K>(row, block / 8);
      out->d_bits = b.d;
      out->m_bits = b.dmin;
      for (int i = 0; i < 32; ++i) out->code[i] = (b.qs[32 * (group / 2) + i] >> (4 * (group % 2))) & 15;
      set_scale_min(b.scales, group, out);
      set_w(0, out);
      break;
    }
    case Dtype::kQ5_K: {
      const auto b = block_at<BlockQ5_K>(row, block / 8);
      out->d_bits = b.d;
      out->m_bits = b.dmin;
      for (int i = 0; i < 32; ++i) {
        const int low = (b.qs[32 * (group / 2) + i] >> (4 * (group % 2))) & 15;
        out->code[i] = static_cast<uint8_t>(low | (((b.qh[i] >> group) & 1) << 4));
      }
      set_scale_min(b.scales, group, out);
      set_w(0, out);
      break;
    }
    case Dtype::kQ6_K: {
      const auto b = block_at<BlockQ6_K>(row, block / 8);
      out->d_bits = b.d;
      const int half = group / 4, k = group % 4;
      for (int i = 0; i < 32; ++i) {
        const int low = (b.ql[64 * half + 32 * (k % 2) + i] >> (k < 2 ? 0 : 4)) & 15;
        const int high = (b.qh[32 * half + i] >> (2 * k)) & 3;
        out->code[i] = static_cast<uint8_t>(low | (high << 4));
      }
      for (int h = 0; h < 2; ++h) out->scale[h] = b.scales[2 * group + h];
      set_w(32, out);
      break;
    }
    case Dtype::kIQ4_NL: {
      const auto b = block_at<BlockIQ4_NL>(row, block);
      out->d_bits = b.d;
      set_nibbles(b.qs, out);
      set_table(kIq4NlValues, out);
      break;
    }
    case Dtype::kMXFP4: {
      const auto b = block_at<BlockMXFP4>(row, block);
      out->d_bits = b.e;
      set_nibbles(b.qs, out);
      set_table(kMxfp4Values, out);
      break;
    }
    default:
      assert(false && "not a block dtype");
      *out = {};
      return;
  }
  out->d = dtype == Dtype::kMXFP4 ? mxfp4_scale(static_cast<uint8_t>(out->d_bits)) : f16_to_f32(out->d_bits);
  out->m = f16_to_f32(out->m_bits);
}

}  // namespace isthmus
