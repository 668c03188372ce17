// SPDX-License-Identifier: Apache-2.0
// Some query rows that share one key head, and one block of 64 positions added to them: attention on the CPU.
#pragma once

#include "devices/cpu/elementary.h"
#include "devices/cpu/kernel.h"
#include "ops/attention/attention_panels_cpu.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int kBlock = 64;
constexpr int kMaxDim = 1024;         // of a head
constexpr int kMaxRows = 48;          // of a tile
constexpr int kAccumulators = 12288;  // floats of a tile's accumulators, and of its gathered queries

enum { kQ, kK, kV, kTable, kSequence, kPositions, kLengths, kSinks, kOut };

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

template <typename T>
void score_block(Tile& tile, const T* k, const BlockRows& block, const void* next) {
  const int d = tile.plan->d;
  const bool converted = kConvertOnce && sizeof(T) == 2 && block.count > kShare;
  if (converted) convert(k, static_cast<int64_t>(d) * kBlock, tile.panel);
  for (int r = 0; r < block.count; r += kShare) {
    const int n = block.count - r < kShare ? block.count - r : kShare;
    int last = 0;  // later positions are masked: their scores are not worked out
    for (int i = 0; i < n; ++i)
      if (block.last[r + i] > last) last = block.last[r + i];
    const int vectors = (last + 15) / 16;
    if (converted)
      rows_panels(n, block.q + r, tile.panel, kBlock, 0, d, block.scores + r, nullptr, vectors);
    else
      rows_panels(n, block.q + r, k, kBlock, 0, d, block.scores + r, nullptr, vectors,
                  r == 0 ? next : nullptr);
  }
}

// Values of the block, rows of ldv whole vectors.
template <typename T>
void weigh_block(const T* v, int64_t ldv, int vectors, const BlockRows& block, const void* next) {
  for (int r = 0; r < block.count; r += kShare) {
    const int n = block.count - r < kShare ? block.count - r : kShare;
    weigh_values(n, block.p + r, v, ldv, block.first + r, block.last + r, block.acc + r, block.factor + r,
                 vectors, r == 0 ? next : nullptr);
  }
}

template <typename T>
void add_block(Tile& tile, const T* k, const T* v, BlockRows& block, const void* next_k) {
  const AttentionPlan& plan = *tile.plan;
  score_block(tile, k, block, v);
  for (int r = 0; r < block.count; ++r)
    block.factor[r] =
        softmax_step(plan, *block.rows[r], block.scores[r], block.scores[r], block.first[r], block.last[r]);
  const int vectors = (plan.dv + 15) / 16;
  if (plan.dv % 16 != 0) {
    for (int j = 0; j < kBlock; ++j) {
      T padded[kMaxDim + 16] = {};
      std::memcpy(padded, v + j * plan.dv, sizeof(T) * plan.dv);
      convert(padded, vectors * 16, tile.panel + j * vectors * 16);
    }
    weigh_block(tile.panel, vectors * 16, vectors, block, nullptr);
  } else if (kConvertOnce && sizeof(T) == 2 && block.count > kShare) {
    convert(v, static_cast<int64_t>(plan.dv) * kBlock, tile.panel);
    weigh_block(tile.panel, plan.dv, vectors, block, nullptr);
  } else {
    weigh_block(v, plan.dv, vectors, block, next_k);
  }
}

}  // namespace
}  // namespace isthmus::cpu::ISTHMUS_ISA
