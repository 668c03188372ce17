// SPDX-License-Identifier: Apache-2.0
// Reference quantisers for every weight format: simple, decent, one block at a time.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

#include "base/block_formats.h"
#include "base/half.h"
#include "base/scale_search.h"

namespace isthmus {
namespace {

using namespace scale_search;

void put_nibbles(const int* q, uint8_t* qs) {
  for (int j = 0; j < 16; ++j) qs[j] = static_cast<uint8_t>((q[j] & 15) | (q[j + 16] & 15) << 4);
}

void put_fifth_bits(const int* q, uint8_t* qh) {
  std::memset(qh, 0, 4);
  for (int i = 0; i < 32; ++i) qh[i / 8] = static_cast<uint8_t>(qh[i / 8] | (q[i] >> 4) << (i % 8));
}

void put_two_bits(const int* q, uint8_t* qs) {
  std::memset(qs, 0, 64);
  for (int i = 0; i < 256; ++i) {
    uint8_t& byte = qs[i / 128 * 32 + i % 32];
    byte = static_cast<uint8_t>(byte | (q[i] & 3) << (i % 128 / 32 * 2));
  }
}

void encode(const float* x, BlockQ4_0& block) {
  const float d = signed_peak(x, 32) / -8;  // so that the peak itself is representable
  const float id = inverse(d);
  int q[32];
  for (int i = 0; i < 32; ++i) q[i] = truncate(x[i] * id + 8.5f, 0, 15);
  block.d = f32_to_f16(d);
  put_nibbles(q, block.qs);
}

void encode(const float* x, BlockQ5_0& block) {
  const float d = signed_peak(x, 32) / -16;
  const float id = inverse(d);
  int q[32];
  for (int i = 0; i < 32; ++i) q[i] = truncate(x[i] * id + 16.5f, 0, 31);
  block.d = f32_to_f16(d);
  put_fifth_bits(q, block.qh);
  put_nibbles(q, block.qs);
}

// Scale and minimum of Q4_1 and Q5_1 from the range of the block.
template <typename Block>
void encode_range(const float* x, int levels, Block& block, int* q) {
  const auto [low, high] = std::minmax_element(x, x + 32);
  const float d = (*high - *low) / static_cast<float>(levels);
  const float id = inverse(d);
  for (int i = 0; i < 32; ++i) q[i] = truncate((x[i] - *low) * id + 0.5f, 0, levels);
  block.d = f32_to_f16(d);
  block.m = f32_to_f16(*low);
}

void encode(const float* x, BlockQ4_1& block) {
  int q[32];
  encode_range(x, 15, block, q);
  put_nibbles(q, block.qs);
}

void encode(const float* x, BlockQ5_1& block) {
  int q[32];
  encode_range(x, 31, block, q);
  put_fifth_bits(q, block.qh);
  put_nibbles(q, block.qs);
}

void encode(const float* x, BlockQ8_0& block) {
  const float d = std::fabs(signed_peak(x, 32)) / 127;
  const float id = inverse(d);
  for (int i = 0; i < 32; ++i) block.qs[i] = static_cast<int8_t>(nearest(x[i] * id, -127, 127));
  block.d = f32_to_f16(d);
}

// What Q2_K, Q4_K and Q5_K share: groups of `size` with a scale and a minimum, each an integer times d or
// dmin.
struct AffineGroups {
  uint16_t d, dmin;
  int scale[16], min[16];
  int q[256];
};

AffineGroups encode_groups(const float* x, int size, int levels, int scale_levels) {
  AffineGroups out = {};
  const int groups = 256 / size;
  Affine fits[16];
  float scale_peak = 0, min_peak = 0;
  for (int g = 0; g < groups; ++g) {
    fits[g] = fit_affine(x + g * size, size, levels);
    scale_peak = std::max(scale_peak, fits[g].scale);
    min_peak = std::max(min_peak, fits[g].min);
  }
  out.d = f32_to_f16(scale_peak / static_cast<float>(scale_levels));
  out.dmin = f32_to_f16(min_peak / static_cast<float>(scale_levels));
  const float d = f16_to_f32(out.d), dmin = f16_to_f32(out.dmin);
  for (int g = 0; g < groups; ++g) {
    out.scale[g] = nearest(fits[g].scale * inverse(d), 0, scale_levels);
    out.min[g] = nearest(fits[g].min * inverse(dmin), 0, scale_levels);
    // Round the elements against the scale and minimum that a reader will see.
    const float id = inverse(d * static_cast<float>(out.scale[g]));
    const float min = dmin * static_cast<float>(out.min[g]);
    for (int i = g * size; i < (g + 1) * size; ++i) out.q[i] = nearest((x[i] + min) * id, 0, levels);
  }
  return out;
}

void encode(const float* x, BlockQ2_K& block) {
  const AffineGroups groups = encode_groups(x, 16, 3, 15);
  block.d = groups.d;
  block.dmin = groups.dmin;
  for (int g = 0; g < 16; ++g) block.scales[g] = static_cast<uint8_t>(groups.scale[g] | groups.min[g] << 4);
  put_two_bits(groups.q, block.qs);
}

// The inverse of get_scale_min().
void put_scales_mins(const AffineGroups& groups, uint8_t* scales) {
  for (int g = 0; g < 4; ++g) {
    scales[g] = static_cast<uint8_t>(groups.scale[g] | (groups.scale[g + 4] >> 4) << 6);
    scales[g + 4] = static_cast<uint8_t>(groups.min[g] | (groups.min[g + 4] >> 4) << 6);
    scales[g + 8] = static_cast<uint8_t>((groups.scale[g + 4] & 15) | (groups.min[g + 4] & 15) << 4);
  }
}

void put_nibble_groups(const int* q, uint8_t* qs) {
  for (int p = 0; p < 4; ++p)
    for (int j = 0; j < 32; ++j)
      qs[p * 32 + j] = static_cast<uint8_t>((q[p * 64 + j] & 15) | (q[p * 64 + 32 + j] & 15) << 4);
}

void encode(const float* x, BlockQ4_K& block) {
  const AffineGroups groups = encode_groups(x, 32, 15, 63);
  block.d = groups.d;
  block.dmin = groups.dmin;
  put_scales_mins(groups, block.scales);
  put_nibble_groups(groups.q, block.qs);
}

void encode(const float* x, BlockQ5_K& block) {
  const AffineGroups groups = encode_groups(x, 32, 31, 63);
  block.d = groups.d;
  block.dmin = groups.dmin;
  put_scales_mins(groups, block.scales);
  put_nibble_groups(groups.q, block.qs);
  std::memset(block.qh, 0, sizeof(block.qh));
  for (int i = 0; i < 256; ++i)
    block.qh[i % 32] = static_cast<uint8_t>(block.qh[i % 32] | (groups.q[i] >> 4) << (i / 32));
}

// What Q3_K and Q6_K share: 16 groups of 16 whose scale is a signed integer times d.
struct SignedGroups {
  uint16_t d;
  int scale[16];
  int q[256];
};

SignedGroups encode_signed_groups(const float* x, int q_low, int scale_low) {
  SignedGroups out = {};
  float fits[16];
  for (int g = 0; g < 16; ++g) fits[g] = fit_scale(x + g * 16, 16, q_low, -q_low - 1);
  out.d = f32_to_f16(signed_peak(fits, 16) / static_cast<float>(scale_low));
  const float d = f16_to_f32(out.d);
  for (int g = 0; g < 16; ++g) {
    out.scale[g] = nearest(fits[g] * inverse(d), scale_low, -scale_low - 1);
    const float id = inverse(d * static_cast<float>(out.scale[g]));
    for (int i = g * 16; i < (g + 1) * 16; ++i) out.q[i] = nearest(x[i] * id, q_low, -q_low - 1);
  }
  return out;
}

void encode(const float* x, BlockQ3_K& block) {
  const SignedGroups groups = encode_signed_groups(x, -4, -32);
  block.d = groups.d;
  std::memset(block.scales, 0, sizeof(block.scales));
  for (int g = 0; g < 16; ++g) {
    const int scale = groups.scale[g] + 32;
    uint8_t& low = block.scales[g % 8];
    uint8_t& high = block.scales[8 + g % 4];
    low = static_cast<uint8_t>(low | (scale & 15) << (4 * (g / 8)));
    high = static_cast<uint8_t>(high | (scale >> 4) << (2 * (g / 4)));
  }
  int q[256];
  std::memset(block.hmask, 0, sizeof(block.hmask));
  for (int i = 0; i < 256; ++i) {
    q[i] = groups.q[i] + 4;
    block.hmask[i % 32] = static_cast<uint8_t>(block.hmask[i % 32] | (q[i] >> 2) << (i / 32));
  }
  put_two_bits(q, block.qs);
}

void encode(const float* x, BlockQ6_K& block) {
  const SignedGroups groups = encode_signed_groups(x, -32, -128);
  block.d = groups.d;
  for (int g = 0; g < 16; ++g) block.scales[g] = static_cast<int8_t>(groups.scale[g]);
  std::memset(block.ql, 0, sizeof(block.ql));
  std::memset(block.qh, 0, sizeof(block.qh));
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128, k = i % 128 / 32, j = i % 32, q = groups.q[i] + 32;
    uint8_t& low = block.ql[half * 64 + k % 2 * 32 + j];
    uint8_t& high = block.qh[half * 32 + j];
    low = static_cast<uint8_t>(low | (q & 15) << (4 * (k / 2)));
    high = static_cast<uint8_t>(high | (q >> 4) << (2 * k));
  }
}

int nearest_entry(const int8_t* table, float x) {
  int best = 0;
  for (int i = 1; i < 16; ++i)
    if (std::fabs(static_cast<float>(table[i]) - x) < std::fabs(static_cast<float>(table[best]) - x))
      best = i;
  return best;
}

void encode(const float* x, BlockIQ4_NL& block) {
  const float peak = signed_peak(x, 32);
  float best_gain = 0, d = 0;
  // The peak may fall on either end of the lopsided table, or a little outside it.
  for (const float end : {-127.f, 113.f, -119.f, 105.f, -135.f, 121.f}) {
    if (peak == 0) break;
    float xv = 0, vv = 0;
    for (int i = 0; i < 32; ++i) {
      const float value = static_cast<float>(kIq4NlValues[nearest_entry(kIq4NlValues, x[i] * (end / peak))]);
      xv += x[i] * value;
      vv += value * value;
    }
    if (vv > 0 && xv * xv > best_gain * vv) {
      best_gain = xv * xv / vv;
      d = xv / vv;
    }
  }
  block.d = f32_to_f16(d);
  const float id = inverse(f16_to_f32(block.d));
  int q[32];
  for (int i = 0; i < 32; ++i) q[i] = nearest_entry(kIq4NlValues, x[i] * id);
  put_nibbles(q, block.qs);
}

void encode(const float* x, BlockMXFP4& block) {
  // The exponent puts the peak between 4 and 8, where E2M1 has 4 and 6 (8 and 12 in the doubled table).
  const float peak = std::fabs(signed_peak(x, 32));
  block.e =
      peak > 0 && std::isfinite(peak) ? static_cast<uint8_t>(std::max(std::ilogb(peak) - 2 + 127, 0)) : 0;
  const float d = mxfp4_scale(block.e);
  int q[32];
  for (int i = 0; i < 32; ++i) {
    q[i] = 0;
    for (int k = 1; k < 16; ++k)
      if (std::fabs(d * static_cast<float>(kMxfp4Values[k]) - x[i]) <
          std::fabs(d * static_cast<float>(kMxfp4Values[q[i]]) - x[i]))
        q[i] = k;
  }
  put_nibbles(q, block.qs);
}

template <typename Block>
void encode_all(const float* src, void* dst, int64_t elements, int block_elements) {
  auto* bytes = static_cast<uint8_t*>(dst);
  for (int64_t i = 0; i < elements; i += block_elements, bytes += sizeof(Block)) {
    Block block;
    encode(src + i, block);
    std::memcpy(bytes, &block, sizeof(Block));
  }
}

template <typename Convert>
void convert_all(const float* src, void* dst, int64_t elements, Convert convert) {
  for (int64_t i = 0; i < elements; ++i) {
    const uint16_t bits = convert(src[i]);
    std::memcpy(static_cast<uint8_t*>(dst) + 2 * i, &bits, 2);
  }
}

}  // namespace

