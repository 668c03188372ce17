// SPDX-License-Identifier: Apache-2.0
// linear_dequantized on the CPU: 16 lanes along k. A few rows take the integers as they come; more of them
// share rows of the weight that were dequantised before.
#include "devices/cpu/rows.h"
#include "ops/elementwise/blocks-inl.h"

#if defined(__clang__)
#define ISTHMUS_EACH _Pragma("unroll")
#else
#define ISTHMUS_EACH _Pragma("GCC unroll 8")
#endif

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kTileRows = 4, kTileColumns = 6;
#elif defined(__AVX2__)
constexpr int kTileRows = 2, kTileColumns = 3;
#else
constexpr int kTileRows = 2, kTileColumns = 2;
#endif
constexpr int kDirectRows = 2, kDirectColumns = 4;  // without a copy of the weight
template <int kRows>
struct RowsOf {
  static constexpr int rows = kRows;
};

struct DequantizedPlan {
  int rank;
  int32_t four_bits;
  isthmus_dtype_t dtype, scale, offset, bias;
};

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  DequantizedPlan& p = plan_data<DequantizedPlan>(plan);
  const isthmus_operand_t& x = query.operands[0];
  p.rank = x.rank;
  p.four_bits = query.operands[1].dtype == ISTHMUS_U8;
  p.dtype = x.dtype;
  p.scale = query.operands[2].dtype;
  p.offset = query.operands[3].dtype;
  p.bias = query.operands[4].dtype;
  int64_t elements = 1;  // of x as F32
  for (int d = 0; d < x.rank; ++d) elements *= x.dims[d];
  plan.workspace_bytes = (uint64_t)(4 * elements);
  plan.phases = 2;
  plan.heavy = true;
  return nullptr;
}

float element(const void* data, isthmus_dtype_t dtype, int64_t at) {
  if (dtype == ISTHMUS_F32) return ((const float*)data)[at];
  const uint16_t bits = ((const uint16_t*)data)[at];
  return dtype == ISTHMUS_F16 ? half_to_float(bits) : bfloat_to_float(bits);
}

// The weight in one run.
struct Weight {
  const unsigned char* q;
  const unsigned char *scale, *offset;
  isthmus_dtype_t scale_dtype, offset_dtype;
  int64_t row, step;  // of q, in bytes
  int64_t scale_row, scale_step, offset_row, offset_step;
  int64_t k, group;
  int64_t fetch_ahead;    // bytes, of whole tiles
  bool four_bits, whole;  // whole: 16 numbers of a row lie together and have one scale

  float scale_of(int64_t n, int64_t number) const {
    return element(scale, scale_dtype, n * scale_row + number * scale_step);
  }
  float offset_of(int64_t n, int64_t number) const {
    return element(offset, offset_dtype, n * offset_row + number * offset_step);
  }
  float number(int64_t n, int64_t k_at) const {
    float w;
    if (four_bits) {
      const int bits = q[n * row + k_at / 2 * step] >> (k_at % 2 * 4) & 15;
      w = (float)(bits < 8 ? bits : bits - 16);
    } else {
      w = (float)(int8_t)q[n * row + k_at * step];
    }
    if (offset) w = w + offset_of(n, k_at / group);
    return w * scale_of(n, k_at / group);
  }
};

// `count` elements `step` apart as F32.
void to_floats(const unsigned char* data, isthmus_dtype_t dtype, int64_t at, int64_t step, int64_t count,
               float* to) {
  int64_t i = 0;
  if (step == 1 && dtype == ISTHMUS_F16)
    for (; i + 16 <= count; i += 16) store(to + i, load_f16((const uint16_t*)data + at + i));
  for (; i < count; ++i) to[i] = element(data, dtype, at + i * step);
}

// 16 numbers of a row, as they lie.
#if defined(__AVX2__)
ISTHMUS_SIMD F32x16 widen_s8(__m128i bytes) {
#if defined(__AVX512F__)
  return to_f32((I32x16)_mm512_maskz_cvtepi8_epi32((__mmask16)-1, bytes));
#else
  return to_f32(
      I32x16{(I32Part)_mm256_cvtepi8_epi32(bytes), (I32Part)_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8))});
