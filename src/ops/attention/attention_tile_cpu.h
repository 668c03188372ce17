// SPDX-License-Identifier: Apache-2.0
// Some query rows that share one key head, and one block of 64 positions added to them: attention on the CPU.
#pragma once

#include "devices/cpu/elementary.h"
#include "devices/cpu/kernel.h"
#include "ops/attention/attention_panels_cpu.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

// Whether many rows are worth a copy of the block in F32. With AVX-512 conversions hide behind the products.
#if defined(__AVX512F__)
constexpr bool kConvertOnce = false;
constexpr int kAtOnce = 2;  // rows of a softmax step
#else
constexpr bool kConvertOnce = true;
constexpr int kAtOnce = 1;
#endif

constexpr int kMaxDim = 1024;         // of a head
constexpr int kMaxRows = 96;          // of a tile
constexpr int kAccumulators = 24576;  // floats of a tile's accumulators, and of its gathered queries

enum { kQ, kK, kV, kTable, kSequence, kPositions, kLengths, kSinks, kKScales, kVScales, kOut };

struct AttentionPlan {
  float scale, cap;
  int64_t window;
  bool causal, lengths, sinks;
  isthmus_dtype_t cache;
  int d, dv, group, kv_heads;
  int tile_tokens;          // per tile
  int head_chunk;           // heads of a group per tile
  int split_tokens;         // up to so many tokens may be split over threads by blocks and columns; 0: never
  int64_t score_positions;  // of each row of the workspace then
};

struct Row {
  const float* q;
  float* acc;  // dv rounded up to vectors
  float m, l;
  int64_t begin, end;  // visible positions
  int64_t token;
  int head;
  bool sees;

  int first(int64_t from) const { return begin > from ? static_cast<int>(begin - from) : 0; }
  int last(int64_t from) const { return end - from < kBlock ? static_cast<int>(end - from) : kBlock; }
};

// Up to kShare rows that see some of a block of positions.
struct Share {
  int count;
  Row* rows[kShare];
  const float* q[kShare];
  float* raw[kShare];  // dot products of queries and keys
  float* p[kShare];
  float* acc[kShare];
  int first[kShare], last[kShare];
  alignas(64) float factor[16];  // of what was accumulated before the block
};

// On the stack of the thread that works on it.
struct Tile {
  const AttentionPlan* plan;
  Row rows[kMaxRows];
  Share shares[kMaxRows / kShare + 1];
  int share_count;
  bool shares_whole;  // each row sees all of the block
  alignas(64) float scores[kMaxRows][kBlock];
  alignas(64) float acc[kAccumulators];
  alignas(64) float q[kAccumulators];
  alignas(64) float k_panel[kConvertOnce ? kBlock * kMaxDim : 1],
      v_panel[kBlock * (kMaxDim + 16)];  // a block as F32
  alignas(64) float k_scales[kBlock * kMaxDim / kScaleBlock], v_scales[kBlock * kMaxDim / kScaleBlock];
};

// The next rows of rows[*at … count) that see some of the positions from `from` on; false where there is
// none.
inline bool next_share(Tile& tile, int count, int64_t from, int* at, Share& share) {
  share.count = 0;
  for (; *at < count && share.count < kShare; ++*at) {
    Row& row = tile.rows[*at];
    if (row.begin >= from + kBlock || row.end <= from || row.begin >= row.end) continue;
    const int n = share.count++;
    share.rows[n] = &row;
    share.q[n] = row.q;
    share.acc[n] = row.acc;
    share.raw[n] = share.p[n] = tile.scores[*at];
    share.first[n] = row.first(from);
    share.last[n] = row.last(from);
  }
  return share.count > 0;
}

// The shares of the tile's first `count` rows for the block from `from` on; the same as before where all see
// all of both. A new set of rows begins with shares_whole = false.
inline void find_shares(Tile& tile, int count, int64_t from) {
  bool whole = true;
  for (int r = 0; r < count; ++r)
    whole = whole && tile.rows[r].begin <= from && tile.rows[r].end >= from + kBlock;
  if (whole && tile.shares_whole) return;
  tile.shares_whole = whole;
  tile.share_count = 0;
  for (int at = 0; next_share(tile, count, from, &at, tile.shares[tile.share_count]);) ++tile.share_count;
}

