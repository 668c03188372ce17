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

template <typename Access>
ISTHMUS_SIMD float sum_of(const Access& row, int64_t n) {
  F32x16 lanes = set1(0.0f);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) lanes = lanes + row.load16(i);
  if (i < n) lanes = lanes + row.load_last(i, static_cast<int>(n - i));
  return sum_lanes(lanes);
}
// Squares of x - mean.
template <typename Access>
ISTHMUS_SIMD float squares_of(const Access& row, int64_t n, float mean) {
  F32x16 lanes = set1(0.0f);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const F32x16 d = row.load16(i) - mean;
    lanes = fma(d, d, lanes);
  }
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    const F32x16 d = select(lane_numbers() < rest, row.load_last(i, rest) - mean, set1(0.0f));
    lanes = fma(d, d, lanes);
  }
  return sum_lanes(lanes);
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
template <bool kCentred, typename Access>
ISTHMUS_SIMD void norm_row(const Access& row, int64_t n, float eps, const Vector& weight,
                           const Vector& bias) {
  const float count = static_cast<float>(n);
  const float mean = kCentred ? sum_of(row, n) / count : 0.0f;
  const float factor = 1.0f / elementary::sqrt(squares_of(row, n, mean) / count + eps);
  write_row(row, n, mean, factor, weight, bias);
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
  for (int64_t r = begin; r < end; ++r) {
    if (x.plain() && y.plain())
      norm_row<kCentred>(PlainAccess{x.plain_row(r), y.plain_row(r)}, x.length, plan.eps, weight, bias);
    else
      norm_row<kCentred>(AnyAccess{x, y, x.offset(r), y.offset(r)}, x.length, plan.eps, weight, bias);
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(norm, {"rms_norm", "16 lanes", prepare_norm, run_norm<false>, nullptr},
                    {"layer_norm", "16 lanes", prepare_norm, run_norm<true>, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