#endif
}
#endif
ISTHMUS_SIMD F32x16 load_s8(const unsigned char* p) {
#if defined(__AVX2__)
  return widen_s8(_mm_loadu_si128((const __m128i*)p));
#else
  int32_t lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = (int8_t)p[i];
  return to_f32(load(lanes));
#endif
}
ISTHMUS_SIMD F32x16 load_s4(const unsigned char* p) {
#if defined(__AVX2__)
  const __m128i both = _mm_loadl_epi64((const __m128i*)p), mask = _mm_set1_epi8(15), eight = _mm_set1_epi8(8);
  const __m128i pairs =
      _mm_unpacklo_epi8(_mm_and_si128(both, mask), _mm_and_si128(_mm_srli_epi16(both, 4), mask));
  return widen_s8(_mm_sub_epi8(_mm_xor_si128(pairs, eight), eight));
#else
  unsigned char bytes[16];
  for (int i = 0; i < 8; ++i) {
    bytes[2 * i] = (unsigned char)(((p[i] & 15) ^ 8) - 8);
    bytes[2 * i + 1] = (unsigned char)(((p[i] >> 4) ^ 8) - 8);
  }
  return load_s8(bytes);
#endif
}
#if defined(__AVX512F__)
constexpr bool kLookUp = true;  // 16 numbers of four bits by one permutation
// Numbers by their four bits, with the low half of a byte first.
ISTHMUS_SIMD F32x16 look_up_s4(const unsigned char* p, F32x16 table) {
  const __m512i bytes = _mm512_maskz_cvtepu8_epi64((__mmask8)-1, _mm_loadl_epi64((const __m128i*)p));
  const __m512i index = _mm512_or_si512(bytes, _mm512_slli_epi64(bytes, 28));  // other bits do not count
  return (F32x16)_mm512_maskz_permutexvar_ps((__mmask16)-1, index, (__m512)table);
}
#else
constexpr bool kLookUp = false;
ISTHMUS_SIMD F32x16 look_up_s4(const unsigned char*, F32x16 table) { return table; }
#endif
ISTHMUS_SIMD F32x16 numbers_s4() {
  static const float kNumbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1};
  return load(kNumbers);
}

// Scales and offsets of a tile's columns from some group on, as F32.
constexpr int64_t kFactors = 64;
constexpr int64_t kFetchAhead = 8192;  // bytes
template <int kColumns>
struct Factors {
  float scales[kColumns][kFactors], offsets[kColumns][kFactors];
  int64_t first;
  Factors(const Weight& w, int64_t n, int64_t k0, int64_t depth) : first(k0 / w.group) {
    const int64_t count = (k0 + depth - 1) / w.group + 1 - first;
    for (int c = 0; c < kColumns; ++c) {
      to_floats(w.scale, w.scale_dtype, (n + c) * w.scale_row + first * w.scale_step, w.scale_step, count,
                scales[c]);
      if (w.offset)
        to_floats(w.offset, w.offset_dtype, (n + c) * w.offset_row + first * w.offset_step, w.offset_step,
                  count, offsets[c]);
    }
  }
};

// What a tile multiplies by: the integers from column n on and k0 on, or rows that were dequantised. In a
// group of k a column has one Factor.
template <bool kFourBits, bool kOffset, int kColumns>
struct Integers {
  static constexpr int kShift = kFourBits ? 1 : 0;  // from numbers to bytes
  const Factors<kColumns>* factors;
  const unsigned char *q, *ahead;
  int64_t row, group_size;
  Integers(const Weight& w, const Factors<kColumns>& factors, int64_t n, int64_t k0)
      : factors(&factors),
        q(w.q + n * w.row + (k0 >> kShift)),
        ahead(w.q + n * w.row + w.fetch_ahead + (k0 * kColumns >> kShift)),
        row(w.row),
        group_size(w.group) {}
  struct Factor {
    F32x16 scale, offset;  // or, in `scale`, the sixteen numbers of four bits
  };
  int64_t group() const { return group_size; }
  int64_t first_group() const { return factors->first; }
  // What tiles to come read: rows are too short for the processor to see where they go on.
  ISTHMUS_SIMD void fetch(int64_t k) const { __builtin_prefetch(ahead + (k * kColumns >> kShift), 0, 3); }
  ISTHMUS_SIMD Factor factor(int c, int64_t number) const {
    const F32x16 scale = set1(factors->scales[c][number - factors->first]);
    const F32x16 offset = set1(kOffset ? factors->offsets[c][number - factors->first] : 0.0f);
    if constexpr (kFourBits && kLookUp)
      return {(kOffset ? numbers_s4() + offset : numbers_s4()) * scale, offset};
    else
      return {scale, offset};
  }
  ISTHMUS_SIMD F32x16 at(int c, int64_t k, const Factor& factor) const {
    const unsigned char* from = q + c * row + (k >> kShift);
    if constexpr (kFourBits && kLookUp) return look_up_s4(from, factor.scale);
    F32x16 v = kFourBits ? load_s4(from) : load_s8(from);
    if (kOffset) v = v + factor.offset;
    return v * factor.scale;
  }
};
struct Copied {
  const float* rows;
  int64_t stride;
  struct Factor {};
  int64_t group() const { return stride > 0 ? stride : 16; }
  int64_t first_group() const { return 0; }
  ISTHMUS_SIMD void fetch(int64_t) const {}
  ISTHMUS_SIMD Factor factor(int, int64_t) const { return {}; }
  ISTHMUS_SIMD F32x16 at(int c, int64_t k, const Factor&) const { return load(rows + c * stride + k); }
};

