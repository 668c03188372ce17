// SPDX-License-Identifier: Apache-2.0
// linear_dequantized: activations of any float dtype, not narrowed, times the transpose of integers with
// scales.
#include <cmath>

#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

enum { kX, kWeight, kScale, kOffset, kBias };

// Numbers in an element of the weight.
int64_t packed(Dtype weight) { return weight == Dtype::kU8 ? 2 : 1; }

Status infer(const InferCall& call) {
  const auto& in = call.inputs;
  const TensorType &x = in[kX], &weight = in[kWeight], &scale = in[kScale];
  if (x.rank() < 1) return invalid_argument("x needs at least one dimension");
  if (weight.rank() != 2) return invalid_argument("weight must have rank 2, not {}", weight.rank());
  ASSIGN_OR_RETURN(const int64_t width, fixed_dim(weight.shape[1], "weight's second dimension"));
  const Dim n = weight.shape[0];
  const int64_t k = width * packed(weight.dtype);
  if (!x.shape.back().is(k))
    return invalid_argument("x {} and weight {} {} differ in k", shape_to_string(x.shape),
                            dtype_name(weight.dtype), shape_to_string(weight.shape));
  if (scale.rank() != 2 || scale.shape[0] != n || !scale.shape[1].fixed() || scale.shape[1].offset < 1 ||
      k % scale.shape[1].offset != 0)
    return invalid_argument("scale must be [{}, groups of k {}], not {}", n.to_string(), k,
                            shape_to_string(scale.shape));
  if (in[kOffset].present() && in[kOffset] != scale)
    return invalid_argument("offset must be like scale, not {} {}", dtype_name(in[kOffset].dtype),
                            shape_to_string(in[kOffset].shape));
  if (in[kBias].present() && (in[kBias].rank() != 1 || in[kBias].shape[0] != n))
    return invalid_argument("bias must be [{}], not {}", n.to_string(), shape_to_string(in[kBias].shape));
  call.outputs[0] = x;
  call.outputs[0].shape.back() = n;
  return ok();
}

float number(const Tensor& weight, int64_t n, int64_t k) {
  const int64_t at = n * weight.strides[0] + k / packed(weight.dtype) * weight.strides[1];
  if (weight.dtype == Dtype::kI8) return static_cast<float>(weight.as<int8_t>()[at]);
  const int bits = weight.as<uint8_t>()[at] >> (k % 2 * 4) & 15;
  return static_cast<float>(bits < 8 ? bits : bits - 16);
}

