// SPDX-License-Identifier: Apache-2.0
// F32x16 and I32x16 as structs of shorter registers: two of 8 lanes (AVX2) or four of 4 (NEON, SSE2, …).
// Compilers keep such structs in registers; vector types wider than the machine's they put in memory and
// compare lane by lane. Included by simd.h only.
#pragma once

namespace isthmus::cpu::ISTHMUS_ISA {

#if defined(__AVX2__)
typedef float F32Part __attribute__((vector_size(32)));
typedef int32_t I32Part __attribute__((vector_size(32)));
typedef uint32_t U32Part __attribute__((vector_size(32)));
struct F32x16 {
  F32Part p0, p1;
  float& operator[](int lane) { return reinterpret_cast<float*>(this)[lane]; }  // slow: through memory
};
struct I32x16 {
  I32Part p0, p1;
  int32_t& operator[](int lane) { return reinterpret_cast<int32_t*>(this)[lane]; }  // slow: through memory
};
#define ISTHMUS_EACH_PART(E, OP) {E(p0, OP), E(p1, OP)}
template <typename R, typename F, typename... V>
ISTHMUS_SIMD R each_part(F f, const V&... v) {
  return R{f(v.p0...), f(v.p1...)};
}
#else
typedef float F32Part __attribute__((vector_size(16)));
typedef int32_t I32Part __attribute__((vector_size(16)));
typedef uint32_t U32Part __attribute__((vector_size(16)));
struct F32x16 {
  F32Part p0, p1, p2, p3;
  float& operator[](int lane) { return reinterpret_cast<float*>(this)[lane]; }  // slow: through memory
};
struct I32x16 {
  I32Part p0, p1, p2, p3;
  int32_t& operator[](int lane) { return reinterpret_cast<int32_t*>(this)[lane]; }  // slow: through memory
};
#define ISTHMUS_EACH_PART(E, OP) {E(p0, OP), E(p1, OP), E(p2, OP), E(p3, OP)}
template <typename R, typename F, typename... V>
ISTHMUS_SIMD R each_part(F f, const V&... v) {
  return R{f(v.p0...), f(v.p1...), f(v.p2...), f(v.p3...)};
}
#endif

// Part by part: a copy of the whole struct would go through memory.
template <typename Part, typename T>
ISTHMUS_SIMD Part load_part(const T* p) {
  Part part;
  std::memcpy(&part, p, sizeof(Part));
  return part;
}
template <typename Part, typename T>
ISTHMUS_SIMD void store_part(T* p, Part part) {
  std::memcpy(p, &part, sizeof(Part));
}
#if defined(__AVX2__)
ISTHMUS_SIMD F32x16 load(const float* p) { return {load_part<F32Part>(p), load_part<F32Part>(p + 8)}; }
ISTHMUS_SIMD I32x16 load(const int32_t* p) { return {load_part<I32Part>(p), load_part<I32Part>(p + 8)}; }
ISTHMUS_SIMD void store(float* p, const F32x16& v) { store_part(p, v.p0), store_part(p + 8, v.p1); }
ISTHMUS_SIMD void store(int32_t* p, const I32x16& v) { store_part(p, v.p0), store_part(p + 8, v.p1); }
#else
ISTHMUS_SIMD F32x16 load(const float* p) {
  return {load_part<F32Part>(p), load_part<F32Part>(p + 4), load_part<F32Part>(p + 8),
          load_part<F32Part>(p + 12)};
}
ISTHMUS_SIMD I32x16 load(const int32_t* p) {
  return {load_part<I32Part>(p), load_part<I32Part>(p + 4), load_part<I32Part>(p + 8),
          load_part<I32Part>(p + 12)};
}
ISTHMUS_SIMD void store(float* p, const F32x16& v) {
  store_part(p, v.p0), store_part(p + 4, v.p1), store_part(p + 8, v.p2), store_part(p + 12, v.p3);
}
ISTHMUS_SIMD void store(int32_t* p, const I32x16& v) {
  store_part(p, v.p0), store_part(p + 4, v.p1), store_part(p + 8, v.p2), store_part(p + 12, v.p3);
}
#endif

// Lanes 4 I to 4 I + 3.
template <int I>
ISTHMUS_SIMD F32x4 quarter(const F32x16& v) {
#if defined(__AVX2__)
  const F32Part part = I < 2 ? v.p0 : v.p1;
  constexpr int kFirst = I % 2 * 4;
  return __builtin_shufflevector(part, part, kFirst, kFirst + 1, kFirst + 2, kFirst + 3);
#else
  return I < 2 ? (I == 0 ? v.p0 : v.p1) : (I == 2 ? v.p2 : v.p3);
#endif
}

#define ISTHMUS_INLINE_LAMBDA __attribute__((always_inline))
#define ISTHMUS_VECTOR_VECTOR(P, OP) a.P OP b.P
#define ISTHMUS_VECTOR_SCALAR(P, OP) a.P OP(decltype(a.P){} + b)
#define ISTHMUS_SCALAR_VECTOR(P, OP) (decltype(b.P){} + a) OP b.P
#define ISTHMUS_OPERATOR(R, V, S, OP)                                                                  \
  ISTHMUS_SIMD R operator OP(const V& a, const V& b) {                                                 \
    return ISTHMUS_EACH_PART(ISTHMUS_VECTOR_VECTOR, OP);                                               \
  }                                                                                                    \
  ISTHMUS_SIMD R operator OP(const V& a, S b) { return ISTHMUS_EACH_PART(ISTHMUS_VECTOR_SCALAR, OP); } \
  ISTHMUS_SIMD R operator OP(S a, const V& b) { return ISTHMUS_EACH_PART(ISTHMUS_SCALAR_VECTOR, OP); }
#define ISTHMUS_ARITHMETIC(V, S, OP) \
  ISTHMUS_OPERATOR(V, V, S, OP)      \
  ISTHMUS_SIMD V& operator OP##=(V & a, const V & b) { return a = a OP b; }

ISTHMUS_ARITHMETIC(F32x16, float, +)
ISTHMUS_ARITHMETIC(F32x16, float, -)
ISTHMUS_ARITHMETIC(F32x16, float, *)
ISTHMUS_ARITHMETIC(F32x16, float, /)
ISTHMUS_ARITHMETIC(I32x16, int32_t, +)
ISTHMUS_ARITHMETIC(I32x16, int32_t, -)
ISTHMUS_ARITHMETIC(I32x16, int32_t, *)
ISTHMUS_ARITHMETIC(I32x16, int32_t, &)
ISTHMUS_ARITHMETIC(I32x16, int32_t, |)
ISTHMUS_ARITHMETIC(I32x16, int32_t, ^)
ISTHMUS_OPERATOR(I32x16, F32x16, float, <)
ISTHMUS_OPERATOR(I32x16, F32x16, float, <=)
ISTHMUS_OPERATOR(I32x16, F32x16, float, >)
ISTHMUS_OPERATOR(I32x16, F32x16, float, >=)
ISTHMUS_OPERATOR(I32x16, F32x16, float, ==)
ISTHMUS_OPERATOR(I32x16, F32x16, float, !=)
ISTHMUS_OPERATOR(I32x16, I32x16, int32_t, <)
ISTHMUS_OPERATOR(I32x16, I32x16, int32_t, <=)
ISTHMUS_OPERATOR(I32x16, I32x16, int32_t, >)
ISTHMUS_OPERATOR(I32x16, I32x16, int32_t, >=)
ISTHMUS_OPERATOR(I32x16, I32x16, int32_t, ==)
ISTHMUS_OPERATOR(I32x16, I32x16, int32_t, !=)

ISTHMUS_SIMD F32x16 operator-(const F32x16& v) {
  return each_part<F32x16>([](F32Part x) ISTHMUS_INLINE_LAMBDA { return -x; }, v);
}
ISTHMUS_SIMD I32x16 operator-(const I32x16& v) {
  return each_part<I32x16>([](I32Part x) ISTHMUS_INLINE_LAMBDA { return -x; }, v);
}
ISTHMUS_SIMD I32x16 operator~(const I32x16& v) {
  return each_part<I32x16>([](I32Part x) ISTHMUS_INLINE_LAMBDA { return ~x; }, v);
}
ISTHMUS_SIMD I32x16 operator<<(const I32x16& v, int n) {
  return each_part<I32x16>([n](I32Part x) ISTHMUS_INLINE_LAMBDA { return x << n; }, v);
}
ISTHMUS_SIMD I32x16 operator>>(const I32x16& v, int n) {
  return each_part<I32x16>([n](I32Part x) ISTHMUS_INLINE_LAMBDA { return x >> n; }, v);
}
// Zeros come in from the left.
ISTHMUS_SIMD I32x16 shift_right_logical(const I32x16& v, int n) {
  return each_part<I32x16>([n](I32Part x) ISTHMUS_INLINE_LAMBDA { return (I32Part)((U32Part)x >> n); }, v);
}

ISTHMUS_SIMD I32x16 bits(const F32x16& v) {
  return each_part<I32x16>([](F32Part x) ISTHMUS_INLINE_LAMBDA { return (I32Part)x; }, v);
}
ISTHMUS_SIMD F32x16 from_bits(const I32x16& v) {
  return each_part<F32x16>([](I32Part x) ISTHMUS_INLINE_LAMBDA { return (F32Part)x; }, v);
}

// Lanes 2i and 2i + 1 change places.
ISTHMUS_SIMD F32x16 swap_pairs(const F32x16& v) {
  return each_part<F32x16>(
      [](F32Part x) ISTHMUS_INLINE_LAMBDA {
#if defined(__AVX2__)
        return __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6);
#else
        return __builtin_shufflevector(x, x, 1, 0, 3, 2);
#endif
      },
      v);
}