// 16 of k from k on, of one group.
template <int kRows, int kColumns, typename Source>
ISTHMUS_SIMD void sixteen(const float* x, int64_t x_stride, const Source& source, int64_t k,
                          const typename Source::Factor* factors, F32x16 (*acc)[kColumns]) {
  F32x16 w[kColumns];
  ISTHMUS_EACH
  for (int c = 0; c < kColumns; ++c) w[c] = source.at(c, k, factors[c]);
  ISTHMUS_EACH
  for (int r = 0; r < kRows; ++r) {
    const F32x16 v = load(x + r * x_stride + k);
    ISTHMUS_EACH
    for (int c = 0; c < kColumns; ++c) acc[r][c] = fma(v, w[c], acc[r][c]);
  }
}

// kRows rows of x by kColumns columns over k16 of k, which is whole sixteens. A group is, too, or is all of
// k. The source by value: nobody else can change it.
template <int kRows, int kColumns, typename Source>
ISTHMUS_SIMD void tile(const float* x, int64_t x_stride, const Source source, int64_t k16,
                       F32x16 (*acc)[kColumns]) {
  const int64_t group = source.group();
  int64_t number = source.first_group();
  typename Source::Factor factors[kColumns];
  int64_t k = 0;
  for (; group == 32 && k + 32 <= k16; k += 32, ++number) {  // the usual one
    ISTHMUS_EACH
    for (int c = 0; c < kColumns; ++c) factors[c] = source.factor(c, number);
    source.fetch(k);
    sixteen<kRows, kColumns>(x, x_stride, source, k, factors, acc);
    source.fetch(k + 16);
    sixteen<kRows, kColumns>(x, x_stride, source, k + 16, factors, acc);
  }
  for (; k < k16; ++number) {
    const int64_t end = k + group < k16 ? k + group : k16;
    ISTHMUS_EACH
    for (int c = 0; c < kColumns; ++c) factors[c] = source.factor(c, number);
    for (; k < end; k += 16) {
      source.fetch(k);
      sixteen<kRows, kColumns>(x, x_stride, source, k, factors, acc);
    }
  }
}

// Calls f with the source of kColumns columns from n on and of `depth` of k from k0 on, at most kFactors
// groups.
template <int kColumns, typename F>
ISTHMUS_SIMD void with_integers(const Weight& w, int64_t n, int64_t k0, int64_t depth, F&& f) {
  const Factors<kColumns> factors(w, n, k0, depth);
  if (w.offset)
    w.four_bits ? f(Integers<true, true, kColumns>(w, factors, n, k0))
                : f(Integers<false, true, kColumns>(w, factors, n, k0));
  else
    w.four_bits ? f(Integers<true, false, kColumns>(w, factors, n, k0))
                : f(Integers<false, false, kColumns>(w, factors, n, k0));
}

// Where results go.
struct Results {
  const DequantizedPlan& plan;
  const Run& run;
  Rows y;
  void put(int64_t row_at, int64_t n, float sum) const {
    const isthmus_tensor_arg_t& bias = run.operands[4];
    if (bias.address) sum = sum + element((const void*)bias.address, plan.bias, n * bias.strides[0]);
    const int64_t at = row_at + n * y.step;
    if (plan.dtype == ISTHMUS_F32)
      ((float*)y.base)[at] = sum;
    else
      ((uint16_t*)y.base)[at] = plan.dtype == ISTHMUS_F16 ? f32_to_f16(sum) : f32_to_bf16(sum);
  }
};

