// SPDX-License-Identifier: Apache-2.0
// Keys and values as attention on the CPU reads them: rows of 16-lane vectors in F32, whatever they are
// stored as.
#pragma once

#include "devices/cpu/simd.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int kBlock = 64;
constexpr int kScaleBlock = 32;  // numbers of a Q8_0 cache that share a scale

struct F16 {
  uint16_t bits;
};
struct BF16 {
  uint16_t bits;
};
// Of Q8_0: an integer, its scale elsewhere.
struct Q8 {
  int8_t bits;
};
ISTHMUS_SIMD F32x16 load_as_f32(const float* p) { return load(p); }
ISTHMUS_SIMD F32x16 load_as_f32(const F16* p) { return load_f16(&p->bits); }
ISTHMUS_SIMD F32x16 load_as_f32(const BF16* p) { return load_bf16(&p->bits); }
ISTHMUS_SIMD F32x16 load_as_f32(const Q8* p) {
  const int8_t* at = &p->bits;
#if defined(__AVX512F__)
  return to_f32((I32x16)_mm512_maskz_cvtepi8_epi32((__mmask16)-1, _mm_loadu_si128((const __m128i*)at)));
#elif defined(__AVX2__)
  return to_f32(I32x16{(I32Part)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)at)),
                       (I32Part)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)(at + 8)))});
#elif defined(__aarch64__)
  const int8x16_t bytes = vld1q_s8(at);
  const int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_s8(vget_high_s8(bytes));
  return to_f32(I32x16{(I32Part)vmovl_s16(vget_low_s16(low)), (I32Part)vmovl_s16(vget_high_s16(low)),
                       (I32Part)vmovl_s16(vget_low_s16(high)), (I32Part)vmovl_s16(vget_high_s16(high))});
#else
  int32_t lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = at[i];
  return to_f32(load(lanes));
#endif
}

// at(k, w): vector w of row k. from(v): the rows from vector v on.
template <typename T>
struct PlainRows {
  static constexpr int kBytes = 16 * static_cast<int>(sizeof(T));  // of a vector
  const T* p;
  int64_t step;  // between rows

  ISTHMUS_SIMD F32x16 at(int k, int w) const { return load_as_f32(p + k * step + 16 * w); }
  ISTHMUS_SIMD PlainRows from(int v) const { return {p + 16 * v, step}; }
};
// A row is an element of 64 keys, a scale belongs to a key and 32 rows.
struct ScaledKeys {
  static constexpr int kBytes = 16;
  const Q8* p;
  const float* scale;

  ISTHMUS_SIMD F32x16 at(int k, int w) const {
    return load_as_f32(p + k * kBlock + 16 * w) * load(scale + k / kScaleBlock * kBlock + 16 * w);
  }
  ISTHMUS_SIMD ScaledKeys from(int v) const { return {p + 16 * v, scale + 16 * v}; }
};
// A row is a value, a scale belongs to 32 of its elements. from() takes an even vector where w is ever above
// 0.
struct ScaledValues {
  static constexpr int kBytes = 16;
  const Q8* p;
  const float* scale;
  int64_t step, scale_step;

  ISTHMUS_SIMD F32x16 at(int k, int w) const {
    return load_as_f32(p + k * step + 16 * w) * scale[k * scale_step + w / 2];
  }
  ISTHMUS_SIMD ScaledValues from(int v) const { return {p + 16 * v, scale + v / 2, step, scale_step}; }
};

template <typename Rows>
void convert(const Rows& rows, int count, int vectors, float* to) {
  for (int k = 0; k < count; ++k)
    for (int v = 0; v < vectors; v += 2) {
      const Rows pair = rows.from(v);
      store(to + 16 * (k * vectors + v), pair.at(k, 0));
      if (v + 1 < vectors) store(to + 16 * (k * vectors + v + 1), pair.at(k, 1));
    }
}

}  // namespace
}  // namespace isthmus::cpu::ISTHMUS_ISA
