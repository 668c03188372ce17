// SPDX-License-Identifier: Apache-2.0
// F32x16 and I32x16 where one register holds all 16 lanes (AVX-512). Included by simd.h only.
// Intrinsics are the maskz_ forms with a full mask where g++ 12 warns of its own header otherwise; the code
// is the same.
#pragma once

namespace isthmus::cpu::ISTHMUS_ISA {

typedef float F32x16 __attribute__((vector_size(64)));
typedef int32_t I32x16 __attribute__((vector_size(64)));
typedef uint32_t U32x16 __attribute__((vector_size(64)));

ISTHMUS_SIMD F32x16 load(const float* p) { return (F32x16)_mm512_loadu_ps(p); }
ISTHMUS_SIMD I32x16 load(const int32_t* p) { return (I32x16)_mm512_loadu_si512(p); }
ISTHMUS_SIMD void store(float* p, F32x16 v) { _mm512_storeu_ps(p, (__m512)v); }
ISTHMUS_SIMD void store(int32_t* p, I32x16 v) { _mm512_storeu_si512(p, (__m512i)v); }

// Lanes 4 I to 4 I + 3.
template <int I>
ISTHMUS_SIMD F32x4 quarter(F32x16 v) {
  return __builtin_shufflevector(v, v, 4 * I, 4 * I + 1, 4 * I + 2, 4 * I + 3);
}

// Lanes 2i and 2i + 1 change places.
ISTHMUS_SIMD F32x16 swap_pairs(F32x16 v) {
  return __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
}

ISTHMUS_SIMD I32x16 bits(F32x16 v) { return (I32x16)v; }
ISTHMUS_SIMD F32x16 from_bits(I32x16 v) { return (F32x16)v; }

// mask ? a : b
ISTHMUS_SIMD F32x16 select(I32x16 mask, F32x16 a, F32x16 b) { return mask ? a : b; }
ISTHMUS_SIMD I32x16 select(I32x16 mask, I32x16 a, I32x16 b) { return mask ? a : b; }

// a * b + c, rounded once.
ISTHMUS_SIMD F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return (F32x16)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
ISTHMUS_SIMD F32x16 sqrt(F32x16 v) { return (F32x16)_mm512_maskz_sqrt_ps((__mmask16)-1, (__m512)v); }
// v, or the limit it is beyond; NaN stays.
ISTHMUS_SIMD F32x16 bounded(F32x16 v, float low, float high) {
  const __m512 below = _mm512_maskz_min_ps((__mmask16)-1, _mm512_set1_ps(high), (__m512)v);
  return (F32x16)_mm512_maskz_max_ps((__mmask16)-1, _mm512_set1_ps(low), below);
}
// To the nearest integer, ties to even.
ISTHMUS_SIMD F32x16 round_even(F32x16 v) {
  return (F32x16)_mm512_maskz_roundscale_ps((__mmask16)-1, (__m512)v,
                                            _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
ISTHMUS_SIMD F32x16 to_f32(I32x16 v) { return __builtin_convertvector(v, F32x16); }
// Towards zero; lanes beyond int32 give an unfixed number.
ISTHMUS_SIMD I32x16 to_i32(F32x16 v) { return __builtin_convertvector(v, I32x16); }
// Zeros come in from the left.
ISTHMUS_SIMD I32x16 shift_right_logical(I32x16 v, int n) { return (I32x16)((U32x16)v >> n); }
ISTHMUS_SIMD bool any(I32x16 mask) { return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0; }

}  // namespace isthmus::cpu::ISTHMUS_ISA
