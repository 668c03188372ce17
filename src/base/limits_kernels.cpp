// SPDX-License-Identifier: Apache-2.0
#include "base/limits_kernels.h"

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace isthmus {
namespace {

// Independent sums hide the latency of the product (4 cycles, two a cycle, on the processors of today; 6 for
// vdpbf16ps): twelve, which with the operands fit 16 registers, and twenty where there are 32 registers (with
// twelve, vdpbf16ps reaches nine tenths on Zen 5). They are names, not an array: g++ 12 leaves an array in
// memory. The empty assembly makes a value unknown to the compiler without costing an instruction, so that it
// can neither compute the sums beforehand nor drop them.
constexpr int kSums = 12, kWideSums = 20;
#define ISTHMUS_OPAQUE(value, constraint) asm volatile("" : "+" constraint(value))
#define ISTHMUS_EACH_SUM(DO) \
  DO(s0) DO(s1) DO(s2) DO(s3) DO(s4) DO(s5) DO(s6) DO(s7) DO(s8) DO(s9) DO(s10) DO(s11)

// `sum = STEP(sum)` for each of the sums, `steps` times; STEP also makes its result opaque.
#define ISTHMUS_PEAK_LOOP(Vector, zero, STEP)                                                        \
  Vector s0 = zero, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0, s8 = s0, s9 = s0, \
         s10 = s0, s11 = s0;                                                                         \
  for (int step = 0; step < steps; ++step) {                                                         \
    ISTHMUS_EACH_SUM(STEP)                                                                           \
  }

// The same with twenty sums.
#define ISTHMUS_WIDE_PEAK_LOOP(Vector, zero, STEP)                                                           \
  Vector s0 = zero, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0, s8 = s0, s9 = s0,         \
         s10 = s0, s11 = s0, s12 = s0, s13 = s0, s14 = s0, s15 = s0, s16 = s0, s17 = s0, s18 = s0, s19 = s0; \
  for (int step = 0; step < steps; ++step) {                                                                 \
    ISTHMUS_EACH_SUM(STEP)                                                                                   \
    STEP(s12) STEP(s13) STEP(s14) STEP(s15) STEP(s16) STEP(s17) STEP(s18) STEP(s19)                          \
  }

#if defined(__x86_64__)

#define ISTHMUS_TARGET(features) __attribute__((target(features)))

ISTHMUS_TARGET("avx512f,avx512vnni") void int8_avx512_vnni(int steps) {
  __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(-5);
  ISTHMUS_OPAQUE(a, "v");
  ISTHMUS_OPAQUE(b, "v");
#define ISTHMUS_STEP(sum)               \
  sum = _mm512_dpbusd_epi32(sum, a, b); \
  ISTHMUS_OPAQUE(sum, "v");
  ISTHMUS_WIDE_PEAK_LOOP(__m512i, _mm512_setzero_si512(), ISTHMUS_STEP)
#undef ISTHMUS_STEP
}

ISTHMUS_TARGET("avx2,avxvnni") void int8_avx_vnni(int steps) {
  __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(-5);
  ISTHMUS_OPAQUE(a, "x");
  ISTHMUS_OPAQUE(b, "x");
#define ISTHMUS_STEP(sum)                   \
  sum = _mm256_dpbusd_avx_epi32(sum, a, b); \
  ISTHMUS_OPAQUE(sum, "x");
  ISTHMUS_PEAK_LOOP(__m256i, _mm256_setzero_si256(), ISTHMUS_STEP)
#undef ISTHMUS_STEP
}

ISTHMUS_TARGET("avx2") void int8_avx2(int steps) {
  __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(-5), ones = _mm256_set1_epi16(1);
  ISTHMUS_OPAQUE(b, "x");
  ISTHMUS_OPAQUE(ones, "x");
  // The product does not depend on the sum: unless its operand were unknown in each step, it would be
  // hoisted.
#define ISTHMUS_STEP(sum)                                                           \
  ISTHMUS_OPAQUE(a, "x");                                                           \
  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones)); \
  ISTHMUS_OPAQUE(sum, "x");
  ISTHMUS_PEAK_LOOP(__m256i, _mm256_setzero_si256(), ISTHMUS_STEP)
#undef ISTHMUS_STEP
}

