// SPDX-License-Identifier: Apache-2.0
// dense_attention on the CPU: 32 query rows of one key head at a time, side by side in vectors; keys and
// values are read as they lie.
#include "devices/cpu/elementary.h"
#include "ops/elementwise/blocks-inl.h"
#include "ops/matmul/dense_tile-inl.h"
#include "ops/matmul/transpose-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int kPositions = 64;        // of a block
constexpr int kTile = kDenseColumns;  // query rows
constexpr int kMaxDim = 1024;
constexpr int kKeys = 16;  // as F32 at a time

enum { kQ, kK, kV, kMask, kLengths, kSinks, kOut };

struct DensePlan {
  float scale, cap;
  int64_t before, after;
  bool align_end;
  isthmus_dtype_t q, kv, mask;
  int mask_rank;
  GatherFn load_q, load_kv, load_mask;
  ScatterFn store;
};

GatherFn loader(isthmus_dtype_t dtype) {
  return dtype == ISTHMUS_F16 ? gather_half : dtype == ISTHMUS_BF16 ? gather_bfloat : gather_plain<float>;
}

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  DensePlan& p = plan_data<DensePlan>(plan);
  const isthmus_operand_t &q = query.operands[kQ], &v = query.operands[kV];
  if (q.dims[3] > kMaxDim || v.dims[3] > kMaxDim) return "heads of more than 1024 numbers";
  p.scale = (float)attribute_float(query, "scale");
  if (p.scale == 0) p.scale = (float)(1.0 / __builtin_sqrt((double)q.dims[3]));
  p.cap = (float)attribute_float(query, "soft_cap");
  p.before = attribute_int(query, "before");
  p.after = attribute_int(query, "after");
  p.align_end = strcmp(attribute_string(query, "align"), "end") == 0;
  p.q = q.dtype;
  p.kv = v.dtype;
  p.mask = query.operands[kMask].dtype;
  p.mask_rank = query.operands[kMask].rank;
  p.load_q = loader(p.q);
  p.load_kv = loader(p.kv);
  p.load_mask = loader(p.mask);
  p.store = p.q == ISTHMUS_F16 ? scatter_half : p.q == ISTHMUS_BF16 ? scatter_bfloat : scatter_plain<float>;
  plan.heavy = true;
  return nullptr;
}

// Some rows of one key head, on the stack of the thread that works on them.
struct Tile {
  int count;                // of rows
  int64_t position[kTile];  // their own
  int64_t mask_at[kTile];
  alignas(64) float m[kTile], l[kTile];
  alignas(64) int32_t sees[kTile];
  alignas(64) float c[kTile];            // factor of what was accumulated before a block
  alignas(64) int32_t active[kTile];     // whether a row sees any of a block
  alignas(64) float q[kMaxDim * kTile];  // transposed: row by row side by side
  alignas(64) float scores[kPositions * kTile];
  alignas(64) float acc[kTile * (kMaxDim + 16)];
  alignas(64) float keys[kKeys * kMaxDim];
};

struct Job {
  const DensePlan& plan;
  const Run& run;
  int64_t batch, kv_head, length;
  int d, dv;
  int64_t mask_step;  // from position to position
  int64_t acc_stride() const { return (dv + kLanes - 1) / kLanes * kLanes; }
};

// Fetches the rows from `first` on of keys or values: with few query rows they are waited for, since they lie
// far apart.
void fetch_rows(const isthmus_tensor_arg_t& t, const unsigned char* first, int bytes, int count, int width) {
  for (int i = 0; i < count; ++i)
    for (int at = 0; at < width * bytes; at += 64)
      __builtin_prefetch(first + i * t.strides[2] * bytes + at, 0, 3);
}