Status run(const ReferenceCall& call) {
  const auto& in = call.inputs;
  const Tensor &x = in[kX], &weight = in[kWeight], &scale = in[kScale], &y = call.outputs[0];
  const int64_t size = x.dims[x.rank - 1], group = size / scale.dims[1];
  for_each_index(y.dims, y.rank, [&](const int64_t* index) {
    const int64_t n = index[y.rank - 1];
    int64_t x_at = 0;
    for (int d = 0; d < x.rank - 1; ++d) x_at += index[d] * x.strides[d];
    float lanes[16] = {};
    for (int64_t k = 0; k < size; ++k) {
      const int64_t of_group = n * scale.strides[0] + k / group * scale.strides[1];
      float w = number(weight, n, k);
      if (in[kOffset].present())
        w = w + load_f32(in[kOffset], n * in[kOffset].strides[0] + k / group * in[kOffset].strides[1]);
      w = w * load_f32(scale, of_group);
      lanes[k % 16] = std::fma(load_f32(x, x_at + k * x.strides[x.rank - 1]), w, lanes[k % 16]);
    }
    for (int step = 8; step > 0; step /= 2)
      for (int j = 0; j < step; ++j) lanes[j] = lanes[j] + lanes[j + step];
    float sum = lanes[0];
    if (in[kBias].present()) sum = sum + load_f32(in[kBias], n * in[kBias].strides[0]);
    store_f32(y, y.offset(index), sum);
  });
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  const auto add = [&](Dtype dtype, std::vector<int64_t> x, int64_t n, Dtype weight, int64_t groups,
                       Dtype scale, bool offset, bool bias, std::vector<int64_t> order = {}) {
    const int64_t width = x.back() / packed(weight);
    std::vector<int64_t> x_order;
    for (size_t d = 0; !order.empty() && d < x.size(); ++d)
      x_order.push_back(static_cast<int64_t>((d + 1) % x.size()));
    out.push_back({{sample_operand(dtype, x, Fill::kNormal, 0, x_order),
                    sample_operand(weight, {n, width}, Fill::kAwkward, 0, order),
                    sample_operand(scale, {n, groups}, Fill::kNormal, 0, order),
                    offset ? sample_operand(scale, {n, groups}, Fill::kNormal, 0, order) : sample_absent(),
                    bias ? sample_operand(dtype, {n}) : sample_absent()},
                   {}});
  };
  for (const Dtype weight : {Dtype::kI8, Dtype::kU8}) {
    for (const Dtype dtype : dtypes::floats) {
      add(dtype, {1, 96}, 37, weight, 3, Dtype::kF16, false, false);
      add(dtype, {3, 64}, 21, weight, 1, Dtype::kF32, true, true);
      add(dtype, {7, 128}, 29, weight, 2, Dtype::kBF16, true, false);
      add(dtype, {2, 5, 160}, 40, weight, 5, Dtype::kF16, false, true);
      add(dtype, {6, 36}, 11, weight, 3, Dtype::kF16, true, false);
      add(dtype, {5, 40}, 13, weight, 1, Dtype::kF32, false, false);
      add(dtype, {9, 64}, 12, weight, 2, Dtype::kF16, true, true, {1, 0});
    }
    add(Dtype::kF32, {70, 96}, 35, weight, 3, Dtype::kF16, false, false);
    for (const int64_t groups : {65, 1})
      add(Dtype::kF16, {5, 2080}, 7, weight, groups, Dtype::kF16, true, false);
    add(Dtype::kF16, {1, 2080}, 7, weight, 65, Dtype::kF16, true, false);
    add(Dtype::kF32, {3, 1056}, 7, weight, 11, Dtype::kF16, false, false);
    add(Dtype::kF16, {32}, 3, weight, 1, Dtype::kF16, false, false);
    add(Dtype::kF32, {0, 32}, 3, weight, 1, Dtype::kF16, false, false);
    add(Dtype::kF32, {2, 0}, 3, weight, 1, Dtype::kF16, false, true);
  }
  return out;
}

std::vector<OpDef> defs() {
  OpDef def;
  def.name = "linear_dequantized";
  def.family = "products";
  def.meaning =
      "activations, in their own precision, times the transpose of (integers + offset) * scale, plus a bias";
  def.inputs = {
      {"x", dtypes::floats, "[..., k]"},
      {"weight",
       {Dtype::kI8, Dtype::kU8},
       "I8 [n, k], or U8 [n, k / 2]: two numbers of 4 bits in two's complement, the first in the low "
       "half"},
      {"scale", dtypes::floats, "[n, groups]: one for each k / groups numbers of a row"},
      {"offset", dtypes::floats, "like scale; absent: zeros", true},
      {"bias", dtypes::floats, "[n]", true}};
  def.outputs = {{"y", dtypes::floats, "[..., n]; dtype of x"}};
  def.order =
      "w = (number + offset) * scale, each step rounded to F32; products in 16 lanes along k by fma, folded "
      "as "
      "a lane-order sum; bias added last, rounded once on store";
  def.infer = infer;
  def.reference = run;
  def.samples = samples;
  def.work = [](const WorkCall& call) {
    OpWork work = bytes_of_operands(call);
    double outputs = 1;
    for (const int64_t dim : call.dims.back()) outputs *= static_cast<double>(dim);
    work.operations = 2 * outputs * static_cast<double>(call.dims[kX].back());
    return work;
  };
  def.aclnn = "aclnnWeightQuantBatchMatmulV2";
  return {def};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(linear_dequantized, isthmus::defs)
