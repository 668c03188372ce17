// SPDX-License-Identifier: Apache-2.0
// argmax and argmin: where along an axis the largest or smallest element is.
#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

Status infer(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), x.rank()));
  if (x.shape[axis].is(0))
    return invalid_argument("axis {} of {} has no elements", axis, shape_to_string(x.shape));
  Shape shape = x.shape;
  if (call.attributes.i("keep_dims") != 0)
    shape[axis] = Dim(1);
  else
    shape.erase(shape.begin() + axis);
  call.outputs[0] = {Dtype::kI64, std::move(shape)};
  return ok();
}

template <bool largest>
Status run(const ReferenceCall& call) {
  const Tensor& x = call.inputs[0];
  const Tensor& y = call.outputs[0];
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), x.rank));
  const bool last = call.attributes.i("select_last_index") != 0;
  const bool keep = call.attributes.i("keep_dims") != 0;
  visit(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_each_index(y.dims, y.rank, [&](const int64_t* index) {
      int64_t at = 0;
      for (int i = 0, from = 0; i < x.rank; ++i) {
        if (i == axis)
          from += keep;
        else
          at += index[from++] * x.strides[i];
      }
      int64_t best = 0;
      auto best_value = get(x.as<T>()[at]);
      for (int64_t i = 1; i < x.dims[axis]; ++i) {
        const auto value = get(x.as<T>()[at + i * x.strides[axis]]);
        const bool nan = value != value, best_nan = best_value != best_value;
        bool better = largest ? value > best_value : value < best_value;
        if (nan || best_nan) better = nan && !best_nan;
        const bool tie = nan ? best_nan : value == best_value;
        if (better || (last && tie)) {
          best = i;
          best_value = value;
        }
      }
      y.as<int64_t>()[y.offset(index)] = best;
    });
  });
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  for (Dtype dtype : dtypes::numbers) {
    out.push_back({{sample_operand(dtype, {5, 301})}, {{"axis", int64_t{-1}}}});
    out.push_back({{sample_operand(dtype, {4, 37}, Fill::kAwkward)},
                   {{"axis", int64_t{1}}, {"keep_dims", int64_t{0}}}});
    out.push_back({{sample_operand(dtype, {7, 3, 5}, Fill::kNormal, 0, {1, 2, 0})},
                   {{"axis", int64_t{0}}, {"select_last_index", int64_t{1}}}});
  }
  out.push_back(
      {{sample_values(Dtype::kF32, {6}, {-INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY})},
       {}});
  out.push_back({{sample_values(Dtype::kF32, {6}, {-0.0, 0.0, -1, 0.0, -0.0, -3})}, {}});
  out.push_back({{sample_operand(Dtype::kF32, {0, 4})}, {{"axis", int64_t{1}}}});
  out.push_back({{sample_operand(Dtype::kF32, {1, 4099})}, {{"axis", int64_t{1}}}});
  return out;
}

OpDef make(const char* name, const char* meaning, const char* onnx, const char* aclnn) {
  OpDef def;
  def.name = name;
  def.family = "Reductions";
  def.meaning = meaning;
  def.inputs = {{"x", dtypes::numbers, "any shape of rank 1 or more"}};
  def.outputs = {{"y", {Dtype::kI64}, "x without the axis, or with 1 in its place"}};
  def.attributes = {{"axis", int64_t{0}, "where to search"},
                    {"keep_dims", int64_t{1}, "1: the axis stays with size 1"},
                    {"select_last_index", int64_t{0}, "1: of equal elements the last"}};
  def.order = "none; zeros of both signs are equal, NaN goes before everything";
  def.infer = infer;
  def.samples = samples;
  def.onnx = onnx;
  def.aclnn = aclnn;
  return def;
}

std::vector<OpDef> defs() {
  OpDef argmax = make("argmax", "index of the first largest element along an axis", "ArgMax", "aclnnArgMax");
  argmax.reference = run<true>;
  OpDef argmin = make("argmin", "index of the first smallest element along an axis", "ArgMin", "aclnnArgMin");
  argmin.reference = run<false>;
  return {argmax, argmin};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(argmax, defs)