ISTHMUS_TARGET("avx512f,avx512bf16") void bf16_avx512(int steps) {
  __m512i ones = _mm512_set1_epi32(0x3f803f80);
  ISTHMUS_OPAQUE(ones, "v");
#define ISTHMUS_STEP(sum)                                      \
  sum = _mm512_dpbf16_ps(sum, (__m512bh)ones, (__m512bh)ones); \
  ISTHMUS_OPAQUE(sum, "v");
  ISTHMUS_WIDE_PEAK_LOOP(__m512, _mm512_setzero_ps(), ISTHMUS_STEP)
#undef ISTHMUS_STEP
}

ISTHMUS_TARGET("avx512f") void f32_avx512(int steps) {
  __m512 a = _mm512_set1_ps(1.5f), b = _mm512_set1_ps(0.5f);
  ISTHMUS_OPAQUE(a, "v");
  ISTHMUS_OPAQUE(b, "v");
#define ISTHMUS_STEP(sum)           \
  sum = _mm512_fmadd_ps(a, b, sum); \
  ISTHMUS_OPAQUE(sum, "v");
  ISTHMUS_WIDE_PEAK_LOOP(__m512, _mm512_setzero_ps(), ISTHMUS_STEP)
#undef ISTHMUS_STEP
}

ISTHMUS_TARGET("avx2,fma") void f32_avx2(int steps) {
  __m256 a = _mm256_set1_ps(1.5f), b = _mm256_set1_ps(0.5f);
  ISTHMUS_OPAQUE(a, "x");
  ISTHMUS_OPAQUE(b, "x");
#define ISTHMUS_STEP(sum)           \
  sum = _mm256_fmadd_ps(a, b, sum); \
  ISTHMUS_OPAQUE(sum, "x");
  ISTHMUS_PEAK_LOOP(__m256, _mm256_setzero_ps(), ISTHMUS_STEP)
#undef ISTHMUS_STEP
}

ISTHMUS_TARGET("avx512f") void read_avx512(const char* data, size_t bytes) {
  __m512i sums[4] = {};
  for (size_t at = 0; at < bytes; at += 256) {
    for (int i = 0; i < 4; ++i) sums[i] = _mm512_xor_si512(sums[i], _mm512_loadu_si512(data + at + 64 * i));
  }
  __m512i all = _mm512_xor_si512(_mm512_xor_si512(sums[0], sums[1]), _mm512_xor_si512(sums[2], sums[3]));
  ISTHMUS_OPAQUE(all, "v");
}

ISTHMUS_TARGET("avx2") void read_avx2(const char* data, size_t bytes) {
  __m256i sums[4] = {};
  for (size_t at = 0; at < bytes; at += 128) {
    for (int i = 0; i < 4; ++i)
      sums[i] =
          _mm256_xor_si256(sums[i], _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + at + 32 * i)));
  }
  __m256i all = _mm256_xor_si256(_mm256_xor_si256(sums[0], sums[1]), _mm256_xor_si256(sums[2], sums[3]));
  ISTHMUS_OPAQUE(all, "x");
}

#elif defined(__aarch64__)

void f32_neon(int steps) {
  float32x4_t a = vdupq_n_f32(1.5f), b = vdupq_n_f32(0.5f);
  ISTHMUS_OPAQUE(a, "w");
  ISTHMUS_OPAQUE(b, "w");
#define ISTHMUS_STEP(sum)     \
  sum = vfmaq_f32(sum, a, b); \
  ISTHMUS_OPAQUE(sum, "w");
  ISTHMUS_PEAK_LOOP(float32x4_t, vdupq_n_f32(0.0f), ISTHMUS_STEP)
#undef ISTHMUS_STEP
}

