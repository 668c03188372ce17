// SPDX-License-Identifier: Apache-2.0
// grouped_matmul: each row times the matrix of its group, as experts of a mixture take their tokens.
#include <cmath>

#include "base/bf16_product.h"
#include "ops/matmul/product_reference.h"
#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

Status infer(const InferCall& call) {
  const TensorType &x = call.inputs[0], &w = call.inputs[1], &groups = call.inputs[2];
  if (x.rank() != 2 || w.rank() != 3 || x.shape[1] != w.shape[1] || x.dtype != w.dtype)
    return invalid_argument("x must be [m, k] and w [groups, k, n] of x's dtype, not {} {} and {} {}",
                            dtype_name(x.dtype), shape_to_string(x.shape), dtype_name(w.dtype),
                            shape_to_string(w.shape));
  if (groups.rank() != 1 || groups.shape[0] != x.shape[0])
    return invalid_argument("groups must be [{}], not {}", x.shape[0].to_string(),
                            shape_to_string(groups.shape));
  call.outputs[0] = x;
  call.outputs[0].shape[1] = w.shape[2];
  return ok();
}

Status run(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &w = call.inputs[1], &groups = call.inputs[2], &y = call.outputs[0];
  const int64_t depth = x.dims[1];
  for (int64_t m = 0; m < y.dims[0]; ++m) {
    const int64_t group = load_i64(groups, m * groups.strides[0]);
    const bool inside = group >= 0 && group < w.dims[0];
    for (int64_t n = 0; n < y.dims[1]; ++n) {
      const auto x_at = [&](int64_t k) {
        return load_float(x.dtype, x.data, m * x.strides[0] + k * x.strides[1]);
      };
      const auto w_at = [&](int64_t k) {
        return load_float(w.dtype, w.data, group * w.strides[0] + k * w.strides[1] + n * w.strides[2]);
      };
      float acc = 0;
      if (inside && x.dtype == Dtype::kBF16) {
        for (int64_t k = 0; k < depth; k += 2) {
          acc =
              k + 1 < depth ? bf16_product_step(x_at(k + 1), w_at(k + 1), acc) : bf16_product_step(0, 0, acc);
          acc = bf16_product_step(x_at(k), w_at(k), acc);
        }
      } else if (inside) {
        for (int64_t k = 0; k < depth; ++k) acc = std::fma(x_at(k), w_at(k), acc);
      }
      store_float(y.dtype, y.data, m * y.strides[0] + n * y.strides[1], acc);
    }
  }
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  const auto add = [&](Dtype dtype, int64_t depth, std::vector<int64_t> w, Dtype index,
                       std::vector<double> groups, Fill fill = Fill::kNormal,
                       std::vector<int64_t> order = {}) {
    const auto m = static_cast<int64_t>(groups.size());
    out.push_back({{sample_operand(dtype, {m, depth}, fill),
                    sample_operand(dtype, {w[0], depth, w[1]}, fill, 0, std::move(order)),
                    sample_values(index, {m}, groups)},
                   {}});
  };
  for (const Dtype dtype : dtypes::floats) {
    add(dtype, 7, {3, 33}, Dtype::kI32, {0, 0, 1, 1, 1, 2});
    add(dtype, 64, {4, 40}, Dtype::kI64, {0, 0, 0, 2, 2, 3, 3, 3, 3});  // nothing for group 1
    add(dtype, 130, {3, 17}, Dtype::kI64, {2, 0, -1, 1, 0, 3, 2});      // unordered, and outside
    add(dtype, 18, {2, 20}, Dtype::kI32, {1, 0, 0, 1}, Fill::kAwkward);
    add(dtype, 24, {3, 35}, Dtype::kI64, {0, 1, 1, 2, 2}, Fill::kNormal, {0, 2, 1});
  }
  add(Dtype::kF32, 12, {2, 5}, Dtype::kI32, std::vector<double>(200, 1));
  add(Dtype::kF32, 4, {2, 3}, Dtype::kI64, {});
  add(Dtype::kF32, 0, {2, 3}, Dtype::kI64, {0, 1});
  add(Dtype::kF32, 4, {0, 3}, Dtype::kI64, {0, 1});
  return out;
}

std::vector<OpDef> defs() {
  OpDef def;
  def.name = "grouped_matmul";
  def.family = "products";
  def.meaning = "Each row times the matrix of its group.";
  def.inputs = {{"x", dtypes::floats, "[m, k]"},
                {"w", dtypes::floats, "[groups, k, n]; dtype of x"},
                {"groups", dtypes::indices,
                 "[m]: a row whose number is outside gives zeros; runs of one number "
                 "are fastest"}};
  def.outputs = {{"y", dtypes::floats, "[m, n]; dtype of x"}};
  def.order =
      "as matmul: a chain of fma over k ascending, F16 computed in F32 and rounded once; BF16 in pairs, "
      "odd k first";
  def.infer = infer;
  def.reference = run;
  def.samples = samples;
  def.work = [](const WorkCall& call) {
    OpWork work = bytes_of_operands(call);
    work.operations = 2.0 * static_cast<double>(call.dims[0][0]) * static_cast<double>(call.dims[0][1]) *
                      static_cast<double>(call.dims[1][2]);
    return work;
  };
  def.aclnn = "aclnnGroupedMatmul";
  return {def};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(grouped_matmul, isthmus::defs)
