// SPDX-License-Identifier: Apache-2.0
// The inner loops of attention on the CPU: up to six rows times a panel of keys or values, each number a
// strict chain.
#pragma once

#include "ops/attention/attention_cache_cpu.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int kShare = 6;  // rows that share a load
#if defined(__AVX512F__)
constexpr int kWidth =
    4;  // vectors of a panel worked on at a time: kShare * kWidth accumulators fit the registers
#else
constexpr int kWidth = 1;
#endif

// Whether many rows are worth a copy of the panel in F32. With AVX-512 conversions hide behind the products.
#if defined(__AVX512F__)
constexpr bool kConvertOnce = false;
#else
constexpr bool kConvertOnce = true;
#endif

// Brings what is needed next into the cache at the pace at which something else is read.
struct Prefetch {
  const char* next;
  ISTHMUS_SIMD void step(int bytes) {
    for (int i = 0; i < bytes; i += 64) __builtin_prefetch(next + i);
    next += bytes;
  }
};

// c[r] = chain over k in [k0, k1) of a[r][k] * b[k][0 … 16 W), continuing from c[r] * factor[r], or from +0
// where factor is null.
template <int R, int W, bool kPrefetch, typename Rows>
ISTHMUS_SIMD void panel(const float* const* a, const Rows& b, int k0, int k1, float* const* c,
                        const float* factor, Prefetch& prefetch) {
  F32x16 acc[R][W];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) acc[r][w] = factor ? load(c[r] + 16 * w) * factor[r] : set1(0.0f);
  for (int k = k0; k < k1; ++k) {
    F32x16 x[W];
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) x[w] = b.at(k, w);
    if (kPrefetch) prefetch.step(W * Rows::kBytes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const F32x16 y = set1(a[r][k]);
#pragma GCC unroll 8
      for (int w = 0; w < W; ++w) acc[r][w] = fma(y, x[w], acc[r][w]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) store(c[r] + 16 * w, acc[r][w]);
}

// The whole width of the panel, `vectors` of 16.
template <int R, bool kPrefetch, typename Rows>
void panels(const float* const* a, const Rows& b, int k0, int k1, float* const* c, const float* factor,
            int vectors, Prefetch prefetch) {
  float* at[R];
  constexpr int kWide = R <= 2 ? 2 * kWidth : kWidth;
  for (int v = 0; v < vectors;) {
    for (int r = 0; r < R; ++r) at[r] = c[r] + 16 * v;
    if (v + kWide <= vectors) {
      panel<R, kWide, kPrefetch>(a, b.from(v), k0, k1, at, factor, prefetch);
      v += kWide;
    } else if (v + kWidth <= vectors) {
      panel<R, kWidth, kPrefetch>(a, b.from(v), k0, k1, at, factor, prefetch);
      v += kWidth;
    } else if (kWidth >= 4 && v + 2 <= vectors) {
      panel<R, 2, kPrefetch>(a, b.from(v), k0, k1, at, factor, prefetch);
      v += 2;
    } else {
      panel<R, 1, kPrefetch>(a, b.from(v), k0, k1, at, factor, prefetch);
      v += 1;
    }
  }
}

// Any number of rows up to kShare; `next` is what to prefetch meanwhile, or null.
template <typename Rows>
void rows_panels(int rows, const float* const* a, const Rows& b, int k0, int k1, float* const* c,
                 const float* factor, int vectors, const void* next = nullptr) {
  const Prefetch prefetch{static_cast<const char*>(next)};
  if (next) {
    switch (rows) {
      case 1: return panels<1, true>(a, b, k0, k1, c, factor, vectors, prefetch);
      case 2: return panels<2, true>(a, b, k0, k1, c, factor, vectors, prefetch);
      case 3: return panels<3, true>(a, b, k0, k1, c, factor, vectors, prefetch);
      case 4: return panels<4, true>(a, b, k0, k1, c, factor, vectors, prefetch);
      case 5: return panels<5, true>(a, b, k0, k1, c, factor, vectors, prefetch);
      default: return panels<kShare, true>(a, b, k0, k1, c, factor, vectors, prefetch);
    }
  }
  switch (rows) {
    case 1: return panels<1, false>(a, b, k0, k1, c, factor, vectors, prefetch);
    case 2: return panels<2, false>(a, b, k0, k1, c, factor, vectors, prefetch);
    case 3: return panels<3, false>(a, b, k0, k1, c, factor, vectors, prefetch);
    case 4: return panels<4, false>(a, b, k0, k1, c, factor, vectors, prefetch);
    case 5: return panels<5, false>(a, b, k0, k1, c, factor, vectors, prefetch);
    default: return panels<kShare, false>(a, b, k0, k1, c, factor, vectors, prefetch);
  }
}

// p v for up to kShare rows whose visible positions [first, last) may differ: what all see together, the rest
// alone.
template <typename Rows>
void weigh_values(int rows, const float* const* p, const Rows& v, const int* first, const int* last,
                  float* const* acc, const float* factor, int vectors, const void* next) {
  int k0 = first[0], k1 = last[0];
  bool alike = true;
  for (int r = 1; r < rows; ++r) {
    alike = alike && first[r] == first[0] && last[r] == last[0];
    if (first[r] > k0) k0 = first[r];
    if (last[r] < k1) k1 = last[r];
  }
  if (alike) return rows_panels(rows, p, v, k0, k1, acc, factor, vectors, next);
  static const float kOnes[kShare] = {1, 1, 1, 1, 1, 1};
  if (k1 <= k0) {
    for (int r = 0; r < rows; ++r) rows_panels(1, p + r, v, first[r], last[r], acc + r, factor + r, vectors);
    return;
  }
  for (int r = 0; r < rows; ++r) rows_panels(1, p + r, v, first[r], k0, acc + r, factor + r, vectors);
  rows_panels(rows, p, v, k0, k1, acc, kOnes, vectors);
  for (int r = 0; r < rows; ++r)
    if (k1 < last[r]) rows_panels(1, p + r, v, k1, last[r], acc + r, kOnes, vectors);
}

}  // namespace
}  // namespace isthmus::cpu::ISTHMUS_ISA
