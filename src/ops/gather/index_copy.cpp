// SPDX-License-Identifier: Apache-2.0
// index_copy: slices written in place, as rows of a cache are.
#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

Status infer(const InferCall& call) {
  const TensorType &x = call.inputs[0], &indices = call.inputs[1], &source = call.inputs[2];
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), x.rank()));
  if (indices.rank() != 1)
    return invalid_argument("indices must be [n], not {}", shape_to_string(indices.shape));
  Shape expected = x.shape;
  expected[axis] = indices.shape[0];
  if (source.shape != expected || source.dtype != x.dtype)
    return invalid_argument("source must be {} {}, not {} {}", dtype_name(x.dtype), shape_to_string(expected),
                            dtype_name(source.dtype), shape_to_string(source.shape));
  return ok();
}

Status run(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &indices = call.inputs[1], &source = call.inputs[2];
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), x.rank));
  for_each_index(source.dims, source.rank, [&](const int64_t* index) {
    int64_t i = load_i64(indices, index[axis] * indices.strides[0]);
    if (i < 0) i += x.dims[axis];
    if (i < 0 || i >= x.dims[axis]) return;
    visit_size(x.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      x.as<T>()[x.offset(index) + (i - index[axis]) * x.strides[axis]] = source.as<T>()[source.offset(index)];
    });
  });
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  const auto add = [&](Dtype dtype, std::vector<int64_t> dims, int64_t axis, Dtype index,
                       std::vector<double> indices, std::vector<int64_t> order = {}) {
    std::vector<int64_t> source = dims;
    source[axis < 0 ? axis + static_cast<int64_t>(dims.size()) : axis] = static_cast<int64_t>(indices.size());
    const std::vector<int64_t> n = {static_cast<int64_t>(indices.size())};
    out.push_back({{sample_operand(dtype, dims, Fill::kAwkward, 0, order), sample_values(index, n, indices),
                    sample_operand(dtype, source, Fill::kAwkward, 0, order)},
                   {{"axis", axis}}});
  };
  for (const Dtype dtype : dtypes::plain) add(dtype, {9, 37}, 0, Dtype::kI64, {3, 0, 8, 3, -1, 5});
  add(Dtype::kF16, {4, 7, 5}, 1, Dtype::kI32, {6, 2, -8, 7, 2, 2});
  add(Dtype::kF32, {6, 5, 4}, -1, Dtype::kI32, {1, 3}, {2, 0, 1});
  add(Dtype::kF32, {6}, 0, Dtype::kI64, {5, 1, 5});
  add(Dtype::kF32, {6, 0}, 0, Dtype::kI64, {5, 1, 5});
  add(Dtype::kF32, {6, 3}, 0, Dtype::kI64, {});
  return out;
}

std::vector<OpDef> defs() {
  OpDef def;
  def.name = "index_copy";
  def.family = "Gather and scatter";
  def.meaning = "writes slices of source over those of x at indices along an axis, in place";
  def.inputs = {{"x", dtypes::plain, "[..., axis, ...]", false, true},
                {"indices", dtypes::indices, "[n]: negative ones count from the end; outside: not written"},
                {"source", dtypes::plain, "x's dims with n along the axis; dtype of x"}};
  def.attributes = {{"axis", int64_t{0}, "which the indices count along"}};
  def.order = "elementwise; of equal indices the last stays";
  def.infer = infer;
  def.reference = run;
  def.samples = samples;
  def.work = [](const WorkCall& call) {  // of x only what is written
    double elements = 1;
    for (const int64_t dim : call.dims[2]) elements *= static_cast<double>(dim);
    return OpWork{2 * elements * static_cast<double>(dtype_bytes(call.types[0].dtype, 1)), 0};
  };
  def.aclnn = "aclnnInplaceIndexCopy";
  return {def};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(index_copy, isthmus::defs)