// mask ? a : b
ISTHMUS_SIMD I32x16 select(const I32x16& mask, const I32x16& a, const I32x16& b) {
  return each_part<I32x16>([](I32Part m, I32Part x, I32Part y) ISTHMUS_INLINE_LAMBDA { return m ? x : y; },
                           mask, a, b);
}
ISTHMUS_SIMD F32x16 select(const I32x16& mask, const F32x16& a, const F32x16& b) {
  return each_part<F32x16>([](I32Part m, F32Part x, F32Part y) ISTHMUS_INLINE_LAMBDA { return m ? x : y; },
                           mask, a, b);
}

ISTHMUS_SIMD F32Part fma_part(F32Part a, F32Part b, F32Part c) {
#if defined(__AVX2__)
  return (F32Part)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
  return (F32Part)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
  return F32Part{__builtin_fmaf(a[0], b[0], c[0]), __builtin_fmaf(a[1], b[1], c[1]),
                 __builtin_fmaf(a[2], b[2], c[2]), __builtin_fmaf(a[3], b[3], c[3])};
#endif
}
ISTHMUS_SIMD F32Part sqrt_part(F32Part v) {
#if defined(__AVX2__)
  return (F32Part)_mm256_sqrt_ps((__m256)v);
#elif defined(__aarch64__)
  return (F32Part)vsqrtq_f32((float32x4_t)v);
#else
  return F32Part{__builtin_sqrtf(v[0]), __builtin_sqrtf(v[1]), __builtin_sqrtf(v[2]), __builtin_sqrtf(v[3])};
#endif
}
ISTHMUS_SIMD F32Part round_even_part(F32Part v) {
#if defined(__AVX2__)
  return (F32Part)_mm256_round_ps((__m256)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif defined(__aarch64__)
  return (F32Part)vrndnq_f32((float32x4_t)v);
#else
  return F32Part{__builtin_rintf(v[0]), __builtin_rintf(v[1]), __builtin_rintf(v[2]), __builtin_rintf(v[3])};
#endif
}

ISTHMUS_SIMD F32Part bounded_part(F32Part v, F32Part low, F32Part high) {
#if defined(__AVX2__)
  return (F32Part)_mm256_max_ps((__m256)low, _mm256_min_ps((__m256)high, (__m256)v));
#elif defined(__aarch64__)
  return (F32Part)vmaxq_f32((float32x4_t)low, vminq_f32((float32x4_t)high, (float32x4_t)v));
#else
  const F32Part below = v > high ? high : v;
  return below < low ? low : below;
#endif
}
// v, or the limit it is beyond; NaN stays.
ISTHMUS_SIMD F32x16 bounded(const F32x16& v, float low, float high) {
  const F32Part lows = F32Part{} + low, highs = F32Part{} + high;
  return each_part<F32x16>(
      [lows, highs](F32Part x) ISTHMUS_INLINE_LAMBDA { return bounded_part(x, lows, highs); }, v);
}

// a * b + c, rounded once.
ISTHMUS_SIMD F32x16 fma(const F32x16& a, const F32x16& b, const F32x16& c) {
  return each_part<F32x16>(fma_part, a, b, c);
}
ISTHMUS_SIMD F32x16 sqrt(const F32x16& v) { return each_part<F32x16>(sqrt_part, v); }
// To the nearest integer, ties to even.
ISTHMUS_SIMD F32x16 round_even(const F32x16& v) { return each_part<F32x16>(round_even_part, v); }
ISTHMUS_SIMD F32x16 to_f32(const I32x16& v) {
  return each_part<F32x16>(
      [](I32Part x) ISTHMUS_INLINE_LAMBDA { return __builtin_convertvector(x, F32Part); }, v);
}
// Towards zero; lanes beyond int32 give an unfixed number.
ISTHMUS_SIMD I32x16 to_i32(const F32x16& v) {
  return each_part<I32x16>(
      [](F32Part x) ISTHMUS_INLINE_LAMBDA { return __builtin_convertvector(x, I32Part); }, v);
}
ISTHMUS_SIMD bool any(const I32x16& mask) {
  int32_t lanes[16], all = 0;
  store(lanes, mask);
  for (int i = 0; i < 16; ++i) all |= lanes[i];
  return all != 0;
}

}  // namespace isthmus::cpu::ISTHMUS_ISA
