// SPDX-License-Identifier: Apache-2.0
// attention on the CPU. Work is cut into tiles: some tokens times the heads that share one key head. A tile
// walks over the blocks of 64 positions its rows see; up to six rows at a time share every load of keys and
// values.
#include "devices/cpu/elementary.h"
#include "devices/cpu/kernel.h"
#include "devices/cpu/simd.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int kBlock = 64;
constexpr int kMaxDim = 1024;         // of a head
constexpr int kMaxRows = 48;          // of a tile
constexpr int kAccumulators = 12288;  // floats of a tile's accumulators, and of its gathered queries
constexpr int kShare = 6;             // rows that share a load
#if defined(__AVX512F__)
constexpr int kWidth =
    4;  // vectors of a panel worked on at a time: kShare * kWidth accumulators fit the registers
#else
constexpr int kWidth = 1;
#endif

enum { kQ, kK, kV, kTable, kSequence, kPositions, kLengths, kSinks, kOut };

struct AttentionPlan {
  float scale, cap;
  int64_t window;
  bool causal, lengths, sinks;
  isthmus_dtype_t cache;
  int d, dv, group, kv_heads;
  int tile_tokens;  // per tile
  int head_chunk;   // heads of a group per tile
};

const char* prepare_attention(const isthmus_op_query_t& query, Plan& plan) {
  AttentionPlan& p = plan_data<AttentionPlan>(plan);
  const isthmus_operand_t &q = query.operands[kQ], &k = query.operands[kK], &v = query.operands[kV];
  if (!k.contiguous || !v.contiguous) return "the cache is not contiguous";
  if (!query.operands[kOut].contiguous) return "the output is not contiguous";
  p.d = static_cast<int>(q.dims[2]);
  p.dv = static_cast<int>(v.dims[3]);
  if (q.dims[2] > kMaxDim || v.dims[3] > kMaxDim) return "heads of more than 1024 numbers";
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
  return nullptr;
}

// ---- Panels: c[r] = chain over k of a[r][k] * b[k][0 … 16 W)
// ------------------------------------------------------

ISTHMUS_SIMD F32x16 load_as_f32(const float* p) { return load(p); }
struct F16 {
  uint16_t bits;
};
struct BF16 {
  uint16_t bits;
};
ISTHMUS_SIMD F32x16 load_as_f32(const F16* p) { return load_f16(&p->bits); }
ISTHMUS_SIMD F32x16 load_as_f32(const BF16* p) { return load_bf16(&p->bits); }

// Continues the chains in c, after c[r] *= factor[r]; with null factors they start at +0.
template <int R, int W, typename T>
ISTHMUS_SIMD void panel(const float* const* a, const T* b, int64_t ldb, int k0, int k1, float* const* c,
                        const float* factor) {
  F32x16 acc[R][W];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) acc[r][w] = factor ? load(c[r] + 16 * w) * factor[r] : set1(0.0f);
  for (int k = k0; k < k1; ++k) {
    F32x16 x[W];
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) x[w] = load_as_f32(b + k * ldb + 16 * w);
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
template <int R, typename T>
void panels(const float* const* a, const T* b, int64_t ldb, int k0, int k1, float* const* c,
            const float* factor, int vectors) {
  float* at[R];
  for (int v = 0; v < vectors;) {
    for (int r = 0; r < R; ++r) at[r] = c[r] + 16 * v;
    if (v + kWidth <= vectors) {
      panel<R, kWidth>(a, b + 16 * v, ldb, k0, k1, at, factor);
      v += kWidth;
    } else {
      panel<R, 1>(a, b + 16 * v, ldb, k0, k1, at, factor);
      v += 1;
    }
  }
}
// Any number of rows up to kShare.
template <typename T>
void rows_panels(int rows, const float* const* a, const T* b, int64_t ldb, int k0, int k1, float* const* c,
                 const float* factor, int vectors) {
  switch (rows) {
    case 1: return panels<1>(a, b, ldb, k0, k1, c, factor, vectors);
    case 2: return panels<2>(a, b, ldb, k0, k1, c, factor, vectors);
    case 3: return panels<3>(a, b, ldb, k0, k1, c, factor, vectors);
    case 4: return panels<4>(a, b, ldb, k0, k1, c, factor, vectors);
    case 5: return panels<5>(a, b, ldb, k0, k1, c, factor, vectors);
    default: return panels<kShare>(a, b, ldb, k0, k1, c, factor, vectors);
  }
}

