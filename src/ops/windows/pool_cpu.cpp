// SPDX-License-Identifier: Apache-2.0
// Pools on the CPU: a row of windows at a time, place by place of the window.
#include "ops/elementwise/blocks-inl.h"
#include "ops/windows/windows_cpu.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int64_t kRow = 256;  // windows at a time

// Takes in what one place of n windows covers: element number `number`, and the next window's `step` on.
typedef void (*TakeFn)(void* best, int64_t* numbers, const void* values, int64_t n, int64_t number,
                       int64_t step);
typedef void (*StartFn)(void* best, int64_t* numbers, int64_t n);

struct PoolPlan {
  Windows windows;
  int32_t rank, bytes, computed, average, indices, padding_counts;
  int64_t divisor;
  bool direct;
  GatherFn gather;
  ScatterFn scatter;
  TakeFn take;
  StartFn start;
};

void start_sum(void* sums, int64_t*, int64_t n) {
  for (int64_t i = 0; i < n; ++i) ((float*)sums)[i] = 0;
}
void take_sum(void* sums, int64_t*, const void* values, int64_t n, int64_t, int64_t) {
  float* sum = (float*)sums;
  const float* v = (const float*)values;
  for (int64_t i = 0; i < n; ++i) sum[i] = sum[i] + v[i];
}

template <typename T>
T lowest() {
  if constexpr (T(0.5f) != T(0)) return -(T)__builtin_inff();
  if constexpr (T(-1) > T(0)) return 0;
  return (T)((uint64_t)1 << (8 * sizeof(T) - 1));
}
template <typename T>
void start_max(void* best, int64_t* numbers, int64_t n) {
  for (int64_t i = 0; i < n; ++i) ((T*)best)[i] = lowest<T>();
  for (int64_t i = 0; i < n; ++i) numbers[i] = -1;
}
template <typename T, bool kNumbers>
void take_max(void* best, int64_t* numbers, const void* values, int64_t n, int64_t number, int64_t step) {
  T* b = (T*)best;
  const T* v = (const T*)values;
  for (int64_t i = 0; i < n; ++i) {
    bool better = v[i] > b[i] || (v[i] != v[i] && b[i] == b[i]);
    if (kNumbers) {
      better |= numbers[i] < 0;
      numbers[i] = better ? number + i * step : numbers[i];
    }
    b[i] = better ? v[i] : b[i];
  }
}
template <typename T>
void choose_max(PoolPlan& p) {
  p.start = start_max<T>;
  p.take = p.indices ? take_max<T, true> : take_max<T, false>;
  p.computed = sizeof(T);
}

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  PoolPlan& p = plan_data<PoolPlan>(plan);
  const isthmus_operand_t& x = query.operands[0];
  p.rank = x.rank;
  p.windows = windows_of_query(query, x.rank - 2);
  p.bytes = element_bytes(x.dtype);
  p.gather = gather_of(x.dtype);
  p.scatter = scatter_of(x.dtype);
  p.direct = x.dtype != ISTHMUS_F16 && x.dtype != ISTHMUS_BF16;
  p.indices = query.output_count > 1;
  if (strcmp(query.name, "average_pool") == 0) {
    p.average = 1;
    p.padding_counts = attribute_int(query, "count_include_pad") != 0;
    p.divisor = attribute_int(query, "divisor");
    p.start = start_sum;
    p.take = take_sum;
    p.computed = 4;
    return nullptr;
  }
  switch (x.dtype) {
    case ISTHMUS_F64: choose_max<double>(p); break;
    case ISTHMUS_I8: choose_max<int8_t>(p); break;
    case ISTHMUS_I16: choose_max<int16_t>(p); break;
    case ISTHMUS_I32: choose_max<int32_t>(p); break;
    case ISTHMUS_I64: choose_max<int64_t>(p); break;
    case ISTHMUS_U8: choose_max<uint8_t>(p); break;
    case ISTHMUS_U16: choose_max<uint16_t>(p); break;
    case ISTHMUS_U32: choose_max<uint32_t>(p); break;
    case ISTHMUS_U64: choose_max<uint64_t>(p); break;
    default: choose_max<float>(p);
  }
  return nullptr;
}

// How many places of window o lie in [0, limit) along axis d, from `least` on.
int64_t places_within(const Windows& w, int d, int64_t o, int64_t least, int64_t limit) {
  int64_t n = 0;
  for (int64_t k = 0; k < w.size[d]; ++k) {
    const int64_t at = w.at(d, o, k);
    n += at >= least && at < limit;
  }
  return n;
}

