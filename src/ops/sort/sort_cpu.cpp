// SPDX-License-Identifier: Apache-2.0
// CPU kernels of sort and top_k: a heap of the k best indices per line, taken apart worst first. The order is
// total, so that a heap gives what a stable sort does.
#include "ops/elementwise/blocks-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

struct SortPlan {
  int rank, bytes, axis;
  bool descending;
  void (*line)(const unsigned char* x, int64_t step, int64_t n, int64_t k, bool descending, int64_t* heap);
};

template <typename T>
struct Stored {
  static T value(const unsigned char* x, int64_t at) { return ((const T*)x)[at]; }
};
struct StoredHalf {
  static float value(const unsigned char* x, int64_t at) { return half_to_float(((const uint16_t*)x)[at]); }
};
struct StoredBfloat {
  static float value(const unsigned char* x, int64_t at) { return bfloat_to_float(((const uint16_t*)x)[at]); }
};

// Whether element i comes before element j.
template <typename S>
ISTHMUS_SIMD bool before(const unsigned char* x, int64_t step, int64_t i, int64_t j, bool descending) {
  const auto a = S::value(x, i * step), b = S::value(x, j * step);
  const bool a_nan = a != a, b_nan = b != b;
  if (a_nan || b_nan) {
    if (a_nan && b_nan) return i < j;
    return a_nan == descending;
  }
  if (a == b) return i < j;
  return descending ? a > b : a < b;
}

// The worst of the heap on top.
template <typename S>
ISTHMUS_SIMD void sift(const unsigned char* x, int64_t step, bool descending, int64_t* heap, int64_t at,
                       int64_t size) {
  for (;;) {
    int64_t worst = at;
    for (int64_t child = 2 * at + 1; child <= 2 * at + 2 && child < size; ++child)
      if (before<S>(x, step, heap[worst], heap[child], descending)) worst = child;
    if (worst == at) return;
    const int64_t moved = heap[at];
    heap[at] = heap[worst];
    heap[worst] = moved;
    at = worst;
  }
}

template <typename S>
void best_of_line(const unsigned char* x, int64_t step, int64_t n, int64_t k, bool descending,
                  int64_t* heap) {
  if (k == 0) return;
  for (int64_t i = 0; i < k; ++i) heap[i] = i;
  for (int64_t i = k / 2; i-- > 0;) sift<S>(x, step, descending, heap, i, k);
  for (int64_t i = k; i < n; ++i) {
    if (!before<S>(x, step, i, heap[0], descending)) continue;
    heap[0] = i;
    sift<S>(x, step, descending, heap, 0, k);
  }
  for (int64_t size = k - 1; size > 0; --size) {
    const int64_t worst = heap[0];
    heap[0] = heap[size];
    heap[size] = worst;
    sift<S>(x, step, descending, heap, 0, size);
  }
}

const char* start(const isthmus_op_query_t& query, Plan& plan, bool descending) {
  SortPlan& p = plan_data<SortPlan>(plan);
  const isthmus_operand_t& x = query.operands[0];
  const int64_t axis = attribute_int(query, "axis");
  p.rank = x.rank;
  p.bytes = element_bytes(x.dtype);
  p.axis = (int)(axis < 0 ? axis + x.rank : axis);
  p.descending = descending;
  // Indices of every line: the lines of all threads are in flight at once.
  plan.workspace_bytes = 8;
  for (int d = 0; d < x.rank; ++d) plan.workspace_bytes *= (uint64_t)query.operands[1].dims[d];
  switch (x.dtype) {
    case ISTHMUS_F32: p.line = best_of_line<Stored<float>>; break;
    case ISTHMUS_F16: p.line = best_of_line<StoredHalf>; break;
    case ISTHMUS_BF16: p.line = best_of_line<StoredBfloat>; break;
    case ISTHMUS_F64: p.line = best_of_line<Stored<double>>; break;
    case ISTHMUS_I8: p.line = best_of_line<Stored<int8_t>>; break;
    case ISTHMUS_I16: p.line = best_of_line<Stored<int16_t>>; break;
    case ISTHMUS_I32: p.line = best_of_line<Stored<int32_t>>; break;
    case ISTHMUS_I64: p.line = best_of_line<Stored<int64_t>>; break;
    case ISTHMUS_U8: p.line = best_of_line<Stored<uint8_t>>; break;
    case ISTHMUS_U16: p.line = best_of_line<Stored<uint16_t>>; break;
    case ISTHMUS_U32: p.line = best_of_line<Stored<uint32_t>>; break;
    case ISTHMUS_U64: p.line = best_of_line<Stored<uint64_t>>; break;
    default: return "no kernel for this dtype";
  }
  return nullptr;
}
const char* prepare_sort(const isthmus_op_query_t& query, Plan& plan) {
  return start(query, plan, attribute_int(query, "descending") != 0);
}
const char* prepare_top_k(const isthmus_op_query_t& query, Plan& plan) {
  return start(query, plan, attribute_int(query, "largest") != 0);
}

void run(const Run& run, const Team& team) {
  const SortPlan& p = plan_data<SortPlan>(*run.plan);
  const isthmus_tensor_arg_t &x = run.operands[0], &values = run.operands[1], &indices = run.operands[2];
  const int64_t n = x.dims[p.axis], k = values.dims[p.axis];
  int64_t lines = 1, begin, end;
  for (int d = 0; d < p.rank; ++d)
    if (d != p.axis) lines *= x.dims[d];
  team.split(lines, 1, &begin, &end);
  for (int64_t line = begin; line < end; ++line) {
    int64_t rest = line, x_at = 0, v_at = 0, i_at = 0;
    for (int d = p.rank - 1; d >= 0; --d) {
      if (d == p.axis) continue;
      const int64_t index = rest % x.dims[d];
      rest /= x.dims[d];
      x_at += index * x.strides[d];
      v_at += index * values.strides[d];
      i_at += index * indices.strides[d];
    }
    const unsigned char* src = run.data<unsigned char>(0) + x_at * p.bytes;
    int64_t* heap = (int64_t*)run.workspace + line * k;
    p.line(src, x.strides[p.axis], n, k, p.descending, heap);
    for (int64_t i = 0; i < k; ++i) {
      memcpy(run.data<unsigned char>(1) + (v_at + i * values.strides[p.axis]) * p.bytes,
             src + heap[i] * x.strides[p.axis] * p.bytes, p.bytes);
      run.data<int64_t>(2)[i_at + i * indices.strides[p.axis]] = heap[i];
    }
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(sort, {"sort", "heap", prepare_sort, run, nullptr},
                    {"top_k", "heap", prepare_top_k, run, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
