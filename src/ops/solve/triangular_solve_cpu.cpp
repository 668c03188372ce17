// SPDX-License-Identifier: Apache-2.0
// triangular_solve on the CPU: 16 columns side by side.
#include "devices/cpu/kernel.h"
#include "devices/cpu/simd.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int64_t kColumns = 16;

struct SolvePlan {
  int32_t a_rank, b_rank, y_rank, transposed, from_end, unit, f64;
};

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  const bool upper = attribute_int(query, "upper") != 0, transposed = attribute_int(query, "transposed") != 0;
  plan_data<SolvePlan>(plan) = {query.operands[0].rank,
                                query.operands[1].rank,
                                query.operands[2].rank,
                                transposed,
                                upper != transposed,
                                attribute_int(query, "unit") != 0,
                                query.operands[0].dtype == ISTHMUS_F64};
  plan.heavy = true;
  return nullptr;
}

// One triangle and some columns, steps in elements.
template <typename T>
struct System {
  const T* a;
  const T* b;
  T* x;
  int64_t n, a_row, a_column, b_row, b_column, x_row, x_column;
  bool from_end, unit;
  int64_t row(int64_t step) const { return from_end ? n - 1 - step : step; }
};

template <typename T>
void solve_column(const System<T>& s, int64_t column) {
  for (int64_t step = 0; step < s.n; ++step) {
    const int64_t i = s.row(step);
    T sum = s.b[i * s.b_row + column * s.b_column];
    for (int64_t before = 0; before < step; ++before) {
      const int64_t j = s.row(before);
      const T factor = -s.a[i * s.a_row + j * s.a_column], x = s.x[j * s.x_row + column * s.x_column];
      if constexpr (sizeof(T) == 8)
        sum = __builtin_fma(factor, x, sum);
      else
        sum = __builtin_fmaf(factor, x, sum);
    }
    s.x[i * s.x_row + column * s.x_column] = s.unit ? sum : sum / s.a[i * s.a_row + i * s.a_column];
  }
}

void solve_columns(const System<float>& s, int64_t column, int count) {
  for (int64_t step = 0; step < s.n; ++step) {
    const int64_t i = s.row(step);
    const float* b = s.b + i * s.b_row + column * s.b_column;
    float lanes[16] = {};
    for (int c = 0; c < count && s.b_column != 1; ++c) lanes[c] = b[c * s.b_column];
    F32x16 sum = s.b_column == 1 ? load_n(b, count) : load(lanes);
    for (int64_t before = 0; before < step; ++before) {
      const int64_t j = s.row(before);
      sum = fma(set1(-s.a[i * s.a_row + j * s.a_column]), load_n(s.x + j * s.x_row + column, count), sum);
    }
    if (!s.unit) sum = sum / s.a[i * s.a_row + i * s.a_column];
    store_n(s.x + i * s.x_row + column, sum, count);
  }
}

template <typename T>
void run_of(const Run& run, const Team& team) {
  const SolvePlan& p = plan_data<SolvePlan>(*run.plan);
  const isthmus_tensor_arg_t &a = run.operands[0], &b = run.operands[1], &y = run.operands[2];
  const int batches = p.y_rank - 2;
  const int64_t columns = y.dims[p.y_rank - 1], pieces = (columns + kColumns - 1) / kColumns;
  int64_t items = pieces, begin, end;
  for (int d = 0; d < batches; ++d) items *= y.dims[d];
  team.split(items, 1, &begin, &end);
  for (int64_t item = begin; item < end; ++item) {
    int64_t rest = item / pieces, a_at = 0, b_at = 0, y_at = 0;
    for (int d = batches - 1; d >= 0; --d) {
      const int64_t index = rest % y.dims[d];
      rest /= y.dims[d];
      y_at += index * y.strides[d];
      const int of_a = d - (p.y_rank - p.a_rank), of_b = d - (p.y_rank - p.b_rank);
      if (of_a >= 0 && a.dims[of_a] != 1) a_at += index * a.strides[of_a];
      if (of_b >= 0 && b.dims[of_b] != 1) b_at += index * b.strides[of_b];
    }
    const System<T> s = {run.data<T>(0) + a_at,
                         run.data<T>(1) + b_at,
                         run.data<T>(2) + y_at,
                         y.dims[p.y_rank - 2],
                         a.strides[p.a_rank - (p.transposed ? 1 : 2)],
                         a.strides[p.a_rank - (p.transposed ? 2 : 1)],
                         b.strides[p.b_rank - 2],
                         b.strides[p.b_rank - 1],
                         y.strides[p.y_rank - 2],
                         y.strides[p.y_rank - 1],
                         p.from_end != 0,
                         p.unit != 0};
    const int64_t column = item % pieces * kColumns;
    const int count = (int)(columns - column < kColumns ? columns - column : kColumns);
    if constexpr (sizeof(T) == 4) {
      if (s.x_column == 1) {
        solve_columns(s, column, count);
        continue;
      }
    }
    for (int c = 0; c < count; ++c) solve_column(s, column + c);
  }
}

void run_solve(const Run& run, const Team& team) {
  plan_data<SolvePlan>(*run.plan).f64 ? run_of<double>(run, team) : run_of<float>(run, team);
}

}  // namespace

ISTHMUS_CPU_KERNELS(triangular_solve, {"triangular_solve", "16 columns", prepare, run_solve, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
