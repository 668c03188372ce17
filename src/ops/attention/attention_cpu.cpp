// SPDX-License-Identifier: Apache-2.0
// attention on the CPU. Work is cut into tiles: some tokens times the heads that share one key head. A tile
// walks over the blocks of 64 positions its rows see; up to six rows at a time share every load of keys and
// values.
//
// Few tokens make few tiles. Then, in phase 0, the threads share out the blocks (dot products do not depend
// on each other) and, in phase 1, the columns of the values: both keep every chain in its order.
#include "ops/attention/attention_tile_cpu.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int kMaxSplitTokens = 4;
constexpr int64_t kMaxScoreBytes = int64_t{32} << 20;
constexpr int kColumns = 32;  // of values that a thread takes at least: a cache line of F16

const char* prepare_attention(const isthmus_op_query_t& query, Plan& plan) {
  AttentionPlan& p = plan_data<AttentionPlan>(plan);
  const isthmus_operand_t &q = query.operands[kQ], &k = query.operands[kK], &v = query.operands[kV];
  constexpr int kCaches[] = {kK, kV, kKScales, kVScales};
  for (const int i : kCaches)
    if (query.operands[i].dtype != ISTHMUS_DTYPE_INVALID && !query.operands[i].contiguous)
      return "the cache is not contiguous";
  if (!query.operands[kOut].contiguous) return "the output is not contiguous";
  if (q.dims[2] > kMaxDim || v.dims[3] > kMaxDim) return "heads of more than 1024 numbers";
  p.d = static_cast<int>(q.dims[2]);
  p.dv = static_cast<int>(v.dims[3]);
  p.scale = static_cast<float>(attribute_float(query, "scale"));
  if (p.scale == 0) p.scale = static_cast<float>(1.0 / __builtin_sqrt(static_cast<double>(p.d)));
  p.cap = static_cast<float>(attribute_float(query, "soft_cap"));
  p.window = attribute_int(query, "window");
  p.causal = attribute_int(query, "causal") != 0;
  p.lengths = query.operands[kLengths].dtype != ISTHMUS_DTYPE_INVALID;
  p.sinks = query.operands[kSinks].dtype != ISTHMUS_DTYPE_INVALID;
  p.cache = k.dtype;
  p.kv_heads = static_cast<int>(k.dims[1]);
  p.group = p.kv_heads > 0 ? static_cast<int>(q.dims[1] / k.dims[1]) : 1;
  const int widest = (p.d > p.dv ? p.d : p.dv) + 16;
  int rows = kAccumulators / widest;
  if (rows > kMaxRows) rows = kMaxRows;
  p.head_chunk = p.group < rows ? p.group : rows;
  p.tile_tokens = rows / p.head_chunk;
  plan.heavy = true;

  p.score_positions = query.operands[kTable].dims[1] * kBlock;
  const int64_t score_bytes = q.dims[1] * p.score_positions * static_cast<int64_t>(sizeof(float));
  if (p.head_chunk == p.group && p.dv % kColumns == 0 && p.dv > 0 && score_bytes > 0) {
    const int64_t most = kMaxScoreBytes / score_bytes;
    p.split_tokens = static_cast<int>(most < kMaxSplitTokens ? most : kMaxSplitTokens);
    if (p.split_tokens > q.dims[0]) p.split_tokens = static_cast<int>(q.dims[0]);
    plan.workspace_bytes = static_cast<uint64_t>(p.split_tokens * score_bytes);
    plan.phases = p.split_tokens > 0 ? 2 : 1;
  }
  return nullptr;
}

int64_t index_at(const Run& run, int operand, int64_t i) {
  return run.data<const int32_t>(operand)[i * run.operands[operand].strides[0]];
}
// The cache block of positions from, from + 1, …; negative where there is none.
int64_t block_at(const Run& run, int64_t sequence, int64_t from) {
  const isthmus_tensor_arg_t& table = run.operands[kTable];
  const int64_t block =
      run.data<const int32_t>(kTable)[sequence * table.strides[0] + from / kBlock * table.strides[1]];
  return block < run.operands[kK].dims[0] ? block : -1;
}