// ---- One block's softmax step
// -------------------------------------------------------------------------------------

struct Row {
  const float* q;
  float* acc;  // dv rounded up to vectors
  float m, l;
  int64_t begin, end;  // visible positions
  int64_t token;
  int head;
  bool sees;
};

// Turns 64 raw dot products into p and moves m and l on; returns the factor for what was accumulated before.
float softmax_step(const AttentionPlan& plan, Row& row, float* s, int first, int last) {
  F32x16 v[4];
  const bool partial = first > 0 || last < kBlock;
  F32x16 top = set1(row.m);
  for (int i = 0; i < 4; ++i) {
    v[i] = load(s + 16 * i) * plan.scale;
    if (plan.cap > 0) v[i] = elementary::tanh(v[i] / plan.cap) * plan.cap;
    if (partial) {
      const I32x16 lane = lane_numbers() + 16 * i;
      v[i] = select((lane >= first) & (lane < last), v[i], set1(-elementary::kInfinity));
    }
    top = max_loose(v[i], top);
  }
  const float m = max_lanes_loose(top);
  const float c = elementary::exp(row.m - m);
  F32x16 sum = set1(0.0f);
  for (int i = 0; i < 4; ++i) {
    v[i] = elementary::exp(v[i] - m);
    store(s + 16 * i, v[i]);
    sum = sum + v[i];
  }
  row.l = elementary::fma(row.l, c, sum_lanes(sum));
  row.m = m;
  row.sees = true;
  return c;
}

// ---- Tiles
// --------------------------------------------------------------------------------------------------------

template <typename T>
void to_f32(const T* from, int64_t count, float* to) {
  for (int64_t i = 0; i < count; i += 16) store(to + i, load_as_f32(from + i));
}

struct Tile {
  const AttentionPlan* plan;
  Row rows[kMaxRows];
  int count;
  alignas(64) float scores[kMaxRows][kBlock];
  alignas(64) float acc[kAccumulators];
  alignas(64) float q[kAccumulators];
  alignas(64) float panel[kBlock * (kMaxDim + 16)];  // a block of keys or values as F32
};

// p v for up to kShare rows whose visible positions [first, last) may differ.
template <typename T>
void weigh_values(int rows, const float* const* p, const T* v, int64_t ldv, const int* first, const int* last,
                  float* const* acc, const float* factor, int vectors) {
  int k0 = first[0], k1 = last[0];
  bool alike = true;
  for (int r = 1; r < rows; ++r) {
    alike = alike && first[r] == first[0] && last[r] == last[0];
    if (first[r] > k0) k0 = first[r];
    if (last[r] < k1) k1 = last[r];
  }
  if (alike) return rows_panels(rows, p, v, ldv, k0, k1, acc, factor, vectors);
  static const float kOnes[kShare] = {1, 1, 1, 1, 1, 1};
  if (k1 <= k0) {
    for (int r = 0; r < rows; ++r)
      rows_panels(1, p + r, v, ldv, first[r], last[r], acc + r, factor + r, vectors);
    return;
  }
  for (int r = 0; r < rows; ++r) rows_panels(1, p + r, v, ldv, first[r], k0, acc + r, factor + r, vectors);
  rows_panels(rows, p, v, ldv, k0, k1, acc, kOnes, vectors);
  for (int r = 0; r < rows; ++r)
    if (k1 < last[r]) rows_panels(1, p + r, v, ldv, k1, last[r], acc + r, kOnes, vectors);
}