// Of N rows from r on: p, the largest score so far in m, and the sum of p.
template <int N>
ISTHMUS_SIMD void exponentiate(const AttentionPlan& plan, const Share& share, int r, float* m, float* sum) {
  F32x16 v[N][4];
#pragma GCC unroll 4
  for (int n = 0; n < N; ++n) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) v[n][i] = load(share.raw[r + n] + 16 * i) * plan.scale;
    if (plan.cap > 0)
      for (int i = 0; i < 4; ++i) v[n][i] = elementary::tanh(v[n][i] / plan.cap) * plan.cap;
    const int first = share.first[r + n], last = share.last[r + n];
    if (first > 0 || last < kBlock) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const I32x16 lane = lane_numbers() + 16 * i;
        v[n][i] = select((lane >= first) & (lane < last), v[n][i], set1(-elementary::kInfinity));
      }
    }
    const float top = max_lanes_loose(max_loose(max_loose(v[n][0], v[n][1]), max_loose(v[n][2], v[n][3])));
    const float old = share.rows[r + n]->m;
    m[r + n] = top > old ? top : old;
  }
#pragma GCC unroll 4
  for (int n = 0; n < N; ++n)
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) v[n][i] = elementary::exp(v[n][i] - m[r + n]);
#pragma GCC unroll 4
  for (int n = 0; n < N; ++n) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) store(share.p[r + n] + 16 * i, v[n][i]);
    sum[r + n] = sum_lanes(((v[n][0] + v[n][1]) + v[n][2]) + v[n][3]);
  }
}

// Turns 64 raw dot products of each row into p, moves m and l on, and leaves the factors of what was
// accumulated before.
inline void softmax_step(const AttentionPlan& plan, Share& share) {
  float m[kShare], sum[kShare];
  int r = 0;
  for (; r + kAtOnce <= share.count; r += kAtOnce) exponentiate<kAtOnce>(plan, share, r, m, sum);
  for (; r < share.count; ++r) exponentiate<1>(plan, share, r, m, sum);

  F32x16 change = set1(0.0f);
  bool changes = false;
  for (r = 0; r < share.count; ++r) {
    const float old = share.rows[r]->m;
    changes = changes | (m[r] != old);
    change = select(lane_numbers() == r, set1(old - m[r]), change);
  }
  // exp(0) is 1; where both are infinite l is NaN with either.
  store(share.factor, changes ? elementary::exp(change) : set1(1.0f));
  for (r = 0; r < share.count; ++r) {
    Row& row = *share.rows[r];
    row.l = elementary::fma(row.l, share.factor[r], sum[r]);
    row.m = m[r];
    row.sees = true;
  }
}

// Where the numbers of key head kv_head in cache block `block` begin, of a cache of `size` numbers per head
// and block.
template <typename T>
const T* head_at(const AttentionPlan& plan, const Run& run, int operand, int64_t block, int kv_head,
                 int64_t size) {
  return run.data<const T>(operand) + (block * plan.kv_heads + kv_head) * size;
}
inline const float* scales_at(const AttentionPlan& plan, const Run& run, int operand, int64_t block,
                              int kv_head, int64_t size, float* scales) {
  const uint16_t* from = head_at<uint16_t>(plan, run, operand, block, kv_head, size);
  for (int64_t i = 0; i < size; i += 16) store(scales + i, load_f16(from + i));
  return scales;
}

// Of a cache of Ts.
template <typename T>
PlainRows<T> keys_at(Tile& tile, const Run& run, int64_t block, int kv_head, T) {
  const AttentionPlan& plan = *tile.plan;
  return {head_at<T>(plan, run, kK, block, kv_head, int64_t{kBlock} * plan.d), kBlock};
}
inline ScaledKeys keys_at(Tile& tile, const Run& run, int64_t block, int kv_head, Q8) {
  const AttentionPlan& plan = *tile.plan;
  const int64_t size = int64_t{kBlock} * plan.d;
  return {head_at<Q8>(plan, run, kK, block, kv_head, size),
          scales_at(plan, run, kKScales, block, kv_head, size / kScaleBlock, tile.k_scales)};
}
template <typename T>
PlainRows<T> values_at(Tile& tile, const Run& run, int64_t block, int kv_head, T) {
  const AttentionPlan& plan = *tile.plan;
  return {head_at<T>(plan, run, kV, block, kv_head, int64_t{kBlock} * plan.dv), plan.dv};
}
inline ScaledValues values_at(Tile& tile, const Run& run, int64_t block, int kv_head, Q8) {
  const AttentionPlan& plan = *tile.plan;
  const int64_t size = int64_t{kBlock} * plan.dv;
  return {head_at<Q8>(plan, run, kV, block, kv_head, size),
          scales_at(plan, run, kVScales, block, kv_head, size / kScaleBlock, tile.v_scales), plan.dv,
          plan.dv / kScaleBlock};
}

// What to read ahead in n equal parts, each while a share works on a panel in so many steps. Null: nothing.
struct Ahead {
  const char* at;
  int64_t part;
  int pace;