// Dot products of every row with positions from … from + count - 1.
void multiply_keys(const Job& job, Tile& tile, int64_t from, int count) {
  const isthmus_tensor_arg_t& k = job.run.operands[kK];
  const int bytes = element_bytes(job.plan.kv);
  const unsigned char* keys =
      job.run.data<unsigned char>(kK) +
      (job.batch * k.strides[0] + job.kv_head * k.strides[1] + from * k.strides[2]) * bytes;
  const bool straight = job.plan.kv == ISTHMUS_F32 && k.strides[3] == 1;
  const isthmus_tensor_arg_t& v = job.run.operands[kV];
  if (tile.count <= kLanes && k.strides[3] == 1 && v.strides[3] == 1) {
    fetch_rows(v,
               job.run.data<unsigned char>(kV) +
                   (job.batch * v.strides[0] + job.kv_head * v.strides[1] + from * v.strides[2]) * bytes,
               bytes, count, job.dv);
    fetch_rows(k, keys + kPositions * k.strides[2] * bytes, bytes, kPositions, job.d);
  }
  for (int j = 0; j < count; j += kKeys) {
    const int n = count - j < kKeys ? count - j : kKeys;
    const void* x = keys + j * k.strides[2] * bytes;
    int64_t stride = k.strides[2];
    if (!straight) {
      for (int i = 0; i < n; ++i)
        job.plan.load_kv(tile.keys + i * job.d, keys + (j + i) * k.strides[2] * bytes, k.strides[3], job.d);
      x = tile.keys;
      stride = job.d;
    }
    const unsigned char* panel = (const unsigned char*)tile.q;
    float* y = tile.scores + j * kTile;
    if (tile.count > kLanes) {
      dense_panel<kDenseF32>(n, panel, job.d, x, stride, false, y, kTile, kTile);
      continue;
    }
    int r = 0;  // few rows: one vector of them
    for (; r + kDenseRows <= n; r += kDenseRows)
      dense_tile<kDenseF32, kDenseRows, 1>(panel, 0, job.d, (const float*)x + r * stride, stride, false,
                                           y + r * kTile, kTile, kLanes, {nullptr, 0});
    for (; r < n; ++r)
      dense_tile<kDenseF32, 1, 1>(panel, 0, job.d, (const float*)x + r * stride, stride, false, y + r * kTile,
                                  kTile, kLanes, {nullptr, 0});
  }
}

// What hides positions or adds to their scores: 16 rows of the mask at a time, turned to lie as scores do.
void apply_mask(const Job& job, Tile& tile, int64_t from, int count) {
  const isthmus_dtype_t dtype = job.plan.mask;
  if (dtype == ISTHMUS_DTYPE_INVALID) return;
  const bool hides = dtype == ISTHMUS_BOOL;
  const float unseen = -__builtin_inff();
  const int bytes = hides ? 1 : element_bytes(dtype);
  alignas(64) float lines[16][kPositions] = {};
  for (int r0 = 0; r0 < tile.count; r0 += 16) {
    for (int r = 0; r < 16 && r0 + r < tile.count; ++r) {
      const unsigned char* line =
          job.run.data<unsigned char>(kMask) + (tile.mask_at[r0 + r] + from * job.mask_step) * bytes;
      if (hides)
        for (int j = 0; j < count; ++j) lines[r][j] = line[j * job.mask_step] ? 0.0f : unseen;
      else
        job.plan.load_mask(lines[r], line, job.mask_step, count);
    }
    for (int j0 = 0; j0 < count; j0 += 16) {
      I32x16 turned[16];
      for (int r = 0; r < 16; ++r) turned[r] = bits(load(lines[r] + j0));
      transpose16(turned);
      for (int j = 0; j < 16 && j0 + j < count; ++j) {
        float* scores = tile.scores + (j0 + j) * kTile + r0;
        const F32x16 mask = from_bits(turned[j]), score = load(scores);
        store(scores, select(mask == set1(unseen), set1(unseen), hides ? score : score + mask));
      }
    }
  }
}