// One block of keys and values for the rows that see some of it.
template <typename T>
void add_block(Tile& tile, const T* k, const T* v, int64_t from, Row* const* rows, int count) {
  const AttentionPlan& plan = *tile.plan;
  const int vectors = (plan.dv + 15) / 16;
  const bool convert = sizeof(T) == 2 && count > kShare;
  const float *a[kMaxRows], *p[kMaxRows];
  float *s[kMaxRows], *acc[kMaxRows], factor[kMaxRows];
  int first[kMaxRows], last[kMaxRows];
  for (int r = 0; r < count; ++r) {
    a[r] = rows[r]->q;
    acc[r] = rows[r]->acc;
    p[r] = s[r] = tile.scores[r];
    first[r] = rows[r]->begin > from ? static_cast<int>(rows[r]->begin - from) : 0;
    last[r] = rows[r]->end - from < kBlock ? static_cast<int>(rows[r]->end - from) : kBlock;
  }
  if (convert) to_f32(k, static_cast<int64_t>(plan.d) * kBlock, tile.panel);
  for (int r = 0; r < count; r += kShare) {
    const int n = count - r < kShare ? count - r : kShare;
    if (convert)
      rows_panels(n, a + r, tile.panel, kBlock, 0, plan.d, s + r, nullptr, kBlock / 16);
    else
      rows_panels(n, a + r, k, kBlock, 0, plan.d, s + r, nullptr, kBlock / 16);
  }
  for (int r = 0; r < count; ++r) factor[r] = softmax_step(plan, *rows[r], s[r], first[r], last[r]);

  int64_t ldv = plan.dv;
  const bool repack = convert || plan.dv % 16 != 0;  // rows of values padded to whole vectors
  if (repack) {
    ldv = vectors * 16;
    if (plan.dv % 16 == 0) {
      to_f32(v, static_cast<int64_t>(plan.dv) * kBlock, tile.panel);
    } else {
      for (int j = 0; j < kBlock; ++j) {
        T padded[kMaxDim + 16] = {};
        std::memcpy(padded, v + j * plan.dv, sizeof(T) * plan.dv);
        to_f32(padded, ldv, tile.panel + j * ldv);
      }
    }
  }
  for (int r = 0; r < count; r += kShare) {
    const int n = count - r < kShare ? count - r : kShare;
    if (repack)
      weigh_values(n, p + r, tile.panel, ldv, first + r, last + r, acc + r, factor + r, vectors);
    else
      weigh_values(n, p + r, v, ldv, first + r, last + r, acc + r, factor + r, vectors);
  }
}

// Rows of one sequence and key head over all blocks they see.
template <typename T>
void walk_blocks(Tile& tile, const Run& run, int64_t sequence, int kv_head, Row* rows, int count) {
  const AttentionPlan& plan = *tile.plan;
  const isthmus_tensor_arg_t& table = run.operands[kTable];
  const int64_t blocks = run.operands[kK].dims[0];
  int64_t low = rows[0].begin, high = rows[0].end;
  for (int r = 1; r < count; ++r) {
    if (rows[r].begin < low) low = rows[r].begin;
    if (rows[r].end > high) high = rows[r].end;
  }
  for (int64_t from = low / kBlock * kBlock; from < high; from += kBlock) {
    const int64_t block =
        run.data<const int32_t>(kTable)[sequence * table.strides[0] + from / kBlock * table.strides[1]];
    if (block < 0 || block >= blocks) continue;
    Row* active[kMaxRows];
    int n = 0;
    for (int r = 0; r < count; ++r)
      if (rows[r].begin < from + kBlock && rows[r].end > from && rows[r].begin < rows[r].end)
        active[n++] = &rows[r];
    if (n == 0) continue;
    const int64_t at = block * plan.kv_heads + kv_head;
    add_block(tile, run.data<const T>(kK) + at * plan.d * kBlock,
              run.data<const T>(kV) + at * plan.dv * kBlock, from, active, n);
  }
}

void finish_row(const AttentionPlan& plan, const Run& run, Row& row) {
  if (plan.sinks) {
    const float sink = run.data<const float>(kSinks)[row.head * run.operands[kSinks].strides[0]];
    const float m = sink > row.m ? sink : row.m;
    const float c = elementary::exp(row.m - m);
    row.l = elementary::fma(row.l, c, elementary::exp(sink - m));
    for (int i = 0; i < plan.dv; ++i) row.acc[i] *= c;
    row.sees = true;
  }
  float* out = run.data<float>(kOut) + (row.token * plan.group * plan.kv_heads + row.head) * plan.dv;
  for (int i = 0; i < plan.dv; ++i) out[i] = row.sees ? row.acc[i] / row.l : 0.0f;
}

