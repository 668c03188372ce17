// SPDX-License-Identifier: Apache-2.0
// masked_select, nonzero and keep_front: results whose size depends on data.
//
// An output has the greatest size there can be, and a count beside it says how much of it is the result; what
// lies behind is 0. So shapes are known before anything runs, and a chip need not be waited for until
// somebody wants to know the count.
#include <algorithm>

#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

Result<int64_t> elements_of(const Shape& shape) {
  int64_t elements = 1;
  for (const Dim& dim : shape) {
    ASSIGN_OR_RETURN(const int64_t size, fixed_dim(dim, "a dimension of what is selected from"));
    if (__builtin_mul_overflow(elements, size, &elements))
      return invalid_argument("{} has more than 2^63 elements", shape_to_string(shape));
  }
  return elements;
}

bool is_nonzero(const Tensor& x, int64_t at) {
  bool nonzero = false;
  visit(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    nonzero = get(x.as<T>()[at]) != 0;
  });
  return nonzero;
}

// y[to] = x[from]; 0 where from is negative.
void move_element(const Tensor& y, int64_t to, const Tensor& x, int64_t from) {
  visit_size(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    y.as<T>()[to] = from >= 0 ? x.as<T>()[from] : T(0);
  });
}

Status infer_masked_select(const InferCall& call) {
  ASSIGN_OR_RETURN(const Shape shape, broadcast_shapes(call.inputs[0].shape, call.inputs[1].shape));
  ASSIGN_OR_RETURN(const int64_t elements, elements_of(shape));
  call.outputs[0] = {call.inputs[0].dtype, {elements}};
  call.outputs[1] = {Dtype::kI64, {}};
  return ok();
}

Status run_masked_select(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &mask = call.inputs[1], &values = call.outputs[0];
  const int rank = std::max(x.rank, mask.rank);
  int64_t dims[kMaxRank];
  for (int d = 0; d < rank; ++d) {
    const int64_t a = d + x.rank >= rank ? x.dims[d + x.rank - rank] : 1;
    const int64_t b = d + mask.rank >= rank ? mask.dims[d + mask.rank - rank] : 1;
    dims[d] = a == 1 ? b : a;
  }
  int64_t count = 0;
  for_each_index(dims, rank, [&](const int64_t* index) {
    if (mask.as<uint8_t>()[broadcast_offset(mask, index, rank)] != 0)
      move_element(values, count++ * values.strides[0], x, broadcast_offset(x, index, rank));
  });
  for (int64_t k = count; k < values.dims[0]; ++k) move_element(values, k * values.strides[0], x, -1);
  *call.outputs[1].as<int64_t>() = count;
  return ok();
}

Status infer_nonzero(const InferCall& call) {
  ASSIGN_OR_RETURN(const int64_t elements, elements_of(call.inputs[0].shape));
  call.outputs[0] = {Dtype::kI64, {elements, int64_t{call.inputs[0].rank()}}};
  call.outputs[1] = {Dtype::kI64, {}};
  return ok();
}

Status run_nonzero(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &coordinates = call.outputs[0];
  const auto place = [&](int64_t row, int d) -> int64_t& {
    return coordinates.as<int64_t>()[row * coordinates.strides[0] + d * coordinates.strides[1]];
  };
  int64_t count = 0;
  for_each_index(x.dims, x.rank, [&](const int64_t* index) {
    if (!is_nonzero(x, x.offset(index))) return;
    for (int d = 0; d < x.rank; ++d) place(count, d) = index[d];
    ++count;
  });
  for (int64_t row = count; row < coordinates.dims[0]; ++row)
    for (int d = 0; d < x.rank; ++d) place(row, d) = 0;
  *call.outputs[1].as<int64_t>() = count;
  return ok();
}

Status infer_keep_front(const InferCall& call) {
  const TensorType &x = call.inputs[0], &count = call.inputs[1];
  ASSIGN_OR_RETURN([[maybe_unused]] const int axis, check_axis(call.attributes.i("axis"), x.rank()));
  if (count.rank() != 0) return invalid_argument("count is {}, not []", shape_to_string(count.shape));
  call.outputs[0] = x;
  return ok();
}

Status run_keep_front(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &y = call.outputs[0];
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), x.rank));
  int64_t kept[kMaxRank];
  std::copy_n(x.dims, x.rank, kept);
  kept[axis] = std::clamp<int64_t>(*call.inputs[1].as<int64_t>(), 0, x.dims[axis]);
  std::vector<int64_t> from;
  for_each_index(kept, x.rank, [&](const int64_t* index) { from.push_back(x.offset(index)); });
  size_t i = 0;
  for_each_index(y.dims, y.rank, [&](const int64_t* index) {
    move_element(y, y.offset(index), x, i < from.size() ? from[i] : -1);
    ++i;
  });
  return ok();
}

