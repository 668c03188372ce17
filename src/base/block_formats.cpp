// SPDX-License-Identifier: Apache-2.0
// Dequantisation of every weight format, as plain loops.
#include "base/block_formats.h"

#include <bit>
#include <cassert>
#include <cstring>

#include "base/half.h"

namespace isthmus {
namespace {

uint32_t load_u32(const uint8_t* bytes) {
  return bytes[0] | uint32_t{bytes[1]} << 8 | uint32_t{bytes[2]} << 16 | uint32_t{bytes[3]} << 24;
}

// Element i of 32 in nibbles, low ones first.
int nibble(const uint8_t* qs, int i) { return i < 16 ? qs[i] & 15 : qs[i - 16] >> 4; }

void decode(const BlockQ4_0& block, float* x) {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 32; ++i) x[i] = d * static_cast<float>(nibble(block.qs, i) - 8);
}

void decode(const BlockQ4_1& block, float* x) {
  const float d = f16_to_f32(block.d);
  const float m = f16_to_f32(block.m);
  for (int i = 0; i < 32; ++i) x[i] = d * static_cast<float>(nibble(block.qs, i)) + m;
}

void decode(const BlockQ5_0& block, float* x) {
  const float d = f16_to_f32(block.d);
  const uint32_t high = load_u32(block.qh);
  for (int i = 0; i < 32; ++i) {
    const int q = nibble(block.qs, i) | static_cast<int>((high >> i) & 1) << 4;
    x[i] = d * static_cast<float>(q - 16);
  }
}

void decode(const BlockQ5_1& block, float* x) {
  const float d = f16_to_f32(block.d);
  const float m = f16_to_f32(block.m);
  const uint32_t high = load_u32(block.qh);
  for (int i = 0; i < 32; ++i) {
    const int q = nibble(block.qs, i) | static_cast<int>((high >> i) & 1) << 4;
    x[i] = d * static_cast<float>(q) + m;
  }
}

void decode(const BlockQ8_0& block, float* x) {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 32; ++i) x[i] = d * static_cast<float>(block.qs[i]);
}

// The two bits of element i of 256 in Q2_K and Q3_K.
int two_bits(const uint8_t* qs, int i) {
  const int half = i / 128, k = i % 128 / 32, j = i % 32;
  return (qs[half * 32 + j] >> (2 * k)) & 3;
}

void decode(const BlockQ2_K& block, float* x) {
  const float d = f16_to_f32(block.d);
  const float dmin = f16_to_f32(block.dmin);
  for (int i = 0; i < 256; ++i) {
    const float scale = d * static_cast<float>(block.scales[i / 16] & 15);
    const float min = dmin * static_cast<float>(block.scales[i / 16] >> 4);
    x[i] = scale * static_cast<float>(two_bits(block.qs, i)) - min;
  }
}

void decode(const BlockQ3_K& block, float* x) {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 256; ++i) {
    const int g = i / 16;
    const int low = (block.scales[g % 8] >> (4 * (g / 8))) & 15;
    const int high = (block.scales[8 + g % 4] >> (2 * (g / 4))) & 3;
    const float scale = d * static_cast<float>((low | high << 4) - 32);
    const int top = (block.hmask[i % 32] >> (i / 32)) & 1;
    x[i] = scale * static_cast<float>((two_bits(block.qs, i) | top << 2) - 4);
  }
}

void decode(const BlockQ4_K& block, float* x) {
  const float d = f16_to_f32(block.d);
  const float dmin = f16_to_f32(block.dmin);
  for (int i = 0; i < 256; ++i) {
    const int g = i / 32, j = i % 32;
    const ScaleMin group = get_scale_min(block.scales, g);
    const int q = (block.qs[g / 2 * 32 + j] >> (4 * (g % 2))) & 15;
    x[i] =
        (d * static_cast<float>(group.scale)) * static_cast<float>(q) - dmin * static_cast<float>(group.min);
  }
}

void decode(const BlockQ5_K& block, float* x) {
  const float d = f16_to_f32(block.d);
  const float dmin = f16_to_f32(block.dmin);
  for (int i = 0; i < 256; ++i) {
    const int g = i / 32, j = i % 32;
    const ScaleMin group = get_scale_min(block.scales, g);
    const int low = (block.qs[g / 2 * 32 + j] >> (4 * (g % 2))) & 15;
    const int q = low | ((block.qh[j] >> g) & 1) << 4;
    x[i] =
        (d * static_cast<float>(group.scale)) * static_cast<float>(q) - dmin * static_cast<float>(group.min);
  }
}

