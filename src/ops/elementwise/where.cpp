// SPDX-License-Identifier: Apache-2.0
// where: one of two operands, element by element.
#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

Status infer(const InferCall& call) {
  const TensorType& x = call.inputs[1];
  const TensorType& y = call.inputs[2];
  if (x.dtype != y.dtype)
    return invalid_argument("operands must have one dtype, not {} and {}", dtype_name(x.dtype),
                            dtype_name(y.dtype));
  ASSIGN_OR_RETURN(const Shape both, broadcast_shapes(x.shape, y.shape));
  ASSIGN_OR_RETURN(Shape shape, broadcast_shapes(call.inputs[0].shape, both));
  call.outputs[0] = {x.dtype, std::move(shape)};
  return ok();
}

Status run(const ReferenceCall& call) {
  const Tensor& condition = call.inputs[0];
  const Tensor& z = call.outputs[0];
  visit_size(z.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_each_index(z.dims, z.rank, [&](const int64_t* index) {
      const bool first = condition.as<uint8_t>()[broadcast_offset(condition, index, z.rank)] != 0;
      const Tensor& from = call.inputs[first ? 1 : 2];
      z.as<T>()[z.offset(index)] = from.as<T>()[broadcast_offset(from, index, z.rank)];
    });
  });
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  for (Dtype dtype : dtypes::plain) {
    out.push_back({{sample_operand(Dtype::kBool, {3, 389}), sample_operand(dtype, {3, 389}, Fill::kAwkward),
                    sample_operand(dtype, {3, 389}, Fill::kAwkward)},
                   {}});
    out.push_back({{sample_operand(Dtype::kBool, {4, 1, 1}), sample_operand(dtype, {300}, Fill::kAwkward),
                    sample_operand(dtype, {2, 300}, Fill::kAwkward, 0, {1, 0})},
                   {}});
  }
  out.push_back(
      {{sample_operand(Dtype::kBool, {}), sample_operand(Dtype::kF32, {}), sample_operand(Dtype::kF32, {1})},
       {}});
  out.push_back({{sample_operand(Dtype::kBool, {1}), sample_operand(Dtype::kF32, {0, 2}),
                  sample_operand(Dtype::kF32, {1})},
                 {}});
  return out;
}

std::vector<OpDef> defs() {
  OpDef def;
  def.name = "where";
  def.family = "Elementwise, two operands";
  def.meaning = "x where the condition is true, otherwise y";
  def.inputs = {{"condition", dtypes::boolean, "any shape"},
                {"x", dtypes::plain, "broadcasts with condition"},
                {"y", dtypes::plain, "broadcasts with both; dtype of x"}};
  def.outputs = {{"z", dtypes::plain, "broadcast shape"}};
  def.order = "elementwise";
  def.infer = infer;
  def.reference = run;
  def.samples = samples;
  def.onnx = "Where";
  def.aclnn = "aclnnSWhere";
  return {def};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(where, defs)
