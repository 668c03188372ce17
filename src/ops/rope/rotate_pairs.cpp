// SPDX-License-Identifier: Apache-2.0
// rotate_pairs: pairs of numbers rotated by cosines and sines that are given.
#include "ops/reference.h"
#include "ops/rope/style.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;
using Ints = std::vector<int64_t>;

Status infer(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  if (x.rank() < 1) return invalid_argument("x must have at least one dimension");
  ASSIGN_OR_RETURN(const int64_t width, fixed_dim(x.shape.back(), "x's last dimension"));
  if (width % 2 != 0) return invalid_argument("x's last dimension is {}, not even", width);
  for (int i = 1; i < 3; ++i) {
    const TensorType& factor = call.inputs[i];
    const char* name = i == 1 ? "cos" : "sin";
    if (factor.dtype != call.inputs[1].dtype)
      return invalid_argument("cos is {}, sin {}", dtype_name(call.inputs[1].dtype),
                              dtype_name(factor.dtype));
    const Result<Shape> together = broadcast_shapes(factor.shape, x.shape);
    if (!together.ok() || *together != x.shape)
      return invalid_argument("{} {} does not broadcast to {}", name, shape_to_string(factor.shape),
                              shape_to_string(x.shape));
  }
  RETURN_IF_ERROR(is_neox(call.attributes).status());
  call.outputs[0] = x;
  return ok();
}

Status run(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &cos = call.inputs[1], &sin = call.inputs[2], &y = call.outputs[0];
  ASSIGN_OR_RETURN(const bool neox, is_neox(call.attributes));
  const int axis = x.rank - 1;
  const int64_t half = x.dims[axis] / 2;
  for_each_index(x.dims, x.rank, [&](const int64_t* index) {
    const int64_t i = index[axis], partner = neox ? (i < half ? i + half : i - half) : i ^ 1;
    const bool first = neox ? i < half : i % 2 == 0;
    const float other = load_f32(x, x.offset(index) + (partner - i) * x.strides[axis]);
    const float turned = (first ? -other : other) * load_f32(sin, broadcast_offset(sin, index, x.rank));
    store_f32(y, y.offset(index),
              load_f32(x, x.offset(index)) * load_f32(cos, broadcast_offset(cos, index, x.rank)) + turned);
  });
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  const auto add = [&](Dtype dtype, Ints x, Ints factor, Dtype factor_dtype, Ints order = {},
                       Fill fill = Fill::kNormal) {
    for (const char* style : {"neox", "interleaved"})
      out.push_back({{sample_operand(dtype, x, fill, 0, order), sample_operand(factor_dtype, factor),
                      sample_operand(factor_dtype, factor)},
                     {{"style", std::string(style)}}});
  };
  for (const Dtype dtype : dtypes::floats) {
    add(dtype, {2, 5, 3, 64}, {1, 5, 1, 64}, dtype);
    add(dtype, {5, 3, 20}, {5, 1, 20}, Dtype::kF32, {2, 0, 1});
  }
  add(Dtype::kF32, {4, 38}, {38}, Dtype::kF32, {}, Fill::kAwkward);
  add(Dtype::kF32, {2, 3, 8}, {2, 3, 8}, Dtype::kF16);
  add(Dtype::kF32, {0, 4}, {4}, Dtype::kF32);
  add(Dtype::kF32, {3, 0}, {0}, Dtype::kF32);
  return out;
}

std::vector<OpDef> defs() {
  OpDef def;
  def.name = "rotate_pairs";
  def.family = "Attention";
  def.meaning =
      "x * cos + rotated(x) * sin, where rotated swaps the numbers of each pair and negates the first";
  def.inputs = {{"x", dtypes::floats, "[..., d], d even"},
                {"cos", dtypes::floats, "broadcast to x"},
                {"sin", dtypes::floats, "broadcast to x; dtype of cos"}};
  def.outputs = {{"y", dtypes::floats, "like x"}};
  def.attributes = {
      {"style", std::string("neox"), "'neox': number i pairs with i + d / 2; 'interleaved': 2i with 2i + 1"}};
  def.order = "in F32: two products, each rounded, then their sum, rounded once on store";
  def.infer = infer;
  def.reference = run;
  def.samples = samples;
  def.aclnn = "aclnnRotaryPositionEmbedding";
  return {def};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(rotate_pairs, isthmus::defs)