#ifdef __ARM_FEATURE_DOTPROD
void int8_neon_dot(int steps) {
  int8x16_t a = vdupq_n_s8(3), b = vdupq_n_s8(-5);
  ISTHMUS_OPAQUE(a, "w");
  ISTHMUS_OPAQUE(b, "w");
#define ISTHMUS_STEP(sum)     \
  sum = vdotq_s32(sum, a, b); \
  ISTHMUS_OPAQUE(sum, "w");
  ISTHMUS_PEAK_LOOP(int32x4_t, vdupq_n_s32(0), ISTHMUS_STEP)
#undef ISTHMUS_STEP
}
#endif

#endif

// Vectors of 16 bytes in the compiler's own terms, for processors that have no loop of their own above.
typedef float GenericF32 __attribute__((vector_size(16)));
typedef uint32_t GenericU32 __attribute__((vector_size(16)));  // it wraps around

void f32_generic(int steps) {
  GenericF32 factor = {1.5f, 1.5f, 1.5f, 1.5f}, sums[8] = {};
  for (int step = 0; step < steps; ++step) {
    for (GenericF32& sum : sums) sum = sum * factor + factor;
    asm volatile("" ::"r"(sums) : "memory");
  }
}

void int8_generic(int steps) {
  GenericU32 factor = {3, 3, 3, 3}, sums[8] = {};
  for (int step = 0; step < steps; ++step) {
    for (GenericU32& sum : sums) sum = sum * factor + factor;
    asm volatile("" ::"r"(sums) : "memory");
  }
}

[[maybe_unused]] void read_generic(const char* data, size_t bytes) {
  uint64_t sums[4] = {};
  const auto* words = reinterpret_cast<const uint64_t*>(data);
  for (size_t at = 0; at < bytes / 8; at += 4)
    for (int i = 0; i < 4; ++i) sums[i] ^= words[at + i];
  uint64_t all = sums[0] ^ sums[1] ^ sums[2] ^ sums[3];
  ISTHMUS_OPAQUE(all, "r");
}

}  // namespace

std::vector<PeakKernel> int8_kernels() {
  std::vector<PeakKernel> kernels;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512vnni"))
    kernels.push_back({"AVX-512 vpdpbusd", kWideSums * 128.0, int8_avx512_vnni});
  if (__builtin_cpu_supports("avxvnni")) kernels.push_back({"AVX vpdpbusd", kSums * 64.0, int8_avx_vnni});
  if (__builtin_cpu_supports("avx2"))
    kernels.push_back({"AVX2 vpmaddubsw + vpmaddwd", kSums * 64.0, int8_avx2});
#elif defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
  kernels.push_back({"NEON sdot", kSums * 32.0, int8_neon_dot});
#endif
  kernels.push_back({"32-bit integer multiply and add", 8 * 8.0, int8_generic});
  return kernels;
}

std::vector<PeakKernel> bf16_kernels() {
  std::vector<PeakKernel> kernels;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16"))
    kernels.push_back({"AVX-512 vdpbf16ps", kWideSums * 64.0, bf16_avx512});
#endif
  for (const PeakKernel& kernel : f32_kernels()) kernels.push_back(kernel);
  return kernels;
}

std::vector<PeakKernel> f32_kernels() {
  std::vector<PeakKernel> kernels;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) kernels.push_back({"AVX-512 vfmadd", kWideSums * 32.0, f32_avx512});
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    kernels.push_back({"AVX2 vfmadd", kSums * 16.0, f32_avx2});
#elif defined(__aarch64__)
  kernels.push_back({"NEON fmla", kSums * 8.0, f32_neon});
#endif
  kernels.push_back({"multiply and add", 8 * 8.0, f32_generic});
  return kernels;
}

ReadKernel read_kernel() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return read_avx512;
  if (__builtin_cpu_supports("avx2")) return read_avx2;
#endif
  return read_generic;
}

}  // namespace isthmus
