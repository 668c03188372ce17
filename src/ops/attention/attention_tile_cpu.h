// SPDX-License-Identifier: Apache-2.0
// Some query rows that share one key head, and one block of 64 positions added to them: attention on the CPU.
#pragma once

#include "devices/cpu/elementary.h"
#include "devices/cpu/kernel.h"
#include "ops/attention/attention_panels_cpu.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int kMaxDim = 1024;         // of a head
constexpr int kMaxRows = 48;          // of a tile
constexpr int kAccumulators = 12288;  // floats of a tile's accumulators, and of its gathered queries

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

// On the stack of the thread that works on it.
struct Tile {
  const AttentionPlan* plan;
  Row rows[kMaxRows];
  alignas(64) float scores[kMaxRows][kBlock];
  alignas(64) float acc[kAccumulators];
  alignas(64) float q[kAccumulators];
  alignas(64) float panel[kBlock * (kMaxDim + 16)];  // a block of keys or values as F32
  alignas(64) float k_scales[kBlock * kMaxDim / kScaleBlock],
      v_scales[kBlock * kMaxDim / kScaleBlock];  // of a block
};

// Turns 64 raw dot products into p and moves m and l on; returns the factor for what was accumulated before.
inline float softmax_step(const AttentionPlan& plan, Row& row, const float* raw, float* p, int first,
                          int last) {
  F32x16 v[4];
  const bool partial = first > 0 || last < kBlock;
  for (int i = 0; i < 4; ++i) v[i] = load(raw + 16 * i) * plan.scale;
  if (plan.cap > 0)
    for (int i = 0; i < 4; ++i) v[i] = elementary::tanh(v[i] / plan.cap) * plan.cap;
  if (partial) {
    for (int i = 0; i < 4; ++i) {
      const I32x16 lane = lane_numbers() + 16 * i;
      v[i] = select((lane >= first) & (lane < last), v[i], set1(-elementary::kInfinity));
    }
  }
  const float top = max_lanes_loose(max_loose(max_loose(v[0], v[1]), max_loose(v[2], v[3])));
  const float m = top > row.m ? top : row.m;
  // exp(0) is 1; where both are infinite l is NaN with either.
  const float c = m == row.m ? 1.0f : elementary::exp(row.m - m);
  for (int i = 0; i < 4; ++i) {
    v[i] = elementary::exp(v[i] - m);
    store(p + 16 * i, v[i]);
  }
  row.l = elementary::fma(row.l, c, sum_lanes(((v[0] + v[1]) + v[2]) + v[3]));
  row.m = m;
  row.sees = true;
  return c;
}

// What one block of positions needs of the rows that see some of it.
struct BlockRows {
  Row* rows[kMaxRows];
  const float* q[kMaxRows];
  const float* p[kMaxRows];
  float* scores[kMaxRows];
  float* acc[kMaxRows];
  float factor[kMaxRows];
  int first[kMaxRows], last[kMaxRows];
  int count;
};
inline void gather_rows(Tile& tile, Row* rows, int count, int64_t from, BlockRows& block) {
  block.count = 0;
  for (int r = 0; r < count; ++r) {
    if (rows[r].begin >= from + kBlock || rows[r].end <= from || rows[r].begin >= rows[r].end) continue;
    const int n = block.count++;
    block.rows[n] = &rows[r];
    block.q[n] = rows[r].q;
    block.acc[n] = rows[r].acc;
    block.p[n] = block.scores[n] = tile.scores[n];
    block.first[n] = rows[r].first(from);
    block.last[n] = rows[r].last(from);
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

// Whether so many rows are worth a copy of the panel in F32. With AVX-512 F16 and BF16 are converted behind
// the products.
template <typename T>
bool worth_converting(int rows) {
  return rows > kShare && (sizeof(T) == 1 || (sizeof(T) == 2 && kConvertOnce));
}

// `next` is what to prefetch meanwhile, or null.
template <typename T>
void score_block(Tile& tile, const Run& run, int64_t at, int kv_head, const BlockRows& block,
                 const void* next) {
  const int d = tile.plan->d;
  const auto k = keys_at(tile, run, at, kv_head, T{});
  const bool converted = worth_converting<T>(block.count);
  if (converted) convert(k, d, kBlock / 16, tile.panel);
  const PlainRows<float> panel = {tile.panel, kBlock};
  for (int r = 0; r < block.count; r += kShare) {
    const int n = block.count - r < kShare ? block.count - r : kShare;
    int last = 0;  // later positions are masked: their scores are not worked out
    for (int i = 0; i < n; ++i)
      if (block.last[r + i] > last) last = block.last[r + i];
    const int vectors = (last + 15) / 16;
    if (converted)
      rows_panels(n, block.q + r, panel, 0, d, block.scores + r, nullptr, vectors);
    else
      rows_panels(n, block.q + r, k, 0, d, block.scores + r, nullptr, vectors, r == 0 ? next : nullptr);
  }
}

// Rows of so many whole vectors.
template <typename Rows>
void weigh_rows(const Rows& v, int vectors, const BlockRows& block, const void* next) {
  for (int r = 0; r < block.count; r += kShare) {
    const int n = block.count - r < kShare ? block.count - r : kShare;
    weigh_values(n, block.p + r, v, block.first + r, block.last + r, block.acc + r, block.factor + r, vectors,
                 r == 0 ? next : nullptr);
  }
}

template <typename T>
void weigh_block(Tile& tile, const Run& run, int64_t at, int kv_head, const BlockRows& block,
                 const void* next) {
  const int dv = tile.plan->dv, vectors = (dv + 15) / 16;
  const auto v = values_at(tile, run, at, kv_head, T{});
  const PlainRows<float> panel = {tile.panel, vectors * 16};
  if (dv % 16 != 0) {
    for (int j = 0; j < kBlock; ++j) {
      T padded[kMaxDim + 16] = {};
      std::memcpy(padded, v.p + j * dv, sizeof(T) * dv);
      convert(PlainRows<T>{padded, 0}, 1, vectors, tile.panel + j * vectors * 16);
    }
    weigh_rows(panel, vectors, block, nullptr);
  } else if (worth_converting<T>(block.count)) {
    convert(v, kBlock, vectors, tile.panel);
    weigh_rows(panel, vectors, block, nullptr);
  } else {
    weigh_rows(v, vectors, block, next);
  }
}

// Adds cache block `at`; `next` follows it, or is negative.
template <typename T>
void add_block(Tile& tile, const Run& run, int64_t at, int kv_head, BlockRows& block, int64_t next) {
  const AttentionPlan& plan = *tile.plan;
  score_block<T>(tile, run, at, kv_head, block,
                 head_at<T>(plan, run, kV, at, kv_head, int64_t{kBlock} * plan.dv));
  for (int r = 0; r < block.count; ++r)
    block.factor[r] =
        softmax_step(plan, *block.rows[r], block.scores[r], block.scores[r], block.first[r], block.last[r]);
  weigh_block<T>(tile, run, at, kv_head, block,
                 next < 0 ? nullptr : head_at<T>(plan, run, kK, next, kv_head, int64_t{kBlock} * plan.d));
}

}  // namespace
}  // namespace isthmus::cpu::ISTHMUS_ISA