// A tile over `depth` of k from k0 on. Sums go on from those in `state` unless it begins, and back there
// unless it ends the row.
struct Part {
  int64_t k0, depth;
  float* state;  // [rows, columns, 16]; null when the part is all of k
};

template <int kRows, int kColumns, typename Source>
__attribute__((noinline)) void run_tile(const float* x, const Source& source, const Weight& weight,
                                        const Part& part, int64_t row, int64_t n, const Results& results) {
  F32x16 acc[kRows][kColumns];
  ISTHMUS_EACH
  for (int r = 0; r < kRows; ++r) ISTHMUS_EACH
  for (int c = 0; c < kColumns; ++c)
    acc[r][c] = part.k0 == 0 ? set1(0.0f) : load(part.state + (r * kColumns + c) * 16);
  const int64_t k16 = part.depth / 16 * 16;
  tile<kRows, kColumns>(x + part.k0, weight.k, source, k16, acc);
  if (part.k0 + part.depth < weight.k) {
    for (int r = 0; r < kRows; ++r)
      for (int c = 0; c < kColumns; ++c) store(part.state + (r * kColumns + c) * 16, acc[r][c]);
    return;
  }
  const int rest = (int)(part.depth - k16);
  for (int c = 0; c < kColumns && rest > 0; ++c) {
    float numbers[16] = {};
    for (int i = 0; i < rest; ++i) numbers[i] = weight.number(n + c, part.k0 + k16 + i);
    for (int r = 0; r < kRows; ++r) {
      const F32x16 v = load_n(x + r * weight.k + part.k0 + k16, rest);
      acc[r][c] = select(lane_numbers() < rest, fma(v, load(numbers), acc[r][c]), acc[r][c]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    const int64_t at = results.y.offset(row + r);
    for (int c = 0; c < kColumns; ++c) results.put(at, n + c, sum_lanes(acc[r][c]));
  }
}

// kColumns columns from n on by the rows (1 or 2) from `row` on: the integers become numbers on their way
// into the sums.
template <int kColumns>
void run_few(const float* x, const Weight& weight, int64_t row, int64_t rows, int64_t n,
             const Results& results) {
  alignas(64) float state[kDirectRows * kColumns * 16];
  const int64_t deep = kFactors * weight.group;
  for (int64_t k0 = 0; k0 == 0 || k0 < weight.k; k0 += deep) {
    const Part part = {k0, weight.k - k0 < deep ? weight.k - k0 : deep, state};
    with_integers<kColumns>(weight, n, k0, part.depth, [&](const auto& source) {
      if (rows == 1)
        run_tile<1, kColumns>(x, source, weight, part, row, n, results);
      else
        run_tile<2, kColumns>(x, source, weight, part, row, n, results);
    });
  }
}

void run_direct(const float* x, const Weight& weight, int64_t rows, int64_t begin, int64_t end,
                const Results& results) {
  int64_t n = begin;
  for (; n + kDirectColumns <= end; n += kDirectColumns)
    run_few<kDirectColumns>(x, weight, 0, rows, n, results);
  for (; n < end; ++n) run_few<1>(x, weight, 0, rows, n, results);
}

constexpr int64_t kRowBlock = 64,
                  kDepth = 1024;  // what shares numbers that were made of integers, and how many

// `count` rows from `row` on by kColumns columns from n on.
template <int kColumns>
void run_block(const float* x, const Weight& weight, int64_t row, int64_t count, int64_t n,
               const Results& results) {
  alignas(64) float copies[kColumns * kDepth];
  alignas(64) float state[kRowBlock * kColumns * 16];
  for (int64_t k0 = 0; k0 == 0 || k0 < weight.k; k0 += kDepth) {
    Part part = {k0, weight.k - k0 < kDepth ? weight.k - k0 : kDepth, state};
    const int64_t k16 = part.depth / 16 * 16;
    // Where groups begin with the part, or one covers it.
    if (weight.whole && (weight.k <= kDepth || kDepth % weight.group == 0 || weight.group % kDepth == 0 ||
                         weight.group >= weight.k)) {
      with_integers<kColumns>(weight, n, k0, part.depth, [&](const auto& source) {
        for (int c = 0; c < kColumns; ++c) {
          int64_t number = source.first_group();
          for (int64_t k = 0; k < k16; ++number) {
            const auto factor = source.factor(c, number);
            for (const int64_t end = k + weight.group < k16 ? k + weight.group : k16; k < end; k += 16)
              store(copies + c * k16 + k, source.at(c, k, factor));
          }
        }
      });
    } else {
      for (int c = 0; c < kColumns; ++c)
        for (int64_t k = 0; k < k16; ++k) copies[c * k16 + k] = weight.number(n + c, k0 + k);
    }
    const Copied source{copies, k16};
    int64_t r = 0;
    const auto next = [&](auto tile_rows) {
      constexpr int kRows = decltype(tile_rows)::rows;
      for (; r + kRows <= count; r += kRows) {
        part.state = state + r * kColumns * 16;
        run_tile<kRows, kColumns>(x + (row + r) * weight.k, source, weight, part, row + r, n, results);
      }
    };
    next(RowsOf<kTileRows>{});
    next(RowsOf<1>{});
  }
}

void run_copied(const float* x, const Weight& weight, int64_t rows, int64_t begin, int64_t end,
                const Results& results) {
  for (int64_t row = 0; row < rows; row += kRowBlock) {
    const int64_t count = rows - row < kRowBlock ? rows - row : kRowBlock;
    int64_t n = begin;
    for (; n + kTileColumns <= end; n += kTileColumns)
      run_block<kTileColumns>(x, weight, row, count, n, results);
    for (; n < end; ++n) run_block<1>(x, weight, row, count, n, results);
  }
}

void run_linear(const Run& run, const Team& team) {
  const DequantizedPlan& plan = plan_data<DequantizedPlan>(*run.plan);
  const isthmus_tensor_arg_t &q = run.operands[1], &scale = run.operands[2], &offset = run.operands[3];
  const Rows x = rows_of(run.operands[0], plan.dtype, plan.rank, plan.rank - 1);
  float* copy = (float*)run.workspace;
  const bool straight = plan.dtype == ISTHMUS_F32 && x.step == 1 && x.outer_rank <= 1 &&
                        (x.count <= 1 || x.strides[0] == x.length);
  if (run.phase == 0) {
    int64_t begin, end;
    team.split(straight ? 0 : x.count, 1, &begin, &end);
    for (int64_t r = begin; r < end; ++r)
      for (int64_t i = 0; i < x.length; i += 16) {
        const int n = x.length - i < 16 ? (int)(x.length - i) : 16;
        store_n(copy + r * x.length + i, load_row(x, x.offset(r), i, n), n);
      }
    return;
  }
  Weight w;
  w.q = run.data<unsigned char>(1);
  w.scale = run.data<unsigned char>(2);
  w.offset = plan.offset == ISTHMUS_DTYPE_INVALID ? nullptr : run.data<unsigned char>(3);
  w.scale_dtype = plan.scale;
  w.offset_dtype = plan.offset;
  w.row = q.strides[0];
  w.step = q.strides[1];
  w.scale_row = scale.strides[0];
  w.scale_step = scale.strides[1];
  w.offset_row = offset.strides[0];
  w.offset_step = offset.strides[1];
  w.k = x.length;
  w.group = x.length / scale.dims[1] > 0 ? x.length / scale.dims[1] : 1;
  const int64_t tile_bytes = kDirectColumns * w.row;
  w.fetch_ahead = tile_bytes > 0 ? (kFetchAhead + tile_bytes - 1) / tile_bytes * tile_bytes : 0;
  w.four_bits = plan.four_bits != 0;
  w.whole = (w.step == 1 || q.dims[1] <= 1) && (w.group % 16 == 0 || scale.dims[1] == 1);
  const float* rows = straight ? x.plain_row(0) : copy;
  const Results results{plan, run, rows_of(run.operands[5], plan.dtype, plan.rank, plan.rank - 1)};
  const int64_t grain = x.count <= kDirectRows ? kDirectColumns : kTileColumns;
  int64_t begin, end;
  team.split(q.dims[0], grain, &begin, &end);
  if (begin >= end || x.count == 0) return;
  if (w.whole && x.count <= kDirectRows)
    run_direct(rows, w, x.count, begin, end, results);
  else
    run_copied(rows, w, x.count, begin, end, results);
}

}  // namespace

ISTHMUS_CPU_KERNELS(linear_dequantized, {"linear_dequantized", "16 lanes", prepare, run_linear, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
