// SPDX-License-Identifier: Apache-2.0
// rms_norm and layer_norm on the CPU: rows split over the threads, 16 lanes along a row.
#include "devices/cpu/elementary.h"
#include "devices/cpu/rows.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

struct NormPlan {
  float eps;
  int rank;
  isthmus_dtype_t dtypes[3];  // x, weight, bias
};

const char* prepare_norm(const isthmus_op_query_t& query, Plan& plan) {
  NormPlan& norm = plan_data<NormPlan>(plan);
  norm.eps = static_cast<float>(attribute_float(query, "eps"));
  norm.rank = query.operands[0].rank;
  for (int i = 0; i < query.input_count && i < 3; ++i) norm.dtypes[i] = query.operands[i].dtype;
  return nullptr;
}

// How a row is read and written: straight F32, or anything.
struct PlainAccess {
  const float* from;
  float* to;
  ISTHMUS_SIMD F32x16 load16(int64_t i) const { return load(from + i); }
  ISTHMUS_SIMD F32x16 load_last(int64_t i, int n) const { return load_n(from + i, n); }
  ISTHMUS_SIMD void store16(int64_t i, F32x16 v) const { store(to + i, v); }
  ISTHMUS_SIMD void store_last(int64_t i, int n, F32x16 v) const { store_n(to + i, v, n); }
};
struct AnyAccess {
  const Rows& x;
  const Rows& y;
  int64_t from, to;
  ISTHMUS_SIMD F32x16 load16(int64_t i) const { return load_row(x, from, i, 16); }
  ISTHMUS_SIMD F32x16 load_last(int64_t i, int n) const { return load_row(x, from, i, n); }
  ISTHMUS_SIMD void store16(int64_t i, F32x16 v) const { store_row(y, to, i, 16, v); }
  ISTHMUS_SIMD void store_last(int64_t i, int n, F32x16 v) const { store_row(y, to, i, n, v); }
};
// Weight and bias: one row, or absent.
struct Vector {
  Rows rows;
  bool present, plain;
  ISTHMUS_SIMD F32x16 at(int64_t i, int n) const {
    if (plain && n == 16) return load(reinterpret_cast<const float*>(rows.base) + i);
    return load_row(rows, 0, i, n);
  }
};
Vector vector_of(const isthmus_tensor_arg_t& arg, isthmus_dtype_t dtype) {
  Vector v;
  v.present = dtype != ISTHMUS_DTYPE_INVALID;
  v.rows = rows_of(arg, dtype, v.present ? 1 : 0, 0);
  v.plain = v.present && v.rows.plain();
  return v;
}

// Several rows at a time: each row's sum is a chain, and chains of different rows overlap.
template <int R, typename Access>
ISTHMUS_SIMD void sums_of(const Access* rows, int64_t n, float* sums) {
  F32x16 lanes[R];
  for (int r = 0; r < R; ++r) lanes[r] = set1(0.0f);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int r = 0; r < R; ++r) lanes[r] = lanes[r] + rows[r].load16(i);
  for (int r = 0; r < R; ++r) {
    if (i < n) lanes[r] = lanes[r] + rows[r].load_last(i, static_cast<int>(n - i));
    sums[r] = sum_lanes(lanes[r]);
  }
}
// Squares of x - mean.
template <int R, typename Access>
ISTHMUS_SIMD void squares_of(const Access* rows, int64_t n, const float* means, float* sums) {
  F32x16 lanes[R];
  for (int r = 0; r < R; ++r) lanes[r] = set1(0.0f);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int r = 0; r < R; ++r) {
      const F32x16 d = rows[r].load16(i) - means[r];
      lanes[r] = fma(d, d, lanes[r]);
    }
  }
  for (int r = 0; r < R; ++r) {
    if (i < n) {
      const int rest = static_cast<int>(n - i);
      const F32x16 d = select(lane_numbers() < rest, rows[r].load_last(i, rest) - means[r], set1(0.0f));
      lanes[r] = fma(d, d, lanes[r]);
    }
    sums[r] = sum_lanes(lanes[r]);
  }
}
template <typename Access>
ISTHMUS_SIMD void write_row(const Access& row, int64_t n, float mean, float factor, const Vector& weight,
                            const Vector& bias) {
  for (int64_t i = 0; i < n; i += 16) {
    const int width = n - i < 16 ? static_cast<int>(n - i) : 16;
    F32x16 v = ((width == 16 ? row.load16(i) : row.load_last(i, width)) - mean) * factor;
    if (weight.present) v = v * weight.at(i, width);
    if (bias.present) v = v + bias.at(i, width);
    width == 16 ? row.store16(i, v) : row.store_last(i, width, v);
  }
}

// A mean of +0 changes nothing: x - 0 is x.
template <bool kCentred, int R, typename Access>
ISTHMUS_SIMD void norm_rows(const Access* rows, int64_t n, float eps, const Vector& weight,
                            const Vector& bias) {
  const float count = static_cast<float>(n);
  float means[R] = {}, sums[R];
  if (kCentred) {
    sums_of<R>(rows, n, sums);
    for (int r = 0; r < R; ++r) means[r] = sums[r] / count;
  }
  squares_of<R>(rows, n, means, sums);
  for (int r = 0; r < R; ++r)
    write_row(rows[r], n, means[r], 1.0f / elementary::sqrt(sums[r] / count + eps), weight, bias);
}

template <bool kCentred>
void run_norm(const Run& run, const Team& team) {
  const NormPlan& plan = plan_data<NormPlan>(*run.plan);
  const int inputs = kCentred ? 3 : 2, axis = plan.rank - 1;
  const Rows x = rows_of(run.operands[0], plan.dtypes[0], plan.rank, axis);
  const Rows y = rows_of(run.operands[inputs], plan.dtypes[0], plan.rank, axis);
  const Vector weight = vector_of(run.operands[1], plan.dtypes[1]);
  const Vector bias = kCentred ? vector_of(run.operands[2], plan.dtypes[2]) : Vector{{}, false, false};
  int64_t begin, end;
  team.split(x.count, 1, &begin, &end);
  if (x.length == 0) return;
  const bool plain = x.plain() && y.plain();
  int64_t r = begin;
  for (; plain && r + 4 <= end; r += 4) {
    PlainAccess rows[4];
    for (int i = 0; i < 4; ++i) rows[i] = {x.plain_row(r + i), y.plain_row(r + i)};
    norm_rows<kCentred, 4>(rows, x.length, plan.eps, weight, bias);
  }
  for (; r < end; ++r) {
    const PlainAccess straight{x.plain_row(r), y.plain_row(r)};
    const AnyAccess any{x, y, x.offset(r), y.offset(r)};
    if (plain)
      norm_rows<kCentred, 1>(&straight, x.length, plan.eps, weight, bias);
    else
      norm_rows<kCentred, 1>(&any, x.length, plan.eps, weight, bias);
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(norm, {"rms_norm", "16 lanes", prepare_norm, run_norm<false>, nullptr},
                    {"layer_norm", "16 lanes", prepare_norm, run_norm<true>, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
