// SPDX-License-Identifier: Apache-2.0
// Sixteen F16 or BF16 numbers to and from F32x16, with the bits of base/half.h (NaN payloads aside). Included
// by simd.h only.
#pragma once

namespace isthmus::cpu::ISTHMUS_ISA {

// 16-bit patterns in the low halves of 32-bit lanes.
ISTHMUS_SIMD I32x16 load_u16(const uint16_t* p) {
#if defined(__AVX512F__)
  return (I32x16)_mm512_maskz_cvtepu16_epi32((__mmask16)-1, _mm256_loadu_si256((const __m256i*)p));
#elif defined(__AVX2__)
  return {(I32Part)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)p)),
          (I32Part)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)(p + 8)))};
#elif defined(__aarch64__)
  const uint16x8_t a = vld1q_u16(p), b = vld1q_u16(p + 8);
  return {(I32Part)vmovl_u16(vget_low_u16(a)), (I32Part)vmovl_u16(vget_high_u16(a)),
          (I32Part)vmovl_u16(vget_low_u16(b)), (I32Part)vmovl_u16(vget_high_u16(b))};
#else
  int32_t lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = p[i];
  return load(lanes);
#endif
}
// Lanes are in [0, 65535].
ISTHMUS_SIMD void store_u16(uint16_t* p, I32x16 v) {
#if defined(__AVX512F__)
  _mm256_storeu_si256((__m256i*)p, _mm512_maskz_cvtepi32_epi16((__mmask16)-1, (__m512i)v));
#elif defined(__AVX2__)
  const __m256i packed = _mm256_packus_epi32((__m256i)v.p0, (__m256i)v.p1);
  _mm256_storeu_si256((__m256i*)p, _mm256_permute4x64_epi64(packed, 0xd8));
#elif defined(__aarch64__)
  vst1q_u16(p, vcombine_u16(vmovn_u32((uint32x4_t)v.p0), vmovn_u32((uint32x4_t)v.p1)));
  vst1q_u16(p + 8, vcombine_u16(vmovn_u32((uint32x4_t)v.p2), vmovn_u32((uint32x4_t)v.p3)));
#else
  int32_t lanes[16];
  store(lanes, v);
  for (int i = 0; i < 16; ++i) p[i] = (uint16_t)lanes[i];
#endif
}

ISTHMUS_SIMD F32x16 f16_to_f32(I32x16 half) {
  const I32x16 magnitude = half & 0x7fff;
  // Shifted into place the exponent is 112 too small; the multiplication mends that, subnormals included.
  I32x16 r = bits(from_bits(magnitude << 13) * 0x1p112f);
  r = select(magnitude >= 0x7c00, r | 0x7f800000, r);
  return from_bits(r | ((half & 0x8000) << 16));
}
ISTHMUS_SIMD I32x16 f32_to_f16(F32x16 v) {
  const I32x16 b = bits(v), magnitude = b & 0x7fffffff, sign = shift_right_logical(b, 16) & 0x8000;
  const I32x16 bounded = select(magnitude < 0x47800000, magnitude, set1(0x47800000));
  I32x16 r = shift_right_logical(bounded + 0xfff + (shift_right_logical(bounded, 13) & 1) - (112 << 23), 13);
  r = select(magnitude < 0x38800000, bits(from_bits(magnitude) + 0.5f) - 0x3f000000, r);
  r = select(magnitude >= 0x47800000, set1(0x7c00), r);
  r = select(magnitude > 0x7f800000, set1(0x7e00), r);
  return r | sign;
}

ISTHMUS_SIMD F32x16 load_f16(const uint16_t* p) {
#if defined(__AVX512F__)
  return (F32x16)_mm512_maskz_cvtph_ps((__mmask16)-1, _mm256_loadu_si256((const __m256i*)p));
#elif defined(__AVX2__)
  return {(F32Part)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p)),
          (F32Part)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)(p + 8)))};
#elif defined(__aarch64__)
  const float16x8_t a = vreinterpretq_f16_u16(vld1q_u16(p)), b = vreinterpretq_f16_u16(vld1q_u16(p + 8));
  return {(F32Part)vcvt_f32_f16(vget_low_f16(a)), (F32Part)vcvt_f32_f16(vget_high_f16(a)),
          (F32Part)vcvt_f32_f16(vget_low_f16(b)), (F32Part)vcvt_f32_f16(vget_high_f16(b))};
#else
  return f16_to_f32(load_u16(p));
#endif
}
ISTHMUS_SIMD void store_f16(uint16_t* p, F32x16 v) {
#if defined(__AVX512F__)
  _mm256_storeu_si256((__m256i*)p,
                      _mm512_maskz_cvtps_ph((__mmask16)-1, (__m512)v, _MM_FROUND_TO_NEAREST_INT));
#elif defined(__AVX2__)
  _mm_storeu_si128((__m128i*)p, _mm256_cvtps_ph((__m256)v.p0, _MM_FROUND_TO_NEAREST_INT));
  _mm_storeu_si128((__m128i*)(p + 8), _mm256_cvtps_ph((__m256)v.p1, _MM_FROUND_TO_NEAREST_INT));
#else
  store_u16(p, f32_to_f16(v));
#endif
}

ISTHMUS_SIMD F32x16 load_bf16(const uint16_t* p) { return from_bits(load_u16(p) << 16); }
ISTHMUS_SIMD I32x16 f32_to_bf16(F32x16 v) {
  const I32x16 b = select(v == v, bits(v), set1(0x7fc00000));  // other NaNs could overflow
  return shift_right_logical(b + 0x7fff + (shift_right_logical(b, 16) & 1), 16);
}
ISTHMUS_SIMD void store_bf16(uint16_t* p, F32x16 v) { store_u16(p, f32_to_bf16(v)); }

// One number each.
ISTHMUS_SIMD float f16_to_f32(uint16_t half) {
  uint16_t lanes[16] = {half};
  return get(load_f16(lanes), 0);
}
ISTHMUS_SIMD uint16_t f32_to_f16(float x) {
  uint16_t lanes[16];
  store_f16(lanes, set1(x));
  return lanes[0];
}
ISTHMUS_SIMD float bf16_to_f32(uint16_t half) {
  const uint32_t word = (uint32_t)half << 16;
  float x;
  std::memcpy(&x, &word, 4);
  return x;
}
ISTHMUS_SIMD uint16_t f32_to_bf16(float x) {
  uint16_t lanes[16];
  store_bf16(lanes, set1(x));
  return lanes[0];
}

}  // namespace isthmus::cpu::ISTHMUS_ISA
