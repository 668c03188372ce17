// SPDX-License-Identifier: Apache-2.0
// grouped_matmul_transposed: what the rows of each group add to the gradient of its matrix.
#include <algorithm>
#include <cmath>

#include "ops/matmul/product_reference.h"
#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

Status infer(const InferCall& call) {
  const TensorType &x = call.inputs[0], &w = call.inputs[1], &ends = call.inputs[2];
  if (x.rank() != 2 || w.rank() != 2 || x.shape[0] != w.shape[0] || x.dtype != w.dtype)
    return invalid_argument("x must be [m, k] and w [m, n] of x's dtype, not {} {} and {} {}",
                            dtype_name(x.dtype), shape_to_string(x.shape), dtype_name(w.dtype),
                            shape_to_string(w.shape));
  if (ends.rank() != 1) return invalid_argument("ends must be [groups], not {}", shape_to_string(ends.shape));
  call.outputs[0].dtype = x.dtype;
  call.outputs[0].shape = {ends.shape[0], x.shape[1], w.shape[1]};
  return ok();
}

Status run(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &w = call.inputs[1], &ends = call.inputs[2], &y = call.outputs[0];
  int64_t begin = 0;
  for (int64_t g = 0; g < y.dims[0]; ++g) {
    const int64_t end = std::clamp(load_i64(ends, g * ends.strides[0]), begin, x.dims[0]);
    for (int64_t k = 0; k < y.dims[1]; ++k)
      for (int64_t n = 0; n < y.dims[2]; ++n) {
        float acc = 0;
        for (int64_t m = begin; m < end; ++m)
          acc = std::fma(load_float(x.dtype, x.data, m * x.strides[0] + k * x.strides[1]),
                         load_float(w.dtype, w.data, m * w.strides[0] + n * w.strides[1]), acc);
        store_float(y.dtype, y.data, g * y.strides[0] + k * y.strides[1] + n * y.strides[2], acc);
      }
    begin = end;
  }
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  const auto add = [&](Dtype dtype, int64_t m, int64_t k, int64_t n, Dtype index, std::vector<double> ends,
                       Fill fill = Fill::kNormal, std::vector<int64_t> order = {}) {
    const auto groups = static_cast<int64_t>(ends.size());
    out.push_back({{sample_operand(dtype, {m, k}, fill, 0, order), sample_operand(dtype, {m, n}, fill),
                    sample_values(index, {groups}, ends)},
                   {}});
  };
  for (const Dtype dtype : dtypes::floats) {
    add(dtype, 13, 7, 33, Dtype::kI32, {4, 9, 13});
    add(dtype, 300, 20, 40, Dtype::kI64, {131, 131, 300});   // nothing for the second
    add(dtype, 9, 5, 6, Dtype::kI64, {-2, 4, 3, 20});        // clamped
    add(dtype, 8, 3, 70, Dtype::kI32, {5}, Fill::kAwkward);  // the last rows are of no group
    add(dtype, 17, 100, 9, Dtype::kI64, {8, 17}, Fill::kNormal, {1, 0});
  }
  add(Dtype::kF32, 0, 3, 4, Dtype::kI64, {0, 0});
  add(Dtype::kF32, 5, 0, 4, Dtype::kI64, {2, 5});
  add(Dtype::kF32, 5, 3, 4, Dtype::kI64, {});
  return out;
}

std::vector<OpDef> defs() {
  OpDef def;
  def.name = "grouped_matmul_transposed";
  def.family = "products";
  def.meaning = "The transpose of each group's rows of x times the same rows of w.";
  def.inputs = {{"x", dtypes::floats, "[m, k]"},
                {"w", dtypes::floats, "[m, n]; dtype of x"},
                {"ends", dtypes::indices,
                 "[groups]: where the rows of each group end, those of the first begin at "
                 "0; clamped to [the end before, m]"}};
  def.outputs = {{"y", dtypes::floats, "[groups, k, n]; dtype of x"}};
  def.order = "a chain of fma over the group's rows, ascending, in F32, rounded once";
  def.infer = infer;
  def.reference = run;
  def.samples = samples;
  def.work = [](const WorkCall& call) {
    OpWork work = bytes_of_operands(call);
    work.operations = 2.0 * static_cast<double>(call.dims[0][0]) * static_cast<double>(call.dims[0][1]) *
                      static_cast<double>(call.dims[1][1]);
    return work;
  };
  def.aclnn = "aclnnGroupedMatmulAdd";
  return {def};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(grouped_transposed, isthmus::defs)
