// SPDX-License-Identifier: Apache-2.0
// triangular_solve: x of a x = b, where a is triangular.
#include <cmath>

#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;
using Ints = std::vector<int64_t>;

Status infer(const InferCall& call) {
  const TensorType &a = call.inputs[0], &b = call.inputs[1];
  if (a.rank() < 2 || b.rank() < 2) return invalid_argument("a and b must have rank 2 or more");
  if (a.dtype != b.dtype)
    return invalid_argument("a is {} and b {}, but both must be one dtype", dtype_name(a.dtype),
                            dtype_name(b.dtype));
  const Dim n = a.shape[a.rank() - 1];
  if (a.shape[a.rank() - 2] != n || b.shape[b.rank() - 2] != n)
    return invalid_argument("a must be [..., n, n] and b [..., n, columns], not {} and {}",
                            shape_to_string(a.shape), shape_to_string(b.shape));
  ASSIGN_OR_RETURN(Shape shape, broadcast_shapes(Shape(a.shape.begin(), a.shape.end() - 2),
                                                 Shape(b.shape.begin(), b.shape.end() - 2)));
  shape.push_back(n);
  shape.push_back(b.shape.back());
  call.outputs[0] = {a.dtype, std::move(shape)};
  return ok();
}

// Offset of a batch of y in an operand.
int64_t batch_offset(const Tensor& t, const int64_t* index, int batches) {
  int64_t at = 0;
  for (int d = 0; d < t.rank - 2; ++d)
    if (t.dims[d] != 1) at += index[batches - (t.rank - 2) + d] * t.strides[d];
  return at;
}

Status run(const ReferenceCall& call) {
  const Tensor &a = call.inputs[0], &b = call.inputs[1], &y = call.outputs[0];
  const bool unit = call.attributes.i("unit") != 0, transposed = call.attributes.i("transposed") != 0;
  // A transposed upper triangle is a lower one.
  const bool from_end = (call.attributes.i("upper") != 0) != transposed;
  const int batches = y.rank - 2;
  const int64_t n = y.dims[y.rank - 2], row_step = a.strides[a.rank - (transposed ? 1 : 2)],
                column_step = a.strides[a.rank - (transposed ? 2 : 1)];
  visit(y.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_floating_point_v<T>) {
      for_each_index(y.dims, batches, [&](const int64_t* index) {
        int64_t to = 0;
        for (int d = 0; d < batches; ++d) to += index[d] * y.strides[d];
        const T* matrix = a.as<T>() + batch_offset(a, index, batches);
        for (int64_t c = 0; c < y.dims[y.rank - 1]; ++c) {
          const T* right = b.as<T>() + batch_offset(b, index, batches) + c * b.strides[b.rank - 1];
          T* x = y.as<T>() + to + c * y.strides[y.rank - 1];
          for (int64_t step = 0; step < n; ++step) {
            const int64_t i = from_end ? n - 1 - step : step;
            T sum = right[i * b.strides[b.rank - 2]];
            for (int64_t before = 0; before < step; ++before) {
              const int64_t j = from_end ? n - 1 - before : before;
              sum = std::fma(-matrix[i * row_step + j * column_step], x[j * y.strides[y.rank - 2]], sum);
            }
            x[i * y.strides[y.rank - 2]] = unit ? sum : sum / matrix[i * row_step + i * column_step];
          }
        }
      });
    }
  });
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF64}) {
    const auto add = [&](Ints a, Ints b, Ints order = {}, Fill fill = Fill::kNormal) {
      const int64_t way = static_cast<int64_t>(out.size());
      out.push_back(
          {{sample_operand(dtype, a, Fill::kPositive, 0, order), sample_operand(dtype, b, fill, 0, order)},
           {{"upper", way & 1}, {"transposed", way >> 1 & 1}, {"unit", way >> 2 & 1}}});
    };
    for (int i = 0; i < 8; ++i) add({2, 9, 9}, {2, 9, 37});
    add({3, 1, 5, 5}, {4, 5, 2});
    add({1, 1}, {1, 1});
    add({40, 40}, {40, 16});
    for (int i = 0; i < 4; ++i) add({2, 6, 6}, {2, 6, 20}, {2, 0, 1});
    add({5, 5}, {5, 18}, {}, Fill::kAwkward);
    add({0, 0}, {0, 3});
    add({3, 3}, {3, 0});
  }
  return out;
}

std::vector<OpDef> defs() {
  const std::vector<Dtype> dtypes = {Dtype::kF32, Dtype::kF64};
  OpDef def;
  def.name = "triangular_solve";
  def.family = "Solving";
  def.meaning = "x of a x = b, a being triangular; its other half is not read";
  def.inputs = {{"a", dtypes, "[..., n, n]"}, {"b", dtypes, "[..., n, columns]; dtype of a"}};
  def.outputs = {{"x", dtypes, "[..., n, columns], batches broadcast; dtype of a"}};
  def.attributes = {{"upper", int64_t{0}, "1: the upper triangle of a"},
                    {"transposed", int64_t{0}, "1: of the transpose of a, whose triangle `upper` names"},
                    {"unit", int64_t{0}, "1: the diagonal is ones and not read"}};
  def.order =
      "each x: from b a chain of fma(-a, x, sum) over the x before it in the order in which they were "
      "solved, then "
      "divided by the diagonal";
  def.infer = infer;
  def.reference = run;
  def.samples = samples;
  def.work = [](const WorkCall& call) {
    OpWork work = bytes_of_operands(call);
    work.operations = static_cast<double>(call.dims[0].back());
    for (const int64_t dim : call.dims.back()) work.operations *= static_cast<double>(dim);
    return work;
  };
  def.aclnn = "aclnnTriangularSolve";
  return {def};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(triangular_solve, isthmus::defs)