  Ahead(const void* from, int64_t bytes, int n, int steps)
      : at(static_cast<const char*>(from)),
        part(bytes / n),
        pace(static_cast<int>((part + steps - 1) / steps)) {}
  Prefetch of(int i, const Share& share) const {
    if (!at) return {reinterpret_cast<const char*>(share.acc[0]), 0};
    return {at + part * i, pace};
  }
};

template <bool kStream, typename Rows>
void score(const Rows& k, int d, const Share& share, Prefetch prefetch) {
  int last = 0;  // later positions are masked: their scores are not worked out
  for (int r = 0; r < share.count; ++r)
    if (share.last[r] > last) last = share.last[r];
  rows_panels<kStream>(share.count, share.q, k, whole_span(d), share.raw, nullptr, (last + 15) / 16,
                       prefetch);
}
template <bool kStream, typename Rows>
void weigh(const Rows& v, int vectors, const Share& share, Prefetch prefetch) {
  rows_panels<kStream>(share.count, share.p, v, span_of(share.count, share.first, share.last), share.acc,
                       share.factor, vectors, prefetch);
}

// next_v, next_k: what to read ahead while keys and while values are worked on, each of so many bytes; or
// null.
template <typename Keys, typename Values>
void add_rows(Tile& tile, const Keys& k, const Values& v, const void* next_v, int64_t v_bytes,
              const void* next_k, int64_t k_bytes) {
  const AttentionPlan& plan = *tile.plan;
  const int vectors = (plan.dv + 15) / 16, n = tile.share_count;
  Share* const shares = tile.shares;
  if (n == 1 && next_v && next_k) {
    score<true>(k, plan.d, shares[0], {static_cast<const char*>(next_v), 0});
    softmax_step(plan, shares[0]);
    return weigh<true>(v, vectors, shares[0], {static_cast<const char*>(next_k), 0});
  }
  // One after the other for all rows: keys and values together would fill the L1 cache.
  const Ahead ahead_v(next_v, v_bytes, n, plan.d * (kBlock / 16 / kWidth));
  const Ahead ahead_k(next_k, k_bytes, n, kBlock * ((vectors + kWidth - 1) / kWidth));
  for (int i = 0; i < n; ++i) score<false>(k, plan.d, shares[i], ahead_v.of(i, shares[i]));
  for (int i = 0; i < n; ++i) softmax_step(plan, shares[i]);
  for (int i = 0; i < n; ++i) weigh<false>(v, vectors, shares[i], ahead_k.of(i, shares[i]));
}

// Adds positions from `from` on, which lie in cache block `block`, to the tile's first `count` rows; block
// `next` follows, or is negative.
template <typename T>
void add_block(Tile& tile, const Run& run, int kv_head, int count, int64_t from, int64_t block,
               int64_t next) {
  const AttentionPlan& plan = *tile.plan;
  const int dv = plan.dv, vectors = (dv + 15) / 16;
  find_shares(tile, count, from);
  if (tile.share_count == 0) return;
  const auto k = keys_at(tile, run, block, kv_head, T{});
  const auto v = values_at(tile, run, block, kv_head, T{});
  const PlainRows<float> k_panel = {tile.k_panel, kBlock}, v_panel = {tile.v_panel, vectors * 16};
  const bool converted = kConvertOnce && sizeof(T) < 4 && count > kShare;
  if (converted) convert(k, plan.d, kBlock / 16, tile.k_panel);
  if (dv % 16 != 0) {
    for (int j = 0; j < kBlock; ++j) {
      T padded[kMaxDim + 16] = {};
      std::memcpy(padded, v.p + j * dv, sizeof(T) * dv);
      convert(PlainRows<T>{padded, 0}, 1, vectors, tile.v_panel + j * vectors * 16);
    }
  } else if (converted) {
    convert(v, kBlock, vectors, tile.v_panel);
  }
  const void* next_k =
      next < 0 ? nullptr : head_at<T>(plan, run, kK, next, kv_head, int64_t{kBlock} * plan.d);
  const int64_t k_bytes = sizeof(T) * kBlock * plan.d, v_bytes = sizeof(T) * kBlock * dv;
  if (converted) return add_rows(tile, k_panel, v_panel, nullptr, 0, next_k, k_bytes);
  if (dv % 16 != 0) return add_rows(tile, k, v_panel, nullptr, 0, next_k, k_bytes);
  add_rows(tile, k, v, v.p, v_bytes, next_k, k_bytes);
}

}  // namespace
}  // namespace isthmus::cpu::ISTHMUS_ISA
