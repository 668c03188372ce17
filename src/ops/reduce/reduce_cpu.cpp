// SPDX-License-Identifier: Apache-2.0
// CPU kernels of the reductions: elements of one result are gathered in blocks that are multiples of 16, so
// that every element meets its lane, and results are shared out over threads.
#include "ops/elementwise/blocks-inl.h"
#include "ops/reduce/rows-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

using namespace formulas;

// Lanes are 16 computed elements in memory. step: enters n contiguous elements; all calls but the last have a
// multiple of 16.
struct ReducePlan {
  int rank, bytes;
  bool reduced[ISTHMUS_MAX_RANK], keep, direct, shifted, truth;
  GatherFn gather;
  ScatterFn scatter;
  void (*start)(void* lanes);
  void (*step)(void* lanes, const void* x, int64_t n, const void* m);
  void (*finish)(void* lanes, int64_t n, const void* m, void* result);
  void (*largest)(void* m, const void* x, int64_t n);  // updates m; n < 0: makes it the shift
};

template <typename Row, typename T>
struct Functions {
  static void start(void* lanes) {
    for (int i = 0; i < 16; ++i) ((T*)lanes)[i] = Row::template start<T>();
  }
  static void step(void* lanes, const void* data, int64_t n, const void* shift) {
    const T* x = (const T*)data;
    T* lane = (T*)lanes;
    if constexpr (__is_same(T, float)) {
      F32x16 all = load(lane);
      const F32x16 m = set1(*(const float*)shift);
      int64_t i = 0;
      for (; i + 16 <= n; i += 16) all = Row::step(all, load(x + i), m);
      store(lane, all);
      if (i < n) {
        // The other lanes must not move, not even from -0 to +0.
        float entered[16];
        store(entered, Row::step(all, load_n(x + i, (int)(n - i)), m));
        for (int64_t j = 0; j < n - i; ++j) lane[j] = entered[j];
      }
    } else {
      const T m = *(const T*)shift;
      for (int64_t i = 0; i < n; ++i) lane[i % 16] = Row::step(lane[i % 16], x[i], m);
    }
  }
  static void finish(void* lanes, int64_t n, const void* m, void* result) {
    T* lane = (T*)lanes;
    for (int half = 8; half > 0; half /= 2)
      for (int j = 0; j < half; ++j) lane[j] = Row::fold(lane[j], lane[j + half]);
    *(T*)result = Row::finish(lane[0], (T)n, *(const T*)m);
  }
  static void largest(void* m, const void* x, int64_t n) {
    T& best = *(T*)m;
    if constexpr (is_float_type<T>) {
      if (n < 0) best = shift_of(best);
    }
    for (int64_t i = 0; i < n; ++i) best = maximum(best, ((const T*)x)[i]);
  }
};

template <typename Row, typename T>
const char* choose(ReducePlan& p) {
  if constexpr ((Row::kKinds & TypeFacts<T>::kKind) == 0) {
    return "no formula for this dtype";
  } else {
    p.start = Functions<Row, T>::start;
    p.step = Functions<Row, T>::step;
    p.finish = Functions<Row, T>::finish;
    p.largest = Functions<Row, T>::largest;
    return nullptr;
  }
}

template <typename Row>
const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  ReducePlan& p = plan_data<ReducePlan>(plan);
  const isthmus_operand_t& x = query.operands[0];
  const isthmus_attribute_t* axes = find_attribute(query, "axes");
  p.rank = x.rank;
  p.bytes = element_bytes(x.dtype);
  p.keep = attribute_int(query, "keep_dims") != 0;
  p.direct = x.dtype != ISTHMUS_F16 && x.dtype != ISTHMUS_BF16;
  p.shifted = Row::kShifted;
  p.gather = gather_of(x.dtype);
  p.scatter = scatter_of(x.dtype);
  for (int d = 0; d < p.rank; ++d) p.reduced[d] = axes->count == 0;
  for (int64_t i = 0; i < axes->count; ++i)
    p.reduced[axes->ints[i] < 0 ? axes->ints[i] + p.rank : axes->ints[i]] = true;
  switch (x.dtype) {
    case ISTHMUS_F32:
    case ISTHMUS_F16:
    case ISTHMUS_BF16: return choose<Row, float>(p);
    case ISTHMUS_F64: return choose<Row, double>(p);
    case ISTHMUS_I8: return choose<Row, int8_t>(p);
    case ISTHMUS_I16: return choose<Row, int16_t>(p);
    case ISTHMUS_I32: return choose<Row, int32_t>(p);
    case ISTHMUS_I64: return choose<Row, int64_t>(p);
    case ISTHMUS_U8: return choose<Row, uint8_t>(p);
    case ISTHMUS_U16: return choose<Row, uint16_t>(p);
    case ISTHMUS_U32: return choose<Row, uint32_t>(p);
    case ISTHMUS_U64: return choose<Row, uint64_t>(p);
    case ISTHMUS_BOOL:
      if constexpr ((Row::kKinds & kBoolKind) != 0) {
        choose<Row, uint8_t>(p);
        p.truth = true;
        return nullptr;
      }
      [[fallthrough]];
    default: return "no formula for this dtype";
  }
}

