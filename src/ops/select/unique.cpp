// SPDX-License-Identifier: Apache-2.0
// unique: slices along an axis, each once.
//
// Slices are put in order element by element, in the order of `sort`, and stay in theirs where they are
// equal. Then neighbours that are equal by == become one, the first of them: zeros of both signs are one
// value, and every NaN is its own, as in PyTorch.
#include <algorithm>
#include <numeric>

#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

// Where the elements of a slice lie in x, from its own start.
std::vector<int64_t> offsets_of_slice(const Tensor& x, int axis) {
  int64_t dims[kMaxRank];
  std::copy_n(x.dims, x.rank, dims);
  dims[axis] = 1;
  std::vector<int64_t> offsets;
  for_each_index(dims, x.rank, [&](const int64_t* index) { offsets.push_back(x.offset(index)); });
  return offsets;
}

Status infer_unique(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), x.rank()));
  for (const Dim& dim : x.shape) RETURN_IF_ERROR(fixed_dim(dim, "a dimension of unique").status());
  call.outputs[0] = x;
  call.outputs[1] = call.outputs[2] = {Dtype::kI64, {x.shape[axis]}};
  call.outputs[3] = {Dtype::kI64, {}};
  return ok();
}

template <typename T>
void find_unique(const ReferenceCall& call, int axis, bool consecutive) {
  const Tensor &x = call.inputs[0], &values = call.outputs[0], &inverse = call.outputs[1],
               &counts = call.outputs[2];
  const std::vector<int64_t> in = offsets_of_slice(x, axis), out = offsets_of_slice(values, axis);
  const int64_t n = x.dims[axis];
  const auto element = [&](int64_t slice, int64_t offset) {
    return get(x.as<T>()[slice * x.strides[axis] + offset]);
  };
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  const auto before = [&](int64_t i, int64_t j) {
    for (int64_t offset : in) {
      const auto a = element(i, offset), b = element(j, offset);
      if (a == b || (a != a && b != b)) continue;
      return a != a ? false : b != b ? true : a < b;
    }
    return false;
  };
  if (!consecutive) std::stable_sort(order.begin(), order.end(), before);
  const auto equal = [&](int64_t i, int64_t j) {
    return std::all_of(in.begin(), in.end(), [&](int64_t at) { return element(i, at) == element(j, at); });
  };
  for (int64_t i = 0; i < n; ++i) counts.as<int64_t>()[i * counts.strides[0]] = 0;
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (i == 0 || !equal(order[i - 1], order[i])) {
      for (size_t e = 0; e < in.size(); ++e)
        values.as<T>()[count * values.strides[axis] + out[e]] = x.as<T>()[order[i] * x.strides[axis] + in[e]];
      ++count;
    }
    inverse.as<int64_t>()[order[i] * inverse.strides[0]] = count - 1;
    ++counts.as<int64_t>()[(count - 1) * counts.strides[0]];
  }
  for (int64_t k = count; k < n; ++k)
    for (int64_t offset : out) values.as<T>()[k * values.strides[axis] + offset] = T{};
  *call.outputs[3].as<int64_t>() = count;
}

Status run_unique(const ReferenceCall& call) {
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), call.inputs[0].rank));
  visit(call.inputs[0].dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    find_unique<T>(call, axis, call.attributes.i("consecutive") != 0);
  });
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  const Attributes runs{{"consecutive", int64_t{1}}};
  for (Dtype dtype : dtypes::plain) {
    out.push_back({{sample_operand(dtype, {300}, Fill::kAwkward)}, {}});
    out.push_back({{sample_operand(dtype, {100}, Fill::kAwkward)}, runs});
    out.push_back({{sample_values(dtype, {4, 2}, {3, 1, 0, 2, 3, 1, 0, 1})}, {}});
    out.push_back({{sample_values(dtype, {2, 4}, {1, 0, 0, 1, 2, 1, 1, 2})}, {{"axis", int64_t{1}}}});
  }
  std::vector<double> few;
  for (int i = 0; i < 3000; ++i) few.push_back(i * 7919 % 13);
  out.push_back({{sample_values(Dtype::kI64, {3000}, few)}, {}});
  out.push_back({{sample_values(Dtype::kF32, {1000, 3}, few)}, {}});
  out.push_back(
      {{sample_operand(Dtype::kI8, {2, 70, 3}, Fill::kNormal, 0, {1, 2, 0})}, {{"axis", int64_t{1}}}});
  out.push_back({{sample_values(Dtype::kI32, {6}, {2, 2, 1, 1, 1, 2})}, runs});
  out.push_back({{sample_operand(Dtype::kF32, {0})}, {}});
  out.push_back({{sample_operand(Dtype::kF32, {1})}, {}});
  return out;
}

std::vector<OpDef> defs() {
  OpDef def;
  def.name = "unique";
  def.family = "Selecting";
  def.meaning = "slices along an axis, each once and in order, with how often and where they occur";
  def.inputs = {{"x", dtypes::plain, "rank 1 or more"}};
  def.outputs = {{"values", dtypes::plain, "like x; 0 behind the last slice"},
                 {"inverse", {Dtype::kI64}, "[axis], which of values each slice of x is"},
                 {"counts", {Dtype::kI64}, "[axis], how often each of values occurs; then 0"},
                 {"count", {Dtype::kI64}, "[], how many slices"}};
  def.attributes = {{"axis", int64_t{0}, "which"},
                    {"consecutive", int64_t{0}, "1: not sorted, only neighbours are joined"}};
  def.order = "element by element in the order of sort; NaN is equal to nothing";
  def.infer = infer_unique;
  def.reference = run_unique;
  def.samples = samples;
  def.aclnn = "aclnnUnique2";
  return {def};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(unique, defs)