void run_pool(const Run& run, const Team& team) {
  const PoolPlan& p = plan_data<PoolPlan>(*run.plan);
  const Windows& w = p.windows;
  const isthmus_tensor_arg_t &x = run.operands[0], &y = run.operands[1];
  const int axes = w.axes, last = axes - 1;
  const int64_t columns = y.dims[last + 2], pieces = (columns + kRow - 1) / kRow;
  int64_t items = pieces;
  for (int d = 0; d < p.rank - 1; ++d) items *= y.dims[d];
  int64_t places = 1;  // in all axes but the last
  for (int d = 0; d < last; ++d) places *= w.size[d];
  int64_t begin, end;
  team.split(items, 1, &begin, &end);
  alignas(64) unsigned char best[kRow * 8], values[kRow * 8];
  int64_t numbers[kRow];
  for (int64_t item = begin; item < end; ++item) {
    const int64_t o0 = item % pieces * kRow, n = columns - o0 < kRow ? columns - o0 : kRow;
    int64_t index[ISTHMUS_MAX_RANK] = {}, rest = item / pieces;
    for (int d = p.rank - 2; d >= 0; --d) {
      index[d] = rest % y.dims[d];
      rest /= y.dims[d];
    }
    const int64_t channel = index[0] * x.strides[0] + index[1] * x.strides[1];
    p.start(best, numbers, n);
    for (int64_t place = 0; place < places; ++place) {
      int64_t at = channel, number = 0, left = place, k[kMaxWindowAxes];
      for (int d = last - 1; d >= 0; --d) {
        k[d] = left % w.size[d];
        left /= w.size[d];
      }
      bool inside = true;
      for (int d = 0; d < last; ++d) {
        const int64_t coordinate = w.at(d, index[d + 2], k[d]);
        inside &= coordinate >= 0 && coordinate < x.dims[d + 2];
        at += coordinate * x.strides[d + 2];
        number = number * x.dims[d + 2] + coordinate;
      }
      for (int64_t j = 0; inside && j < w.size[last]; ++j) {
        const int64_t start = w.at(last, o0, j), step = w.stride[last];
        int64_t low, high;
        windows_inside(start, step, x.dims[last + 2], n, &low, &high);
        if (low >= high) continue;
        const int64_t first = start + low * step, x_step = x.strides[last + 2];
        const unsigned char* from = run.data<unsigned char>(0) + (at + first * x_step) * p.bytes;
        if (!p.direct || step * x_step != 1) {
          p.gather(values, from, step * x_step, high - low);
          from = values;
        }
        p.take(best + low * p.computed, numbers + low, from, high - low, number * x.dims[last + 2] + first,
               step);
      }
    }
    if (p.average) {
      int64_t others = 1;
      for (int d = 0; d < last; ++d) {
        const int64_t size = x.dims[d + 2];
        others *= p.padding_counts ? places_within(w, d, index[d + 2], -w.before[d], size + w.after[d])
                                   : places_within(w, d, index[d + 2], 0, size);
      }
      const int64_t size = x.dims[last + 2];
      float* sums = (float*)best;
      for (int64_t i = 0; i < n; ++i) {
        int64_t count = p.divisor;
        if (count == 0)
          count = others * (p.padding_counts
                                ? places_within(w, last, o0 + i, -w.before[last], size + w.after[last])
                                : places_within(w, last, o0 + i, 0, size));
        sums[i] = sums[i] / (float)count;
      }
    }
    for (int output = 1; output < 2 + p.indices; ++output) {
      const isthmus_tensor_arg_t& to = run.operands[output];
      int64_t at = o0 * to.strides[last + 2];
      for (int d = 0; d < p.rank - 1; ++d) at += index[d] * to.strides[d];
      if (output == 1)
        p.scatter(run.data<unsigned char>(1) + at * p.bytes, to.strides[last + 2], best, n);
      else
        scatter_plain<int64_t>(run.data<int64_t>(2) + at, to.strides[last + 2], numbers, n);
    }
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(pool, {"average_pool", "rows of windows", prepare, run_pool, nullptr},
                    {"max_pool", "rows of windows", prepare, run_pool, nullptr},
                    {"max_pool_with_indices", "rows of windows", prepare, run_pool, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
