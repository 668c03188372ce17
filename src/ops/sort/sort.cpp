// SPDX-License-Identifier: Apache-2.0
// sort and top_k: the elements along an axis in order, with their indices.
//
// One total order for every dtype and chip: NaN counts as larger than every number, zeros of both signs are
// equal, and of equal elements the one with the lower index comes first, ascending or descending.
#include <algorithm>
#include <numeric>

#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

template <typename V>
bool smaller(V a, V b) {
  if (a != a || b != b) return a == a;  // called for unequal a and b: only b is NaN
  return a < b;
}
template <typename V>
bool same(V a, V b) {
  return a == b || (a != a && b != b);
}

void sorted(const ReferenceCall& call, int axis, bool descending) {
  const Tensor& x = call.inputs[0];
  const Tensor& values = call.outputs[0];
  const Tensor& indices = call.outputs[1];
  int64_t outer[kMaxRank];
  std::copy(x.dims, x.dims + x.rank, outer);
  outer[axis] = 1;
  visit(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_each_index(outer, x.rank, [&](const int64_t* index) {
      const auto value = [&](int64_t i) { return get(x.as<T>()[x.offset(index) + i * x.strides[axis]]); };
      std::vector<int64_t> order(static_cast<size_t>(x.dims[axis]));
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](int64_t i, int64_t j) {
        const auto a = value(i), b = value(j);
        if (same(a, b)) return false;
        return descending ? smaller(b, a) : smaller(a, b);
      });
      for (int64_t k = 0; k < values.dims[axis]; ++k) {
        const int64_t at = values.offset(index) + k * values.strides[axis];
        values.as<T>()[at] = x.as<T>()[x.offset(index) + order[k] * x.strides[axis]];
        indices.as<int64_t>()[indices.offset(index) + k * indices.strides[axis]] = order[k];
      }
    });
  });
}

Status infer_sort(const InferCall& call) {
  ASSIGN_OR_RETURN([[maybe_unused]] const int axis,
                   check_axis(call.attributes.i("axis"), call.inputs[0].rank()));
  call.outputs[0] = call.inputs[0];
  call.outputs[1] = {Dtype::kI64, call.inputs[0].shape};
  return ok();
}
Status run_sort(const ReferenceCall& call) {
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), call.inputs[0].rank));
  sorted(call, axis, call.attributes.i("descending") != 0);
  return ok();
}

Status infer_top_k(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), x.rank()));
  ASSIGN_OR_RETURN(const int64_t size, fixed_dim(x.shape[axis], "the axis of top_k"));
  const int64_t k = call.attributes.i("k");
  if (k < 0 || k > size) return invalid_argument("k is {}, the axis has {} elements", k, size);
  Shape shape = x.shape;
  shape[axis] = Dim(k);
  call.outputs[0] = {x.dtype, shape};
  call.outputs[1] = {Dtype::kI64, shape};
  return ok();
}
Status run_top_k(const ReferenceCall& call) {
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), call.inputs[0].rank));
  sorted(call, axis, call.attributes.i("largest") != 0);
  return ok();
}

std::vector<Sample> samples(const Attributes& first, const Attributes& second) {
  std::vector<Sample> out;
  Attributes other = second;
  other.set("axis", int64_t{1});
  for (Dtype dtype : dtypes::numbers) {
    out.push_back({{sample_operand(dtype, {5, 139})}, first});
    out.push_back({{sample_operand(dtype, {3, 29, 4}, Fill::kAwkward, 0, {2, 0, 1})}, other});
    out.push_back({{sample_operand(dtype, {2, 60}, Fill::kAwkward)}, second});
  }
  out.push_back({{sample_operand(Dtype::kF32, {0, 40})}, first});
  out.push_back({{sample_operand(Dtype::kF32, {1, 5000})}, second});
  return out;
}

OpDef make(const char* name, const char* meaning, const char* onnx, const char* aclnn) {
  OpDef def;
  def.name = name;
  def.family = "Sorting";
  def.meaning = meaning;
  def.inputs = {{"x", dtypes::numbers, "rank 1 or more"}};
  def.outputs = {{"values", dtypes::numbers, "dtype of x"}, {"indices", {Dtype::kI64}, "where each stood"}};
  def.order = "total: NaN above every number, zeros equal, of equal elements the lower index first";
  def.onnx = onnx;
  def.aclnn = aclnn;
  return def;
}

std::vector<OpDef> defs() {
  OpDef sort = make("sort", "elements along an axis in order, stable, with their indices", "", "aclnnSort");
  sort.attributes = {{"axis", int64_t{-1}, "which"}, {"descending", int64_t{0}, "1: largest first"}};
  sort.infer = infer_sort;
  sort.reference = run_sort;
  sort.samples = [] { return samples({}, {{"descending", int64_t{1}}}); };

  OpDef top_k =
      make("top_k", "the k largest or smallest elements along an axis, best first, with their indices",
           "TopK", "aclnnTopk");
  top_k.attributes = {
      {"k", int64_t{1}, "how many"}, {"axis", int64_t{-1}, "which"}, {"largest", int64_t{1}, "0: smallest"}};
  top_k.infer = infer_top_k;
  top_k.reference = run_top_k;
  top_k.samples = [] {
    std::vector<Sample> out = samples({{"k", int64_t{7}}}, {{"k", int64_t{29}}, {"largest", int64_t{0}}});
    out.push_back({{sample_operand(Dtype::kF32, {3, 8})}, {{"k", int64_t{0}}}});
    return out;
  };
  return {sort, top_k};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(sort, defs)