int64_t index_at(const Run& run, int operand, int64_t i) {
  return run.data<const int32_t>(operand)[i * run.operands[operand].strides[0]];
}

// Tokens [t0, t1), heads [h0, h1) of the group that shares kv_head.
void run_tile(Tile& tile, const Run& run, int kv_head, int64_t t0, int64_t t1, int h0, int h1) {
  const AttentionPlan& plan = *tile.plan;
  const isthmus_tensor_arg_t &q = run.operands[kQ], &table = run.operands[kTable];
  const int padded = (plan.dv + 15) / 16 * 16;
  for (int64_t t = t0; t < t1;) {
    const int64_t sequence = index_at(run, kSequence, t);
    int count = 0;
    for (; t < t1 && index_at(run, kSequence, t) == sequence; ++t) {
      const int64_t position = index_at(run, kPositions, t);
      int64_t begin = 0, end = 0;
      if (sequence >= 0 && sequence < table.dims[0]) {
        end = plan.causal ? position + 1 : index_at(run, kLengths, sequence);
        if (end > table.dims[1] * kBlock) end = table.dims[1] * kBlock;
        if (end < 0) end = 0;
      }
      if (plan.window > 0 && position + 1 - plan.window > 0) begin = position + 1 - plan.window;
      for (int h = h0; h < h1; ++h, ++count) {
        Row& row = tile.rows[count];
        row.head = kv_head * plan.group + h;
        row.token = t;
        row.begin = begin;
        row.end = end;
        row.m = -elementary::kInfinity;
        row.l = 0;
        row.sees = false;
        row.acc = tile.acc + count * padded;
        for (int i = 0; i < padded; ++i) row.acc[i] = 0;
        const float* from = run.data<const float>(kQ) + t * q.strides[0] + row.head * q.strides[1];
        row.q = from;
        if (q.strides[2] != 1) {
          float* to = tile.q + count * plan.d;
          for (int i = 0; i < plan.d; ++i) to[i] = from[i * q.strides[2]];
          row.q = to;
        }
      }
    }
    if (plan.cache == ISTHMUS_F32)
      walk_blocks<float>(tile, run, sequence, kv_head, tile.rows, count);
    else if (plan.cache == ISTHMUS_F16)
      walk_blocks<F16>(tile, run, sequence, kv_head, tile.rows, count);
    else
      walk_blocks<BF16>(tile, run, sequence, kv_head, tile.rows, count);
    for (int r = 0; r < count; ++r) finish_row(plan, run, tile.rows[r]);
  }
}

void run_attention(const Run& run, const Team& team) {
  const AttentionPlan& plan = plan_data<AttentionPlan>(*run.plan);
  Tile tile;
  tile.plan = &plan;
  const int64_t tokens = run.operands[kQ].dims[0];
  const int64_t token_tiles = (tokens + plan.tile_tokens - 1) / plan.tile_tokens;
  const int chunks = (plan.group + plan.head_chunk - 1) / plan.head_chunk;
  int64_t begin, end;
  while (team.take(token_tiles * plan.kv_heads * chunks, 1, &begin, &end)) {
    const int chunk = static_cast<int>(begin % chunks),
              kv_head = static_cast<int>(begin / chunks % plan.kv_heads);
    const int64_t t0 = begin / chunks / plan.kv_heads * plan.tile_tokens;
    const int64_t t1 = t0 + plan.tile_tokens < tokens ? t0 + plan.tile_tokens : tokens;
    const int h0 = chunk * plan.head_chunk;
    const int h1 = h0 + plan.head_chunk < plan.group ? h0 + plan.head_chunk : plan.group;
    run_tile(tile, run, kv_head, t0, t1, h0, h1);
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(attention,
                    {"attention", "tiles of shared loads", prepare_attention, run_attention, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
