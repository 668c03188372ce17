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

// Brings what is needed next into the cache while a panel is worked on: at the pace at which its bytes are
// read (kStream), for a panel worked on once, or `pace` bytes for each of its rows.
struct Prefetch {
  const char* next;
  int pace;
  template <bool kStream>
  ISTHMUS_SIMD void step(int bytes) {
    if (!kStream) __builtin_prefetch(next);
    for (int i = 0; kStream && i < bytes; i += 64) __builtin_prefetch(next + i);
    next += kStream ? bytes : pace;
  }
};

// Which rows of a panel are read: by every row of the share those of [common, common_end), by its row r those
// of [first[r], last[r]), which lie in [begin, end).
struct Span {
  int begin, common, common_end, end;
  const int *first, *last;
};
ISTHMUS_SIMD Span whole_span(int count) { return {0, 0, count, count, nullptr, nullptr}; }
inline Span span_of(int rows, const int* first, const int* last) {
  Span span = {first[0], first[0], last[0], last[0], first, last};
  for (int r = 1; r < rows; ++r) {
    if (first[r] < span.begin) span.begin = first[r];
    if (first[r] > span.common) span.common = first[r];
    if (last[r] < span.common_end) span.common_end = last[r];
    if (last[r] > span.end) span.end = last[r];
  }
  if (span.common > span.common_end) span.common = span.common_end = span.end;  // nothing in common
  return span;
}

// A load without arithmetic, whatever the compiler makes of a vector plus a scalar.
ISTHMUS_SIMD F32x16 broadcast(const float* p) {
#if defined(__AVX512F__)
  return (F32x16)_mm512_set1_ps(*p);
#elif defined(__AVX2__)
  return {(F32Part)_mm256_broadcast_ss(p), (F32Part)_mm256_broadcast_ss(p)};
#else
  return set1(*p);
#endif
}

template <int R, int W, typename Rows>
ISTHMUS_SIMD void add_where_seen(F32x16 (&acc)[R][W], const float* const* a, const Rows& b, const Span& span,
                                 int k) {
  F32x16 x[W];
#pragma GCC unroll 8
  for (int w = 0; w < W; ++w) x[w] = b.at(k, w);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    if (k < span.first[r] || k >= span.last[r]) continue;
    const F32x16 y = broadcast(a[r] + k);
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) acc[r][w] = fma(y, x[w], acc[r][w]);
  }
}

// c[r] = chain over the rows k of the span of a[r][k] * b[k][0 … 16 W), continuing from c[r] * factor[r], or
// from +0 where factor is null.
template <int R, int W, bool kStream, typename Rows>
ISTHMUS_SIMD void panel(const float* const* a, const Rows& b, const Span& span, float* const* c,
                        const float* factor, Prefetch& prefetch) {
  F32x16 acc[R][W];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) acc[r][w] = factor ? load(c[r] + 16 * w) * factor[r] : set1(0.0f);
  for (int k = span.begin; k < span.common; ++k) add_where_seen<R, W>(acc, a, b, span, k);
  for (int k = span.common; k < span.common_end; ++k) {
    F32x16 x[W];
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) x[w] = b.at(k, w);
    prefetch.step<kStream>(W * Rows::kBytes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const F32x16 y = broadcast(a[r] + k);
#pragma GCC unroll 8
      for (int w = 0; w < W; ++w) acc[r][w] = fma(y, x[w], acc[r][w]);
    }
  }
  for (int k = span.common_end; k < span.end; ++k) add_where_seen<R, W>(acc, a, b, span, k);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) store(c[r] + 16 * w, acc[r][w]);
}

// The whole width of the panel, `vectors` of 16.
template <int R, bool kStream, typename Rows>
void panels(const float* const* a, const Rows& b, const Span& span, float* const* c, const float* factor,
            int vectors, Prefetch prefetch) {
  float* at[R];
  constexpr int kWide = R <= 2 ? 2 * kWidth : kWidth;
  for (int v = 0; v < vectors;) {
    for (int r = 0; r < R; ++r) at[r] = c[r] + 16 * v;
    if (v + kWide <= vectors) {
      panel<R, kWide, kStream>(a, b.from(v), span, at, factor, prefetch);
      v += kWide;
    } else if (v + kWidth <= vectors) {
      panel<R, kWidth, kStream>(a, b.from(v), span, at, factor, prefetch);
      v += kWidth;
    } else if (kWidth >= 4 && v + 3 == vectors) {
      panel<R, 3, kStream>(a, b.from(v), span, at, factor, prefetch);
      v += 3;
    } else if (kWidth >= 4 && v + 2 <= vectors) {
      panel<R, 2, kStream>(a, b.from(v), span, at, factor, prefetch);
      v += 2;
    } else {
      panel<R, 1, kStream>(a, b.from(v), span, at, factor, prefetch);
      v += 1;
    }
  }
}

// Any number of rows up to kShare.
template <bool kStream, typename Rows>
void rows_panels(int rows, const float* const* a, const Rows& b, const Span& span, float* const* c,
                 const float* factor, int vectors, Prefetch prefetch) {
  switch (rows) {
    case 1: return panels<1, kStream>(a, b, span, c, factor, vectors, prefetch);
    case 2: return panels<2, kStream>(a, b, span, c, factor, vectors, prefetch);
    case 3: return panels<3, kStream>(a, b, span, c, factor, vectors, prefetch);
    case 4: return panels<4, kStream>(a, b, span, c, factor, vectors, prefetch);
    case 5: return panels<5, kStream>(a, b, span, c, factor, vectors, prefetch);
    default: return panels<kShare, kStream>(a, b, span, c, factor, vectors, prefetch);
  }
}
}  // namespace
}  // namespace isthmus::cpu::ISTHMUS_ISA