// Positions [begin, end) that token t sees.
struct Visible {
  int64_t sequence, begin, end;
  int64_t first_block() const { return begin / kBlock; }
  int64_t blocks() const { return begin < end ? (end + kBlock - 1) / kBlock - begin / kBlock : 0; }
};
Visible visible(const AttentionPlan& plan, const Run& run, int64_t t) {
  const isthmus_tensor_arg_t& table = run.operands[kTable];
  const int64_t sequence = index_at(run, kSequence, t), position = index_at(run, kPositions, t);
  Visible v{sequence, 0, 0};
  if (sequence >= 0 && sequence < table.dims[0]) {
    v.end = plan.causal ? position + 1 : index_at(run, kLengths, sequence);
    if (v.end > table.dims[1] * kBlock) v.end = table.dims[1] * kBlock;
  }
  if (plan.window > 0 && position + 1 > plan.window) v.begin = position + 1 - plan.window;
  return v;
}

void start_row(Tile& tile, const Run& run, int at, int64_t token, int head, const Visible& v) {
  const AttentionPlan& plan = *tile.plan;
  const isthmus_tensor_arg_t& q = run.operands[kQ];
  const int padded = (plan.dv + 15) / 16 * 16;
  Row& row = tile.rows[at];
  row.head = head;
  row.token = token;
  row.begin = v.begin;
  row.end = v.end;
  row.m = -elementary::kInfinity;
  row.l = 0;
  row.sees = false;
  row.acc = tile.acc + at * padded;
  for (int i = 0; i < padded; i += 16) store(row.acc + i, set1(0.0f));
  const float* from = run.data<const float>(kQ) + token * q.strides[0] + head * q.strides[1];
  // Rows of q often lie a multiple of 4 KiB apart, where their lines take each other's place in the cache.
  float* to = tile.q + at * (plan.d + 16);
  for (int i = 0; i < plan.d; ++i) to[i] = from[i * q.strides[2]];
  row.q = to;
}

// Columns [c0, c1) of the result.
void finish_row(const AttentionPlan& plan, const Run& run, Row& row, int c0, int c1) {
  float l = row.l, c = 1;
  bool sees = row.sees;
  if (plan.sinks) {
    const float sink = run.data<const float>(kSinks)[row.head * run.operands[kSinks].strides[0]];
    const float m = sink > row.m ? sink : row.m;
    c = elementary::exp(row.m - m);
    l = elementary::fma(l, c, elementary::exp(sink - m));
    sees = true;
  }
  float* out = run.data<float>(kOut) + (row.token * plan.group * plan.kv_heads + row.head) * plan.dv;
  for (int i = c0; i < c1; i += 16) {
    const F32x16 y = sees ? load(row.acc + i) * c / l : set1(0.0f);
    c1 - i >= 16 ? store(out + i, y) : store_n(out + i, y, c1 - i);
  }
}

// ---- Tiles
// ---------------------------------------------------------------------------------------------------------

// Rows of one sequence and key head over all blocks they see.
template <typename T>
void walk_blocks(Tile& tile, const Run& run, int64_t sequence, int kv_head, int count) {
  int64_t low = tile.rows[0].begin, high = tile.rows[0].end;
  for (int r = 1; r < count; ++r) {
    if (tile.rows[r].begin < low) low = tile.rows[r].begin;
    if (tile.rows[r].end > high) high = tile.rows[r].end;
  }
  tile.shares_whole = false;
  for (int64_t from = low / kBlock * kBlock; from < high; from += kBlock) {
    const int64_t block = block_at(run, sequence, from);
    if (block < 0) continue;
    const int64_t next = from + kBlock < high ? block_at(run, sequence, from + kBlock) : -1;
    add_block<T>(tile, run, kv_head, count, from, block, next);
  }
}

