// SPDX-License-Identifier: Apache-2.0
// cholesky and lu_factor on the CPU: matrices are shared out over threads.
#include "devices/cpu/kernel.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

struct FactorPlan {
  int32_t rank, lu, f64;
};

template <bool lu>
const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  plan_data<FactorPlan>(plan) = {query.operands[0].rank, lu, query.operands[0].dtype == ISTHMUS_F64};
  plan.heavy = true;
  return nullptr;
}

float multiply_add(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
double multiply_add(double a, double b, double c) { return __builtin_fma(a, b, c); }
float root(float x) { return __builtin_sqrtf(x); }
double root(double x) { return __builtin_sqrt(x); }
float size_of(float x) { return __builtin_fabsf(x); }
double size_of(double x) { return __builtin_fabs(x); }

// Steps in elements.
template <typename T>
struct Square {
  const T* x;
  T* y;
  int64_t n, x_row, x_column, y_row, y_column;
  T given(int64_t i, int64_t j) const { return x[i * x_row + j * x_column]; }
  T& at(int64_t i, int64_t j) const { return y[i * y_row + j * y_column]; }
};

template <typename T>
void cholesky(const Square<T>& s) {
  for (int64_t i = 0; i < s.n; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      T sum = s.given(i, j);
      for (int64_t k = 0; k < j; ++k) sum = multiply_add(-s.at(i, k), s.at(j, k), sum);
      s.at(i, j) = j == i ? root(sum) : sum / s.at(j, j);
    }
    for (int64_t j = i + 1; j < s.n; ++j) s.at(i, j) = 0;
  }
}

template <typename T>
int64_t lu_factor(const Square<T>& s, int64_t* order, int64_t step) {
  int64_t swaps = 0;
  for (int64_t i = 0; i < s.n; ++i) {
    order[i * step] = i;
    for (int64_t j = 0; j < s.n; ++j) s.at(i, j) = s.given(i, j);
  }
  for (int64_t k = 0; k < s.n; ++k) {
    int64_t best = k;
    for (int64_t i = k + 1; i < s.n; ++i)
      if (size_of(s.at(i, k)) > size_of(s.at(best, k))) best = i;
    if (best != k) {
      ++swaps;
      const int64_t row = order[k * step];
      order[k * step] = order[best * step];
      order[best * step] = row;
      for (int64_t j = 0; j < s.n; ++j) {
        const T kept = s.at(k, j);
        s.at(k, j) = s.at(best, j);
        s.at(best, j) = kept;
      }
    }
    const T pivot = s.at(k, k);
    for (int64_t i = k + 1; i < s.n; ++i) {
      const T factor = pivot == 0 ? T(0) : s.at(i, k) / pivot;
      s.at(i, k) = factor;
      for (int64_t j = k + 1; j < s.n; ++j) s.at(i, j) = multiply_add(-factor, s.at(k, j), s.at(i, j));
    }
  }
  return swaps;
}

template <typename T>
void run_of(const Run& run, const Team& team) {
  const FactorPlan& p = plan_data<FactorPlan>(*run.plan);
  const isthmus_tensor_arg_t &x = run.operands[0], &y = run.operands[1];
  const int batches = p.rank - 2;
  int64_t items = 1, begin, end;
  for (int d = 0; d < batches; ++d) items *= x.dims[d];
  team.split(items, 1, &begin, &end);
  for (int64_t item = begin; item < end; ++item) {
    int64_t rest = item, x_at = 0, y_at = 0, order_at = 0, swaps_at = 0;
    for (int d = batches - 1; d >= 0; --d) {
      const int64_t index = rest % x.dims[d];
      rest /= x.dims[d];
      x_at += index * x.strides[d];
      y_at += index * y.strides[d];
      if (!p.lu) continue;
      order_at += index * run.operands[2].strides[d];
      swaps_at += index * run.operands[3].strides[d];
    }
    const Square<T> s = {run.data<T>(0) + x_at, run.data<T>(1) + y_at, x.dims[p.rank - 1],
                         x.strides[p.rank - 2], x.strides[p.rank - 1], y.strides[p.rank - 2],
                         y.strides[p.rank - 1]};
    if (p.lu)
      run.data<int64_t>(3)[swaps_at] =
          lu_factor(s, run.data<int64_t>(2) + order_at, run.operands[2].strides[batches]);
    else
      cholesky(s);
  }
}

void run_factor(const Run& run, const Team& team) {
  plan_data<FactorPlan>(*run.plan).f64 ? run_of<double>(run, team) : run_of<float>(run, team);
}

}  // namespace

ISTHMUS_CPU_KERNELS(factor, {"cholesky", "matrices", prepare<false>, run_factor, nullptr},
                    {"lu_factor", "matrices", prepare<true>, run_factor, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