// The reduced elements in row-major order, in contiguous computed blocks.
struct Walk {
  int rank;
  int64_t dims[ISTHMUS_MAX_RANK], strides[ISTHMUS_MAX_RANK], count;
};

template <typename F>
ISTHMUS_SIMD void walk_blocks(const ReducePlan& p, const Walk& walk, const unsigned char* src,
                              unsigned char* buffer, F f) {
  if (walk.rank == 1 && walk.strides[0] == 1 && p.direct) return f(src, walk.count);
  const int64_t inner = walk.dims[walk.rank - 1], step = walk.strides[walk.rank - 1];
  const int bytes = p.direct ? p.bytes : 4;
  int64_t filled = 0;
  for (int64_t i = 0; i < walk.count;) {
    int64_t rest = i / inner, at = i % inner * step;
    for (int d = walk.rank - 2; d >= 0; --d) {
      at += rest % walk.dims[d] * walk.strides[d];
      rest /= walk.dims[d];
    }
    int64_t n = inner - i % inner;
    if (n > kBlock - filled) n = kBlock - filled;
    p.gather(buffer + filled * bytes, src + at * p.bytes, step, n);
    filled += n;
    i += n;
    if (filled == kBlock || i == walk.count) {
      f(buffer, filled);
      filled = 0;
    }
  }
}

void run(const Run& run, const Team& team) {
  const ReducePlan& p = plan_data<ReducePlan>(*run.plan);
  const isthmus_tensor_arg_t& x = run.operands[0];
  const isthmus_tensor_arg_t& y = run.operands[1];
  Walk walk;
  walk.rank = 0;
  walk.count = 1;
  int64_t rows = 1;
  for (int d = 0; d < p.rank; ++d) {
    if (!p.reduced[d]) {
      rows *= x.dims[d];
      continue;
    }
    walk.count *= x.dims[d];
    if (x.dims[d] == 1) continue;
    if (walk.rank > 0 && walk.strides[walk.rank - 1] == x.strides[d] * x.dims[d]) {
      walk.dims[walk.rank - 1] *= x.dims[d];
      walk.strides[walk.rank - 1] = x.strides[d];
    } else {
      walk.dims[walk.rank] = x.dims[d];
      walk.strides[walk.rank++] = x.strides[d];
    }
  }
  if (walk.rank == 0) {
    walk.rank = 1;
    walk.dims[0] = walk.count;
    walk.strides[0] = 1;
  }
  int64_t begin, end;
  team.split(rows, 1, &begin, &end);
  alignas(64) unsigned char buffer[kBlock * 8];
  alignas(64) unsigned char lanes[16 * 8];
  for (int64_t row = begin; row < end; ++row) {
    int64_t rest = row, x_at = 0, y_at = 0, y_axis = 0;
    for (int d = 0; d < p.rank; ++d) y_axis += !p.reduced[d] || p.keep;
    for (int d = p.rank - 1; d >= 0; --d) {
      if (p.reduced[d]) {
        y_axis -= p.keep;
        continue;
      }
      const int64_t index = rest % x.dims[d];
      rest /= x.dims[d];
      x_at += index * x.strides[d];
      y_at += index * y.strides[--y_axis];
    }
    const unsigned char* src = run.data<unsigned char>(0) + x_at * p.bytes;
    alignas(8) unsigned char m[8] = {}, result[8];
    if (p.shifted) {
      if (p.bytes == 8) {
        const double low = -kInfinity;
        memcpy(m, &low, 8);
      } else {
        const float low = -__builtin_inff();
        memcpy(m, &low, 4);
      }
      walk_blocks(p, walk, src, buffer,
                  [&](const void* data, int64_t n) __attribute__((always_inline)) { p.largest(m, data, n); });
      p.largest(m, nullptr, -1);
    }
    p.start(lanes);
    walk_blocks(p, walk, src, buffer, [&](const void* data, int64_t n) __attribute__((always_inline)) {
      p.step(lanes, data, n, m);
    });
    p.finish(lanes, walk.count, m, result);
    if (p.truth) result[0] = result[0] != 0;
    p.scatter(run.data<unsigned char>(1) + y_at * p.bytes, 1, result, 1);
  }
}

}  // namespace

#define REDUCE(NAME, ...) {#NAME, "lanes", prepare<Reduce_##NAME>, run, nullptr},
#define SHIFTED_REDUCE REDUCE
extern const Kernel kernels_reduce[];
const Kernel kernels_reduce[] = {
#include "ops/reduce/reduce.inc"
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

}  // namespace isthmus::cpu::ISTHMUS_ISA