// Tokens [t0, t1), heads [h0, h1) of the group that shares kv_head.
template <typename T>
void run_tile(Tile& tile, const Run& run, int kv_head, int64_t t0, int64_t t1, int h0, int h1) {
  const AttentionPlan& plan = *tile.plan;
  for (int64_t t = t0; t < t1;) {
    const int64_t sequence = index_at(run, kSequence, t);
    int count = 0;
    for (; t < t1 && index_at(run, kSequence, t) == sequence; ++t) {
      const Visible v = visible(plan, run, t);
      for (int h = h0; h < h1; ++h) start_row(tile, run, count++, t, kv_head * plan.group + h, v);
    }
    walk_blocks<T>(tile, run, sequence, kv_head, count);
    for (int r = 0; r < count; ++r) finish_row(plan, run, tile.rows[r], 0, plan.dv);
  }
}

template <typename T>
void run_tiles(Tile& tile, const Run& run, const Team& team) {
  const AttentionPlan& plan = *tile.plan;
  const int64_t tokens = run.operands[kQ].dims[0];
  const int chunks = (plan.group + plan.head_chunk - 1) / plan.head_chunk;
  int64_t tile_tokens = plan.tile_tokens, tiles;
  const auto count_tiles = [&] { return (tokens + tile_tokens - 1) / tile_tokens * plan.kv_heads * chunks; };
  for (tiles = count_tiles(); tile_tokens > 1 && tiles < 4 * team.count(); tiles = count_tiles())
    tile_tokens = (tile_tokens + 1) / 2;  // some for every thread
  int64_t begin, end;
  while (team.take(tiles, 1, &begin, &end)) {
    const int64_t i = tiles - 1 - begin;  // the last tokens of a prompt see the most
    const int chunk = static_cast<int>(i % chunks), kv_head = static_cast<int>(i / chunks % plan.kv_heads);
    const int64_t t0 = i / chunks / plan.kv_heads * tile_tokens;
    const int64_t t1 = t0 + tile_tokens < tokens ? t0 + tile_tokens : tokens;
    const int h0 = chunk * plan.head_chunk;
    const int h1 = h0 + plan.head_chunk < plan.group ? h0 + plan.head_chunk : plan.group;
    run_tile<T>(tile, run, kv_head, t0, t1, h0, h1);
  }
}

// ---- Few tokens on several threads
// ----------------------------------------------------------------------------------

bool splits(const AttentionPlan& plan, const Run& run, const Team& team) {
  const int64_t tokens = run.operands[kQ].dims[0], tiles = tokens * plan.kv_heads;
  return team.count() > 1 && tokens <= plan.split_tokens && tiles < 4 * team.count() &&
         tiles % team.count() != 0;
}

// Where the raw scores of a row are kept, by absolute position.
float* scores_at(const AttentionPlan& plan, const Run& run, int64_t token, int head) {
  const int64_t row = token * plan.group * plan.kv_heads + head;
  return reinterpret_cast<float*>(run.workspace) + row * plan.score_positions;
}

// Phase 0: this thread's share of all (token, key head, block).
template <typename T>
void score_share(Tile& tile, const Run& run, const Team& team) {
  const AttentionPlan& plan = *tile.plan;
  const int64_t tokens = run.operands[kQ].dims[0];
  int64_t total = 0, begin, end;
  for (int64_t t = 0; t < tokens; ++t) total += visible(plan, run, t).blocks() * plan.kv_heads;
  team.split(total, 1, &begin, &end);
  Share share;
  int64_t unit = 0;
  for (int64_t t = 0; t < tokens; ++t) {
    const Visible v = visible(plan, run, t);
    for (int kv_head = 0; kv_head < plan.kv_heads; ++kv_head, unit += v.blocks()) {
      if (unit + v.blocks() <= begin || unit >= end) continue;
      for (int h = 0; h < plan.group; ++h) start_row(tile, run, h, t, kv_head * plan.group + h, v);
      const int64_t b0 = begin > unit ? begin - unit : 0,
                    b1 = end - unit < v.blocks() ? end - unit : v.blocks();
      for (int64_t b = b0; b < b1; ++b) {
        const int64_t from = (v.first_block() + b) * kBlock, block = block_at(run, v.sequence, from);
        if (block < 0) continue;
        const int64_t next = b + 1 < b1 ? block_at(run, v.sequence, from + kBlock) : -1;
        const void* next_k =
            next < 0 ? nullptr : head_at<T>(plan, run, kK, next, kv_head, int64_t{kBlock} * plan.d);
        const auto k = keys_at(tile, run, block, kv_head, T{});
        for (int at = 0; next_share(tile, plan.group, from, &at, share); next_k = nullptr) {
          for (int r = 0; r < share.count; ++r)
            share.raw[r] = scores_at(plan, run, t, share.rows[r]->head) + from;
          if (next_k)
            score<true>(k, plan.d, share, {static_cast<const char*>(next_k), 0});
          else
            score<false>(k, plan.d, share, Ahead(nullptr, 0, 1, 1).of(0, share));
        }
      }
    }
  }
}