// Makes of scores what they weigh; true where any row sees any of the positions.
bool exponentiate(const Job& job, Tile& tile, int64_t from, int count) {
  const DensePlan& plan = job.plan;
  const F32x16 unseen = set1(-__builtin_inff());
  const int halves = tile.count > 16 ? 2 : 1;
  for (int j = 0; j < count; ++j)
    for (int h = 0; h < halves; ++h) {
      float* at = tile.scores + j * kTile + 16 * h;
      F32x16 score = load(at) * plan.scale;
      if (plan.cap > 0) score = elementary::tanh(score / plan.cap) * plan.cap;
      store(at, score);
    }
  apply_mask(job, tile, from, count);
  int32_t any_row = 0;
  for (int h = 0; h < halves; ++h) {
    float* scores = tile.scores + 16 * h;
    // The band a row sees, counted from the block's first position.
    int32_t low[16], high[16];
    bool whole = true;
    for (int r = 0; r < 16; ++r) {
      const int64_t position = tile.position[16 * h + r] - from;
      const int64_t first = plan.before < 0 ? 0 : position - plan.before;
      const int64_t last = 16 * h + r >= tile.count ? 0
                           : plan.after < 0         ? kPositions
                                                    : position + plan.after + 1;
      low[r] = (int32_t)(first < 0 ? 0 : first > kPositions ? kPositions : first);
      high[r] = (int32_t)(last < 0 ? 0 : last > kPositions ? kPositions : last);
      whole &= low[r] == 0 && high[r] >= count;
    }
    const I32x16 lows = load(low), highs = load(high);
    const F32x16 m = load(tile.m + 16 * h);
    F32x16 top = m;
    I32x16 active = set1(0);
    for (int j = 0; j < count; ++j) {
      F32x16 score = load(scores + j * kTile);
      if (!whole) {
        score = select((lows <= j) & (highs > j), score, unseen);
        store(scores + j * kTile, score);
      }
      active |= ~(score == unseen);
      top = select(score > top, score, top);
    }
    F32x16 lanes[16];
    for (int i = 0; i < 16; ++i) lanes[i] = set1(0.0f);
    for (int j = 0; j < count; ++j) {
      const F32x16 score = load(scores + j * kTile);
      const F32x16 p = select(score == unseen, set1(0.0f), elementary::exp(score - top));
      store(scores + j * kTile, p);
      lanes[j % 16] = lanes[j % 16] + p;
    }
    for (int step = 8; step > 0; step /= 2)
      for (int i = 0; i < step; ++i) lanes[i] = lanes[i] + lanes[i + step];
    const F32x16 c = elementary::exp(m - top), l = load(tile.l + 16 * h);
    store(tile.c + 16 * h, c);
    store(tile.l + 16 * h, select(active, fma(l, c, lanes[0]), l));
    store(tile.m + 16 * h, select(active, top, m));
    store(tile.active + 16 * h, active);
    store(tile.sees + 16 * h, load(tile.sees + 16 * h) | active);
    for (int r = 0; r < 16; ++r) any_row |= tile.active[16 * h + r];
  }
  return any_row != 0;
}

// Values of one dtype as they lie.
template <isthmus_dtype_t kDtype>
ISTHMUS_SIMD LaneF32 load_values(const unsigned char* values, int64_t at) {
  if (kDtype == ISTHMUS_F16) return lane_load_f16(values + 2 * at);
  if (kDtype == ISTHMUS_F32) return lane_load<LaneF32>(values + 4 * at);
  typedef uint16_t Halves __attribute__((vector_size(2 * kLanes)));
  return (LaneF32)(__builtin_convertvector(lane_load<Halves>(values + 2 * at), LaneU32) << 16);
}

// acc = acc * c, then the chain over the positions, of kRows rows and kGroups vectors.
template <isthmus_dtype_t kDtype, int kRows, int kGroups>
__attribute__((noinline)) void values_tile(const unsigned char* values, int64_t stride, const float* p,
                                           int count, const float* c, float* acc, int64_t acc_stride) {
  LaneF32 sum[kRows][kGroups];
  ISTHMUS_UNROLL
  for (int r = 0; r < kRows; ++r) ISTHMUS_UNROLL
  for (int g = 0; g < kGroups; ++g) sum[r][g] = lane_load<LaneF32>(acc + r * acc_stride + g * kLanes) * c[r];
  for (int j = 0; j < count; ++j) {
    LaneF32 v[kGroups];
    ISTHMUS_UNROLL
    for (int g = 0; g < kGroups; ++g) v[g] = load_values<kDtype>(values, j * stride + g * kLanes);
    ISTHMUS_UNROLL
    for (int r = 0; r < kRows; ++r) ISTHMUS_UNROLL
    for (int g = 0; g < kGroups; ++g) sum[r][g] = lane_fma(lane_set(p[j * kTile + r]), v[g], sum[r][g]);
  }
  ISTHMUS_UNROLL
  for (int r = 0; r < kRows; ++r) ISTHMUS_UNROLL
  for (int g = 0; g < kGroups; ++g)
    __builtin_memcpy(acc + r * acc_stride + g * kLanes, &sum[r][g], sizeof sum[r][g]);
}

#if defined(__AVX512F__)
constexpr int kValueRows = 8;
#else
constexpr int kValueRows = 4;
#endif

// The values of a block in columns `first` … first + dv - 1: whole vectors as they lie, the last numbers from
// a copy.
template <isthmus_dtype_t kDtype>
struct Values {
  const unsigned char* from;
  int64_t stride;
  int count, vectors, dv;
  alignas(64) unsigned char tail[kPositions * kLanes * 4];