void decode(const BlockQ6_K& block, float* x) {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128, k = i % 128 / 32, j = i % 32;
    const int low = (block.ql[half * 64 + k % 2 * 32 + j] >> (4 * (k / 2))) & 15;
    const int high = (block.qh[half * 32 + j] >> (2 * k)) & 3;
    const float scale = d * static_cast<float>(block.scales[i / 16]);
    x[i] = scale * static_cast<float>((low | high << 4) - 32);
  }
}

void decode(const BlockIQ4_NL& block, float* x) {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 32; ++i) x[i] = d * static_cast<float>(kIq4NlValues[nibble(block.qs, i)]);
}

void decode(const BlockMXFP4& block, float* x) {
  const float d = mxfp4_scale(block.e);
  for (int i = 0; i < 32; ++i) x[i] = d * static_cast<float>(kMxfp4Values[nibble(block.qs, i)]);
}

template <typename Block>
void decode_all(const void* src, float* dst, int64_t elements, int block_elements) {
  const auto* bytes = static_cast<const uint8_t*>(src);
  for (int64_t i = 0; i < elements; i += block_elements, bytes += sizeof(Block)) {
    Block block;  // a copy, because the source may lie at any address
    std::memcpy(&block, bytes, sizeof(Block));
    decode(block, dst + i);
  }
}

template <typename Convert>
void convert_all(const void* src, float* dst, int64_t elements, Convert convert) {
  for (int64_t i = 0; i < elements; ++i) {
    uint16_t bits;
    std::memcpy(&bits, static_cast<const uint8_t*>(src) + 2 * i, 2);
    dst[i] = convert(bits);
  }
}

}  // namespace

float mxfp4_scale(uint8_t e) {
  // 2^-128 and 2^-127 are subnormal in F32.
  const uint32_t bits = e < 2 ? uint32_t{0x00200000} << e : static_cast<uint32_t>(e - 1) << 23;
  return std::bit_cast<float>(bits);
}

bool is_weight_format(Dtype dtype) {
  return dtype == Dtype::kF32 || dtype == Dtype::kF16 || dtype == Dtype::kBF16 || is_block(dtype);
}

void dequantize(Dtype dtype, const void* src, float* dst, int64_t elements) {
  assert(elements % dtype_info(dtype).block_elements == 0);
  switch (dtype) {
    case Dtype::kF32:
      if (elements > 0) std::memcpy(dst, src, static_cast<size_t>(elements) * 4);
      return;
    case Dtype::kF16: return convert_all(src, dst, elements, f16_to_f32);
    case Dtype::kBF16: return convert_all(src, dst, elements, bf16_to_f32);
    case Dtype::kQ4_0: return decode_all<BlockQ4_0>(src, dst, elements, 32);
    case Dtype::kQ4_1: return decode_all<BlockQ4_1>(src, dst, elements, 32);
    case Dtype::kQ5_0: return decode_all<BlockQ5_0>(src, dst, elements, 32);
    case Dtype::kQ5_1: return decode_all<BlockQ5_1>(src, dst, elements, 32);
    case Dtype::kQ8_0: return decode_all<BlockQ8_0>(src, dst, elements, 32);
    case Dtype::kQ2_K: return decode_all<BlockQ2_K>(src, dst, elements, 256);
    case Dtype::kQ3_K: return decode_all<BlockQ3_K>(src, dst, elements, 256);
    case Dtype::kQ4_K: return decode_all<BlockQ4_K>(src, dst, elements, 256);
    case Dtype::kQ5_K: return decode_all<BlockQ5_K>(src, dst, elements, 256);
    case Dtype::kQ6_K: return decode_all<BlockQ6_K>(src, dst, elements, 256);
    case Dtype::kIQ4_NL: return decode_all<BlockIQ4_NL>(src, dst, elements, 32);
    case Dtype::kMXFP4: return decode_all<BlockMXFP4>(src, dst, elements, 32);
    default: assert(false && "not a weight format");
  }
}

}  // namespace isthmus