// Phase 1: this thread's share of all (token, key head, columns of values).
template <typename T>
void value_share(Tile& tile, const Run& run, const Team& team) {
  const AttentionPlan& plan = *tile.plan;
  const int64_t tokens = run.operands[kQ].dims[0], chunks = plan.dv / kColumns;
  int64_t begin, end;
  team.split(tokens * plan.kv_heads * chunks, 1, &begin, &end);
  Share share;
  while (begin < end) {
    const int64_t unit = begin / chunks, t = unit / plan.kv_heads;
    const int kv_head = static_cast<int>(unit % plan.kv_heads);
    const int64_t stop = end < (unit + 1) * chunks ? end : (unit + 1) * chunks;
    const int c0 = static_cast<int>(begin - unit * chunks) * kColumns;
    const int c1 = static_cast<int>(stop - unit * chunks) * kColumns;
    begin = stop;
    const Visible v = visible(plan, run, t);
    for (int h = 0; h < plan.group; ++h) start_row(tile, run, h, t, kv_head * plan.group + h, v);
    for (int64_t b = 0; b < v.blocks(); ++b) {
      const int64_t from = (v.first_block() + b) * kBlock, block = block_at(run, v.sequence, from);
      if (block < 0) continue;
      const int64_t next = b + 1 < v.blocks() ? block_at(run, v.sequence, from + kBlock) : -1;
      if (next >= 0) {
        const T* ahead = head_at<T>(plan, run, kV, next, kv_head, int64_t{kBlock} * plan.dv) + c0;
        for (int j = 0; j < kBlock; ++j)
          for (int c = 0; c < c1 - c0; c += 64 / static_cast<int>(sizeof(T)))
            __builtin_prefetch(ahead + j * plan.dv + c);
      }
      const auto values = values_at(tile, run, block, kv_head, T{}).from(c0 / 16);
      for (int at = 0; next_share(tile, plan.group, from, &at, share);) {
        for (int r = 0; r < share.count; ++r) {
          share.raw[r] = scores_at(plan, run, t, share.rows[r]->head) + from;
          share.acc[r] += c0;
        }
        softmax_step(plan, share);
        weigh<false>(values, (c1 - c0) / 16, share, Ahead(nullptr, 0, 1, 1).of(0, share));
      }
    }
    for (int h = 0; h < plan.group; ++h) finish_row(plan, run, tile.rows[h], c0, c1);
  }
}

template <typename T>
void run_with(Tile& tile, const Run& run, const Team& team) {
  if (!splits(*tile.plan, run, team)) {
    if (run.phase == 0) run_tiles<T>(tile, run, team);
  } else if (run.phase == 0) {
    score_share<T>(tile, run, team);
  } else {
    value_share<T>(tile, run, team);
  }
}

void run_attention(const Run& run, const Team& team) {
  Tile tile;
  tile.plan = &plan_data<AttentionPlan>(*run.plan);
  switch (tile.plan->cache) {
    case ISTHMUS_F16: return run_with<F16>(tile, run, team);
    case ISTHMUS_BF16: return run_with<BF16>(tile, run, team);
    case ISTHMUS_I8: return run_with<Q8>(tile, run, team);
    default: return run_with<float>(tile, run, team);
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(attention,
                    {"attention", "tiles of shared loads", prepare_attention, run_attention, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
