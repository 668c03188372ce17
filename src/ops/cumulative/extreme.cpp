// SPDX-License-Identifier: Apache-2.0
// cumulative_max and cumulative_min: the best element so far along an axis, and where it is.
#include <algorithm>

#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

Status infer(const InferCall& call) {
  ASSIGN_OR_RETURN([[maybe_unused]] const int axis,
                   check_axis(call.attributes.i("axis"), call.inputs[0].rank()));
  call.outputs[0] = call.inputs[0];
  call.outputs[1] = {Dtype::kI64, call.inputs[0].shape};
  return ok();
}

template <bool largest>
Status run(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &values = call.outputs[0], &indices = call.outputs[1];
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), x.rank));
  int64_t outer[kMaxRank];
  std::copy(x.dims, x.dims + x.rank, outer);
  if (outer[axis] > 0) outer[axis] = 1;
  visit(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_each_index(outer, x.rank, [&](const int64_t* index) {
      const auto value = [&](int64_t i) { return get(x.as<T>()[x.offset(index) + i * x.strides[axis]]); };
      int64_t best = 0;
      for (int64_t i = 0; i < x.dims[axis]; ++i) {
        const auto a = value(i), b = value(best);
        if (a != a || (b == b && (largest ? a >= b : a <= b))) best = i;
        values.as<T>()[values.offset(index) + i * values.strides[axis]] =
            x.as<T>()[x.offset(index) + best * x.strides[axis]];
        indices.as<int64_t>()[indices.offset(index) + i * indices.strides[axis]] = best;
      }
    });
  });
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  for (Dtype dtype : dtypes::numbers) {
    out.push_back({{sample_operand(dtype, {5, 139}, Fill::kAwkward)}, {{"axis", int64_t{1}}}});
    out.push_back(
        {{sample_operand(dtype, {3, 29, 4}, Fill::kNormal, 0, {2, 0, 1})}, {{"axis", int64_t{-2}}}});
  }
  out.push_back({{sample_operand(Dtype::kF32, {0, 4})}, {}});
  out.push_back({{sample_operand(Dtype::kF32, {2, 5000})}, {{"axis", int64_t{1}}}});
  return out;
}

OpDef make(const char* name, const char* meaning, const char* aclnn) {
  OpDef def;
  def.name = name;
  def.family = "Reductions";
  def.meaning = meaning;
  def.inputs = {{"x", dtypes::numbers, "rank 1 or more"}};
  def.outputs = {{"values", dtypes::numbers, "dtype of x"}, {"indices", {Dtype::kI64}, "where each stood"}};
  def.attributes = {{"axis", int64_t{0}, "which"}};
  def.order = "of equal elements the last one; a NaN goes before everything, the last one again";
  def.infer = infer;
  def.samples = samples;
  def.aclnn = aclnn;
  return def;
}

std::vector<OpDef> defs() {
  OpDef most =
      make("cumulative_max", "the largest element so far along an axis, and where it is", "aclnnCummax");
  most.reference = run<true>;
  OpDef least =
      make("cumulative_min", "the smallest element so far along an axis, and where it is", "aclnnCummin");
  least.reference = run<false>;
  return {most, least};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(extreme, defs)
