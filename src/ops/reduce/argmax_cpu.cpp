// SPDX-License-Identifier: Apache-2.0
// CPU kernels of argmax and argmin: the best value first, then the place of it, so that the long pass is a
// plain vector loop.
#include "ops/elementwise/blocks-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

struct ArgPlan {
  int rank, axis, bytes;
  bool last, keep;
  GatherFn gather;
  bool direct;
  // Index of the best of n contiguous computed elements and, for merging pieces, that element.
  int64_t (*best)(const void* x, int64_t n, bool last);
  bool (*better)(const void* candidate, const void* best, bool last);
  int computed_bytes;
};

template <typename T, bool largest>
bool better(const void* candidate, const void* best, bool last) {
  const T x = *(const T*)candidate, b = *(const T*)best;
  if (x != x || b != b) return x != x && (b == b || last);
  return (largest ? x > b : x < b) || (last && x == b);
}

template <typename T, bool largest>
int64_t best_scalar(const void* data, int64_t n, bool last) {
  const T* x = (const T*)data;
  int64_t best = 0;
  for (int64_t i = 1; i < n; ++i)
    if (better<T, largest>(x + i, x + best, last)) best = i;
  return best;
}

template <bool largest>
int64_t best_f32(const void* data, int64_t n, bool last) {
  const float* x = (const float*)data;
  if (n < 64) return best_scalar<float, largest>(data, n, last);
  F32x16 best = load(x);
  I32x16 nan = best != best;
  for (int64_t i = 16; i + 16 <= n; i += 16) {
    const F32x16 v = load(x + i);
    nan |= v != v;
    best = select(largest ? v > best : v < best, v, best);
  }
  const F32x16 tail = load(x + n - 16);
  nan |= tail != tail;
  best = select(largest ? tail > best : tail < best, tail, best);
  int32_t any = 0;
  float value = best[0];
  for (int i = 0; i < 16; ++i) {
    any |= nan[i];
    value = (largest ? best[i] > value : best[i] < value) ? best[i] : value;
  }
  if (any) {
    for (int64_t i = 0; i < n; ++i) {
      const int64_t at = last ? n - 1 - i : i;
      if (x[at] != x[at]) return at;
    }
  }
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = last ? n - 1 - i : i;
    if (x[at] == value) return at;
  }
  return 0;
}

template <typename T, bool largest>
void choose(ArgPlan& p) {
  p.best = best_scalar<T, largest>;
  p.better = better<T, largest>;
  p.computed_bytes = sizeof(T);
}

template <bool largest>
const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  ArgPlan& p = plan_data<ArgPlan>(plan);
  const isthmus_operand_t& x = query.operands[0];
  const int64_t axis = attribute_int(query, "axis");
  p.rank = x.rank;
  p.axis = (int)(axis < 0 ? axis + x.rank : axis);
  p.bytes = element_bytes(x.dtype);
  p.last = attribute_int(query, "select_last_index") != 0;
  p.keep = attribute_int(query, "keep_dims") != 0;
  p.gather = gather_of(x.dtype);
  p.direct = x.dtype != ISTHMUS_F16 && x.dtype != ISTHMUS_BF16;
  switch (x.dtype) {
    case ISTHMUS_F32:
    case ISTHMUS_F16:
    case ISTHMUS_BF16:
      choose<float, largest>(p);
      p.best = best_f32<largest>;
      break;
    case ISTHMUS_F64: choose<double, largest>(p); break;
    case ISTHMUS_I8: choose<int8_t, largest>(p); break;
    case ISTHMUS_I16: choose<int16_t, largest>(p); break;
    case ISTHMUS_I32: choose<int32_t, largest>(p); break;
    case ISTHMUS_I64: choose<int64_t, largest>(p); break;
    case ISTHMUS_U8: choose<uint8_t, largest>(p); break;
    case ISTHMUS_U16: choose<uint16_t, largest>(p); break;
    case ISTHMUS_U32: choose<uint32_t, largest>(p); break;
    case ISTHMUS_U64: choose<uint64_t, largest>(p); break;
    default: return "no kernel for this dtype";
  }
  return nullptr;
}

void run(const Run& run, const Team& team) {
  const ArgPlan& p = plan_data<ArgPlan>(*run.plan);
  const isthmus_tensor_arg_t& x = run.operands[0];
  const isthmus_tensor_arg_t& y = run.operands[1];
  const unsigned char* src = run.data<unsigned char>(0);
  const int64_t n = x.dims[p.axis], step = x.strides[p.axis];
  int64_t rows = 1;
  for (int d = 0; d < p.rank; ++d)
    if (d != p.axis) rows *= x.dims[d];
  int64_t begin, end;
  team.split(rows, 1, &begin, &end);
  alignas(64) unsigned char buffer[kBlock * 8];
  for (int64_t row = begin; row < end; ++row) {
    int64_t rest = row, x_at = 0, y_at = 0;
    for (int d = p.rank - 1; d >= 0; --d) {
      if (d == p.axis) continue;
      const int64_t index = rest % x.dims[d];
      rest /= x.dims[d];
      x_at += index * x.strides[d];
      y_at += index * y.strides[d > p.axis && !p.keep ? d - 1 : d];
    }
    const unsigned char* line = src + x_at * p.bytes;
    int64_t best = 0;
    if (p.direct && step == 1) {
      best = p.best(line, n, p.last);
    } else {
      alignas(8) unsigned char best_value[8];
      for (int64_t i = 0; i < n; i += kBlock) {
        const int64_t length = n - i < kBlock ? n - i : kBlock;
        p.gather(buffer, line + i * step * p.bytes, step, length);
        const int64_t at = p.best(buffer, length, p.last);
        const unsigned char* value = buffer + at * p.computed_bytes;
        if (i == 0 || p.better(value, best_value, p.last)) {
          best = i + at;
          memcpy(best_value, value, p.computed_bytes);
        }
      }
    }
    run.data<int64_t>(1)[y_at] = best;
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(argmax, {"argmax", "two passes", prepare<true>, run, nullptr},
                    {"argmin", "two passes", prepare<false>, run, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