  // kRows rows; kGroups vectors at a time, so that enough sums are under way.
  template <int kRows, int kGroups>
  void add(const float* p, const float* c, float* acc, int64_t acc_stride) const {
    constexpr int kBytes = kDtype == ISTHMUS_F32 ? 4 : 2;
    int g = 0;
    for (; g + kGroups <= vectors; g += kGroups)
      values_tile<kDtype, kRows, kGroups>(from + g * kLanes * kBytes, stride, p, count, c, acc + g * kLanes,
                                          acc_stride);
    for (; g < vectors; ++g)
      values_tile<kDtype, kRows, 1>(from + g * kLanes * kBytes, stride, p, count, c, acc + g * kLanes,
                                    acc_stride);
    if (g * kLanes < dv)
      values_tile<kDtype, kRows, 1>(tail, kLanes, p, count, c, acc + g * kLanes, acc_stride);
  }
};

template <isthmus_dtype_t kDtype>
void add_values(const Job& job, Tile& tile, const unsigned char* values, int64_t stride, int count, int first,
                int dv) {
  const int64_t acc_stride = job.acc_stride();
  const int bytes = kDtype == ISTHMUS_F32 ? 4 : 2, vectors = dv / kLanes, rest = dv % kLanes;
  Values<kDtype> block;
  block.from = values;
  block.stride = stride;
  block.count = count;
  block.vectors = vectors;
  block.dv = dv;
  for (int j = 0; j < count && rest > 0; ++j) {
    unsigned char* to = block.tail + j * kLanes * bytes;
    memcpy(to, values + (j * stride + vectors * kLanes) * bytes, rest * bytes);
    memset(to + rest * bytes, 0, (kLanes - rest) * bytes);
  }
  for (int r = 0; r < tile.count;) {
    int rows = 0;  // that see some of the block and follow each other
    while (r + rows < tile.count && rows < kValueRows && tile.active[r + rows]) ++rows;
    float* acc = tile.acc + r * acc_stride + first;
    const float *p = tile.scores + r, *c = tile.c + r;
    if (rows >= kValueRows) {
      block.template add<kValueRows, 2>(p, c, acc, acc_stride);
      r += kValueRows;
    } else if (rows >= 2) {
      block.template add<2, 4>(p, c, acc, acc_stride);
      r += 2;
    } else {
      if (rows == 1) block.template add<1, 4>(p, c, acc, acc_stride);
      ++r;
    }
  }
}

void add_block(const Job& job, Tile& tile, int64_t from, int count) {
  multiply_keys(job, tile, from, count);
  if (!exponentiate(job, tile, from, count)) return;
  const isthmus_tensor_arg_t& v = job.run.operands[kV];
  const int bytes = element_bytes(job.plan.kv);
  const unsigned char* values =
      job.run.data<unsigned char>(kV) +
      (job.batch * v.strides[0] + job.kv_head * v.strides[1] + from * v.strides[2]) * bytes;
  if (v.strides[3] != 1 && job.dv > 1) {  // gathered, some columns at a time
    constexpr int kColumns = 64;
    alignas(64) float gathered[kPositions * kColumns];
    for (int d = 0; d < job.dv; d += kColumns) {
      const int columns = job.dv - d < kColumns ? job.dv - d : kColumns;
      for (int j = 0; j < count; ++j)
        job.plan.load_kv(gathered + j * kColumns, values + (j * v.strides[2] + d * v.strides[3]) * bytes,
                         v.strides[3], columns);
      add_values<ISTHMUS_F32>(job, tile, (const unsigned char*)gathered, kColumns, count, d, columns);
    }
    return;
  }
  if (job.plan.kv == ISTHMUS_F32)
    add_values<ISTHMUS_F32>(job, tile, values, v.strides[2], count, 0, job.dv);
  else if (job.plan.kv == ISTHMUS_F16)
    add_values<ISTHMUS_F16>(job, tile, values, v.strides[2], count, 0, job.dv);
  else
    add_values<ISTHMUS_BF16>(job, tile, values, v.strides[2], count, 0, job.dv);
}

