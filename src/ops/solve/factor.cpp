// SPDX-License-Identifier: Apache-2.0
// cholesky and lu_factor: square matrices as products of triangular ones.
#include <cmath>
#include <utility>

#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;
using Ints = std::vector<int64_t>;

Status infer_square(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  if (x.rank() < 2 || x.shape[x.rank() - 1] != x.shape[x.rank() - 2])
    return invalid_argument("x must be [..., n, n], not {}", shape_to_string(x.shape));
  call.outputs[0] = x;
  return ok();
}

Status infer_lu(const InferCall& call) {
  RETURN_IF_ERROR(infer_square(call));
  const Shape& shape = call.inputs[0].shape;
  call.outputs[1] = {Dtype::kI64, Shape(shape.begin(), shape.end() - 1)};
  call.outputs[2] = {Dtype::kI64, Shape(shape.begin(), shape.end() - 2)};
  return ok();
}

int64_t batch_offset(const Tensor& t, const int64_t* index, int batches) {
  int64_t at = 0;
  for (int d = 0; d < batches; ++d) at += index[d] * t.strides[d];
  return at;
}

// One matrix of an operand.
template <typename T>
struct Matrix {
  T* data;
  int64_t row, column;
  T& operator()(int64_t i, int64_t j) const { return data[i * row + j * column]; }
};
template <typename T>
Matrix<T> matrix_of(const Tensor& t, const int64_t* index) {
  return {t.as<T>() + batch_offset(t, index, t.rank - 2), t.strides[t.rank - 2], t.strides[t.rank - 1]};
}

// Calls f(tag of the element, index of the batch) for every matrix.
template <typename F>
void for_each_matrix(const Tensor& x, F&& f) {
  visit(x.dtype, [&](auto tag) {
    if constexpr (std::is_floating_point_v<typename decltype(tag)::type>)
      for_each_index(x.dims, x.rank - 2, [&](const int64_t* index) { f(tag, index); });
  });
}

Status run_cholesky(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &y = call.outputs[0];
  const int64_t n = x.dims[x.rank - 1];
  for_each_matrix(x, [&](auto tag, const int64_t* index) {
    using T = typename decltype(tag)::type;
    const Matrix<T> from = matrix_of<T>(x, index), m = matrix_of<T>(y, index);
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        m(i, j) = 0;
        if (j > i) continue;
        T sum = from(i, j);
        for (int64_t k = 0; k < j; ++k) sum = std::fma(-m(i, k), m(j, k), sum);
        m(i, j) = j == i ? std::sqrt(sum) : sum / m(j, j);
      }
    }
  });
  return ok();
}

Status run_lu(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &y = call.outputs[0], &order = call.outputs[1], &swaps = call.outputs[2];
  const int64_t n = x.dims[x.rank - 1];
  for_each_matrix(x, [&](auto tag, const int64_t* index) {
    using T = typename decltype(tag)::type;
    const Matrix<T> from = matrix_of<T>(x, index), m = matrix_of<T>(y, index);
    int64_t* rows = order.as<int64_t>() + batch_offset(order, index, x.rank - 2);
    const int64_t step = order.strides[order.rank - 1];
    int64_t exchanged = 0;
    for (int64_t i = 0; i < n; ++i) {
      rows[i * step] = i;
      for (int64_t j = 0; j < n; ++j) m(i, j) = from(i, j);
    }
    for (int64_t k = 0; k < n; ++k) {
      int64_t best = k;
      for (int64_t i = k + 1; i < n; ++i)
        if (std::fabs(m(i, k)) > std::fabs(m(best, k))) best = i;
      if (best != k) {
        ++exchanged;
        std::swap(rows[k * step], rows[best * step]);
        for (int64_t j = 0; j < n; ++j) std::swap(m(k, j), m(best, j));
      }
      for (int64_t i = k + 1; i < n; ++i) {
        const T factor = m(k, k) == 0 ? T(0) : m(i, k) / m(k, k);
        m(i, k) = factor;
        for (int64_t j = k + 1; j < n; ++j) m(i, j) = std::fma(-factor, m(k, j), m(i, j));
      }
    }
    swaps.as<int64_t>()[batch_offset(swaps, index, x.rank - 2)] = exchanged;
  });
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF64}) {
    const auto add = [&](Ints dims, Fill fill, Ints order = {}) {
      out.push_back({{sample_operand(dtype, std::move(dims), fill, 0, std::move(order))}, {}});
    };
    add({3, 9, 9}, Fill::kNormal);
    add({3, 9, 9}, Fill::kPositive);
    add({2, 2, 6, 6}, Fill::kNormal, {3, 1, 0, 2});
    add({40, 40}, Fill::kNormal);
    add({1, 1}, Fill::kPositive);
    add({5, 5}, Fill::kAwkward);
    add({4, 4}, Fill::kZero);
    add({2, 0, 0}, Fill::kNormal);
    add({0, 3, 3}, Fill::kNormal);
  }
  return out;
}

OpDef make(const char* name, const char* meaning, const char* order, const char* aclnn) {
  const std::vector<Dtype> dtypes = {Dtype::kF32, Dtype::kF64};
  OpDef def;
  def.name = name;
  def.family = "Solving";
  def.meaning = meaning;
  def.inputs = {{"x", dtypes, "[..., n, n]"}};
  def.outputs = {{"y", dtypes, "like x"}};
  def.order = order;
  def.samples = samples;
  def.aclnn = aclnn;
  return def;
}

std::vector<OpDef> defs() {
  OpDef cholesky =
      make("cholesky", "lower triangle y of x = y times its transpose; x's lower half alone is read",
           "row by row: from x a chain of fma(-y[i][k], y[j][k], sum), k ascending, then divided by "
           "y[j][j], or its square root on the diagonal",
           "aclnnLinalgCholesky");
  cholesky.infer = infer_square;
  cholesky.reference = run_cholesky;
  OpDef lu = make(
      "lu_factor",
      "rows of x in another order as a lower triangle with ones on its diagonal times an upper one: y has "
      "both",
      "column by column: the largest of a column, the first of equals, changes places with the row of its "
      "diagonal; then fma(-factor, upper, element) where the factor is element / diagonal, 0 by 0",
      "");
  lu.outputs.push_back({"order", {Dtype::kI64}, "[..., n]; which row of x each row of y is"});
  lu.outputs.push_back({"swaps", {Dtype::kI64}, "[...]; how many times two rows changed places"});
  lu.infer = infer_lu;
  lu.reference = run_lu;
  return {cholesky, lu};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(factor, isthmus::defs)