OpDef make(const char* name, const char* meaning, const char* aclnn) {
  OpDef def;
  def.name = name;
  def.family = "Selecting";
  def.meaning = meaning;
  def.order = "row-major";
  def.aclnn = aclnn;
  return def;
}

SampleOperand truths(std::vector<int64_t> dims, std::vector<int64_t> order = {}) {
  return sample_operand(Dtype::kBool, std::move(dims), Fill::kNormal, 0, std::move(order));
}

std::vector<OpDef> defs() {
  OpDef select =
      make("masked_select", "the elements where the mask is true, one after the other", "aclnnMaskedSelect");
  select.inputs = {{"x", dtypes::plain, "[...]"}, {"mask", dtypes::boolean, "broadcast with x"}};
  select.outputs = {{"values", dtypes::plain, "[elements], dtype of x; 0 behind those selected"},
                    {"count", {Dtype::kI64}, "[], how many"}};
  select.infer = infer_masked_select;
  select.reference = run_masked_select;
  select.samples = [] {
    std::vector<Sample> out;
    for (Dtype dtype : dtypes::plain) {
      out.push_back({{sample_operand(dtype, {5, 77}, Fill::kAwkward), truths({5, 77})}, {}});
      out.push_back({{sample_operand(dtype, {3, 1, 9}, Fill::kAwkward, 0, {2, 0, 1}), truths({4, 1})}, {}});
    }
    out.push_back({{sample_operand(Dtype::kF32, {3, 7000}), truths({3, 7000}, {1, 0})}, {}});
    out.push_back({{sample_operand(Dtype::kF32, {40}), sample_values(Dtype::kBool, {}, {0})}, {}});
    out.push_back({{sample_operand(Dtype::kF32, {40}), sample_values(Dtype::kBool, {1}, {1})}, {}});
    out.push_back({{sample_operand(Dtype::kF16, {0, 4}), truths({0, 4})}, {}});
    out.push_back({{sample_operand(Dtype::kF32, {}), sample_values(Dtype::kBool, {}, {1})}, {}});
    return out;
  };

  OpDef nonzero = make("nonzero", "where x is not zero: the coordinates of each such element, a row each",
                       "aclnnNonzero");
  nonzero.inputs = {{"x", dtypes::plain, "[...]; NaN is not zero"}};
  nonzero.outputs = {{"coordinates", {Dtype::kI64}, "[elements, rank]; 0 behind the last row"},
                     {"count", {Dtype::kI64}, "[], how many rows"}};
  nonzero.infer = infer_nonzero;
  nonzero.reference = run_nonzero;
  nonzero.samples = [] {
    std::vector<Sample> out;
    for (Dtype dtype : dtypes::plain) {
      out.push_back({{sample_values(dtype, {2, 3}, {0, 1, 0, 0, 3, 1})}, {}});
      out.push_back({{sample_operand(dtype, {7, 3, 11}, Fill::kAwkward, 0, {1, 2, 0})}, {}});
    }
    out.push_back({{sample_values(Dtype::kF32, {4}, {-0.0, 0.0, 1e-45, -1e-45})}, {}});
    out.push_back({{truths({90, 101})}, {}});
    out.push_back({{sample_operand(Dtype::kF32, {40}, Fill::kZero)}, {}});
    out.push_back({{sample_operand(Dtype::kF32, {3, 0})}, {}});
    out.push_back({{sample_values(Dtype::kF32, {}, {2})}, {}});
    return out;
  };

  OpDef front =
      make("keep_front", "the first `count` slices of x along an axis, dense at the start of y", "");
  front.inputs = {{"x", dtypes::plain, "rank 1 or more"}, {"count", {Dtype::kI64}, "[]"}};
  front.outputs = {{"y", dtypes::plain, "like x, filled in row-major order, then with 0"}};
  front.attributes = {{"axis", int64_t{0}, "which"}};
  front.infer = infer_keep_front;
  front.reference = run_keep_front;
  front.samples = [] {
    std::vector<Sample> out;
    const auto count = [](double number) { return sample_values(Dtype::kI64, {}, {number}); };
    for (Dtype dtype : dtypes::plain)
      out.push_back({{sample_operand(dtype, {3, 50, 2}, Fill::kAwkward), count(17)}, {{"axis", int64_t{1}}}});
    out.push_back({{sample_operand(Dtype::kF32, {5, 6, 7}, Fill::kNormal, 0, {2, 0, 1}), count(2)}, {}});
    out.push_back({{sample_operand(Dtype::kI64, {2, 600}), count(600)}, {{"axis", int64_t{-1}}}});
    out.push_back({{sample_operand(Dtype::kI64, {2, 60}), count(-3)}, {{"axis", int64_t{-1}}}});
    out.push_back({{sample_operand(Dtype::kI64, {2, 60}), count(99)}, {}});
    out.push_back({{sample_operand(Dtype::kF32, {2, 0}), count(1)}, {}});
    return out;
  };
  return {select, nonzero, front};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(select, defs)