void quantize(Dtype dtype, const float* src, void* dst, int64_t elements) {
  assert(elements % dtype_info(dtype).block_elements == 0);
  switch (dtype) {
    case Dtype::kF32:
      if (elements > 0) std::memcpy(dst, src, static_cast<size_t>(elements) * 4);
      return;
    case Dtype::kF16: return convert_all(src, dst, elements, f32_to_f16);
    case Dtype::kBF16: return convert_all(src, dst, elements, f32_to_bf16);
    case Dtype::kQ4_0: return encode_all<BlockQ4_0>(src, dst, elements, 32);
    case Dtype::kQ4_1: return encode_all<BlockQ4_1>(src, dst, elements, 32);
    case Dtype::kQ5_0: return encode_all<BlockQ5_0>(src, dst, elements, 32);
    case Dtype::kQ5_1: return encode_all<BlockQ5_1>(src, dst, elements, 32);
    case Dtype::kQ8_0: return encode_all<BlockQ8_0>(src, dst, elements, 32);
    case Dtype::kQ2_K: return encode_all<BlockQ2_K>(src, dst, elements, 256);
    case Dtype::kQ3_K: return encode_all<BlockQ3_K>(src, dst, elements, 256);
    case Dtype::kQ4_K: return encode_all<BlockQ4_K>(src, dst, elements, 256);
    case Dtype::kQ5_K: return encode_all<BlockQ5_K>(src, dst, elements, 256);
    case Dtype::kQ6_K: return encode_all<BlockQ6_K>(src, dst, elements, 256);
    case Dtype::kIQ4_NL: return encode_all<BlockIQ4_NL>(src, dst, elements, 32);
    case Dtype::kMXFP4: return encode_all<BlockMXFP4>(src, dst, elements, 32);
    default: assert(false && "not a weight format");
  }
}

}  // namespace isthmus