// Rows first … first + tile.count - 1 of those that share a key head: row by row within a head.
void run_tile(const Job& job, Tile& tile, int64_t first) {
  const DensePlan& plan = job.plan;
  const Run& run = job.run;
  const isthmus_tensor_arg_t &q = run.operands[kQ], &k = run.operands[kK], &mask = run.operands[kMask],
                             &sinks = run.operands[kSinks], &y = run.operands[kOut];
  const int64_t rows = q.dims[2], group = q.dims[1] / k.dims[1], acc_stride = job.acc_stride();
  const int bytes = element_bytes(plan.q);
  int64_t begin = job.length, end = 0;
  for (int64_t i = 0; i < job.d * kTile; ++i) tile.q[i] = 0;
  for (int64_t i = 0; i < tile.count * acc_stride; ++i) tile.acc[i] = 0;
  for (int r = 0; r < kTile; ++r) {
    tile.m[r] = -__builtin_inff();
    tile.l[r] = 0;
    tile.sees[r] = 0;
    tile.position[r] = 0;
    if (r >= tile.count) continue;
    const int64_t head = job.kv_head * group + (first + r) / rows, row = (first + r) % rows;
    tile.position[r] = row + (plan.align_end ? job.length - rows : 0);
    const int64_t low = plan.before < 0 ? 0 : tile.position[r] - plan.before;
    const int64_t high = plan.after < 0 ? job.length : tile.position[r] + plan.after + 1;
    begin = low < begin ? low : begin;
    end = high > end ? high : end;
    float numbers[kMaxDim];
    plan.load_q(numbers,
                run.data<unsigned char>(kQ) +
                    (job.batch * q.strides[0] + head * q.strides[1] + row * q.strides[2]) * bytes,
                q.strides[3], job.d);
    for (int d = 0; d < job.d; ++d) tile.q[d * kTile + r] = numbers[d];
    const int64_t index[3] = {job.batch, head, row};
    tile.mask_at[r] = 0;
    for (int i = 0; i < plan.mask_rank - 1; ++i)
      if (mask.dims[i] != 1) tile.mask_at[r] += index[4 - plan.mask_rank + i] * mask.strides[i];
  }
  begin = begin < 0 ? 0 : begin;
  end = end > job.length ? job.length : end;
  for (int64_t from = begin / kPositions * kPositions; from < end; from += kPositions)
    add_block(job, tile, from, (int)(job.length - from < kPositions ? job.length - from : kPositions));
  for (int r = 0; r < tile.count; ++r) {
    const int64_t head = job.kv_head * group + (first + r) / rows, row = (first + r) % rows;
    float* acc = tile.acc + r * acc_stride;
    if (sinks.address) {
      const float sink = run.data<float>(kSinks)[head * sinks.strides[0]];
      const float m = tile.m[r], top = sink > m ? sink : m, c = elementary::exp(m - top);
      tile.l[r] = __builtin_fmaf(tile.l[r], c, elementary::exp(sink - top));
      for (int d = 0; d < job.dv; ++d) acc[d] = acc[d] * c;
      tile.sees[r] = 1;
    }
    for (int d = 0; d < job.dv; ++d) acc[d] = tile.sees[r] ? acc[d] / tile.l[r] : 0.0f;
    plan.store(run.data<unsigned char>(kOut) +
                   (job.batch * y.strides[0] + head * y.strides[1] + row * y.strides[2]) * bytes,
               y.strides[3], acc, job.dv);
  }
}

void run_attention(const Run& run, const Team& team) {
  const DensePlan& plan = plan_data<DensePlan>(*run.plan);
  const isthmus_tensor_arg_t &q = run.operands[kQ], &k = run.operands[kK], &v = run.operands[kV],
                             &mask = run.operands[kMask], &lengths = run.operands[kLengths];
  const int64_t rows = q.dims[1] / k.dims[1] * q.dims[2], tiles = (rows + kTile - 1) / kTile;
  Tile tile;
  int64_t begin, end;
  while (team.take(q.dims[0] * k.dims[1] * tiles, 1, &begin, &end)) {
    const int64_t first = begin % tiles * kTile;
    Job job = {
        plan,           run, begin / tiles / k.dims[1], begin / tiles % k.dims[1], k.dims[2], (int)q.dims[3],
        (int)v.dims[3], 0};
    if (lengths.address) {
      const int64_t length = run.data<int32_t>(kLengths)[job.batch * lengths.strides[0]];
      job.length = length < 0 ? 0 : length < job.length ? length : job.length;
    }
    if (plan.mask_rank > 0 && mask.dims[plan.mask_rank - 1] != 1)
      job.mask_step = mask.strides[plan.mask_rank - 1];
    tile.count = (int)(rows - first < kTile ? rows - first : kTile);
    run_tile(job, tile, first);
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(dense_attention, {"dense_attention", "tiles of 32 rows", prepare, run_attention, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
