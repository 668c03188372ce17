// SPDX-License-Identifier: Apache-2.0
// Operators that change only the order or the shape: copy, transpose, reshape and its kin, expand.
#include <algorithm>

#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

void copy_element(const Tensor& y, int64_t y_at, const Tensor& x, int64_t x_at) {
  visit_size(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    y.as<T>()[y_at] = x.as<T>()[x_at];
  });
}

Status run_copy(const ReferenceCall& call) {
  const Tensor& x = call.inputs[0];
  const Tensor& y = call.outputs[0];
  for_each_index(y.dims, y.rank,
                 [&](const int64_t* index) { copy_element(y, y.offset(index), x, x.offset(index)); });
  return ok();
}

Status run_expand(const ReferenceCall& call) {
  const Tensor& x = call.inputs[0];
  const Tensor& y = call.outputs[0];
  for_each_index(y.dims, y.rank, [&](const int64_t* index) {
    copy_element(y, y.offset(index), x, broadcast_offset(x, index, y.rank));
  });
  return ok();
}

// Row-major element i of x becomes row-major element i of y.
Status run_reshape(const ReferenceCall& call) {
  const Tensor& x = call.inputs[0];
  const Tensor& y = call.outputs[0];
  std::vector<int64_t> offsets;
  for_each_index(x.dims, x.rank, [&](const int64_t* index) { offsets.push_back(x.offset(index)); });
  size_t i = 0;
  for_each_index(y.dims, y.rank,
                 [&](const int64_t* index) { copy_element(y, y.offset(index), x, offsets[i++]); });
  return ok();
}

Result<std::vector<int>> permutation(const Attributes& attributes, int rank) {
  const std::vector<int64_t>& given = attributes.ints("perm");
  std::vector<int> perm;
  if (given.empty()) {
    for (int i = rank - 1; i >= 0; --i) perm.push_back(i);
    return perm;
  }
  ASSIGN_OR_RETURN(const std::vector<int> sorted, check_axes(given, rank));
  if (static_cast<int>(sorted.size()) != rank)
    return invalid_argument("perm names {} axes of {}", sorted.size(), rank);
  for (int64_t axis : given) perm.push_back(static_cast<int>(axis < 0 ? axis + rank : axis));
  return perm;
}

Status infer_transpose(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  ASSIGN_OR_RETURN(const std::vector<int> perm, permutation(call.attributes, x.rank()));
  call.outputs[0].dtype = x.dtype;
  for (int axis : perm) call.outputs[0].shape.push_back(x.shape[axis]);
  return ok();
}

Status run_transpose(const ReferenceCall& call) {
  const Tensor& x = call.inputs[0];
  const Tensor& y = call.outputs[0];
  ASSIGN_OR_RETURN(const std::vector<int> perm, permutation(call.attributes, x.rank));
  for_each_index(y.dims, y.rank, [&](const int64_t* index) {
    int64_t at = 0;
    for (int i = 0; i < y.rank; ++i) at += index[i] * x.strides[perm[i]];
    copy_element(y, y.offset(index), x, at);
  });
  return ok();
}

// The product of dims as one dimension; at most one of them may be a symbol.
Result<Dim> product(std::span<const Dim> dims) {
  Dim all(1);
  for (const Dim& dim : dims) {
    if (dim.fixed())
      all = all.times(dim.offset);
    else if (all.fixed())
      all = dim.times(all.offset);
    else
      return invalid_argument("the product of {} and {} is no dimension", all.to_string(), dim.to_string());
  }
  return all;
}

Status infer_reshape(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  const std::vector<int64_t>& wanted = call.attributes.ints("dims");
  if (wanted.size() > kMaxRank) return invalid_argument("dims has rank {}", wanted.size());
  Shape shape;
  // Dimensions that pass unchanged cancel out, so that symbols may stay where they are.
  Shape from, to;
  int inferred = -1;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == -1) {
      if (inferred >= 0) return invalid_argument("dims has -1 twice");
      inferred = static_cast<int>(i);
      shape.push_back(Dim(1));
    } else if (wanted[i] == 0 && call.attributes.i("allow_zero") == 0) {
      if (i >= x.shape.size()) return invalid_argument("dims copies dimension {} of rank {}", i, x.rank());
      shape.push_back(x.shape[i]);
    } else if (wanted[i] < 0) {
      return invalid_argument("dims has the dimension {}", wanted[i]);
    } else {
      shape.push_back(Dim(wanted[i]));
    }
    if (wanted[i] != -1) to.push_back(shape.back());
  }
  for (const Dim& dim : x.shape) {
    const auto same = dim.fixed() ? to.end() : std::find(to.begin(), to.end(), dim);
    if (same != to.end())
      to.erase(same);
    else
      from.push_back(dim);
  }
  ASSIGN_OR_RETURN(const Dim have, product(from));
  ASSIGN_OR_RETURN(const Dim need, product(to));
  if (inferred < 0) {
    if (have != need)
      return invalid_argument("{} does not hold the elements of {}", shape_to_string(x.shape),
                              shape_to_string(shape));
  } else {
    if (!need.fixed() || need.offset == 0 || have.offset % need.offset != 0 || have.scale % need.offset != 0)
      return invalid_argument("the elements of {} cannot be shared out over {}", shape_to_string(x.shape),
                              shape_to_string(shape));
    Dim rest = have;
    rest.offset /= need.offset;
    rest.scale /= need.offset;
    shape[inferred] = rest;
  }
  call.outputs[0] = {x.dtype, std::move(shape)};
  return ok();
}

Status infer_squeeze(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  ASSIGN_OR_RETURN(const std::vector<int> axes, check_axes(call.attributes.ints("axes"), x.rank()));
  call.outputs[0].dtype = x.dtype;
  for (int i = 0; i < x.rank(); ++i) {
    const bool named = std::find(axes.begin(), axes.end(), i) != axes.end();
    if (named && !x.shape[i].is(1))
      return invalid_argument("axis {} of {} is not 1", i, shape_to_string(x.shape));
    if (!(named || (axes.empty() && x.shape[i].is(1)))) call.outputs[0].shape.push_back(x.shape[i]);
  }
  return ok();
}

Status infer_unsqueeze(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  const std::vector<int64_t>& given = call.attributes.ints("axes");
  const int rank = x.rank() + static_cast<int>(given.size());
  if (rank > kMaxRank) return invalid_argument("the output would have rank {}", rank);
  ASSIGN_OR_RETURN(const std::vector<int> axes, check_axes(given, rank));
  call.outputs[0].dtype = x.dtype;
  for (int i = 0, next = 0; i < rank; ++i)
    call.outputs[0].shape.push_back(std::find(axes.begin(), axes.end(), i) != axes.end() ? Dim(1)
                                                                                         : x.shape[next++]);
  return ok();
}

Status infer_flatten(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  const int64_t axis = call.attributes.i("axis");
  if (axis < -x.rank() || axis > x.rank())
    return invalid_argument("axis {} of an input of rank {}", axis, x.rank());
  const size_t split = static_cast<size_t>(axis < 0 ? axis + x.rank() : axis);
  ASSIGN_OR_RETURN(Dim rows, product(std::span(x.shape).first(split)));
  ASSIGN_OR_RETURN(Dim columns, product(std::span(x.shape).subspan(split)));
  call.outputs[0] = {x.dtype, {rows, columns}};
  return ok();
}

Status infer_expand(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  Shape wanted;
  for (int64_t dim : call.attributes.ints("shape")) {
    if (dim < 0) return invalid_argument("shape has the dimension {}", dim);
    wanted.push_back(dim);
  }
  ASSIGN_OR_RETURN(Shape shape, broadcast_shapes(x.shape, wanted));
  if (shape.size() > kMaxRank) return invalid_argument("shape has rank {}", shape.size());
  call.outputs[0] = {x.dtype, std::move(shape)};
  return ok();
}

// Every plain dtype once, then one dtype strided, of rank 0 and empty.
std::vector<Sample> moved(std::vector<int64_t> dims, std::vector<int64_t> order,
                          const Attributes& attributes) {
  std::vector<Sample> out;
  for (Dtype dtype : dtypes::plain)
    out.push_back({{sample_operand(dtype, dims, Fill::kAwkward)}, attributes});
  for (Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kU8, Dtype::kI64})
    out.push_back({{sample_operand(dtype, dims, Fill::kAwkward, 0, order)}, attributes});
  return out;
}

void append(std::vector<Sample>& to, std::vector<Sample> more) {
  to.insert(to.end(), more.begin(), more.end());
}

OpDef make(const char* name, const char* meaning, std::vector<AttributeDef> attributes) {
  OpDef def;
  def.name = name;
  def.family = "Copies and shapes";
  def.meaning = meaning;
  def.inputs = {{"x", dtypes::plain, "any shape and strides"}};
  def.outputs = {{"y", dtypes::plain, "the same elements"}};
  def.attributes = std::move(attributes);
  def.order = "elementwise";
  return def;
}

std::vector<OpDef> defs() {
  const std::vector<int64_t> none;
  OpDef copy = make("copy", "x, densely in row-major order", {});
  copy.infer = infer_same;
  copy.reference = run_copy;
  copy.samples = [] {
    std::vector<Sample> out = moved({5, 7, 11}, {2, 0, 1}, {});
    append(out, moved({3, 700}, {1, 0}, {}));
    append(out, {{{sample_operand(Dtype::kF32, {})}, {}}, {{sample_operand(Dtype::kF32, {3, 0})}, {}}});
    return out;
  };
  copy.aclnn = "aclnnInplaceCopy";

  OpDef transpose = make("transpose", "axes reordered: axis i of y is axis perm[i] of x",
                         {{"perm", none, "the axes in their new order; empty: reversed"}});
  transpose.infer = infer_transpose;
  transpose.reference = run_transpose;
  transpose.samples = [] {
    std::vector<Sample> out = moved({3, 17, 33}, {1, 2, 0}, {{"perm", std::vector<int64_t>{1, 0, 2}}});
    append(out, moved({9, 40}, {1, 0}, {}));
    append(out, moved({2, 3, 4, 5}, {3, 0, 2, 1}, {{"perm", std::vector<int64_t>{3, 1, -4, 2}}}));
    append(out, {{{sample_operand(Dtype::kF32, {})}, {}}, {{sample_operand(Dtype::kF32, {3, 0})}, {}}});
    return out;
  };
  transpose.onnx = "Transpose";
  transpose.aclnn = "aclnnPermute";

  OpDef reshape =
      make("reshape", "the same elements in row-major order under another shape",
           {{"dims", std::vector<int64_t>{-1}, "the new dims; 0 keeps x's, -1 (once) takes what is left"},
            {"allow_zero", int64_t{0}, "1: 0 means an empty dimension"}});
  reshape.view = true;
  reshape.infer = infer_reshape;
  reshape.reference = run_reshape;
  reshape.samples = [] {
    std::vector<Sample> out = moved({4, 6, 50}, {1, 2, 0}, {{"dims", std::vector<int64_t>{0, -1, 25, 2}}});
    append(out, {{{sample_operand(Dtype::kF32, {1, 1})}, {{"dims", std::vector<int64_t>{}}}},
                 {{sample_operand(Dtype::kF32, {0, 3})},
                  {{"dims", std::vector<int64_t>{3, 4, 0}}, {"allow_zero", int64_t{1}}}}});
    return out;
  };
  reshape.onnx = "Reshape";
  reshape.aclnn = "";

  OpDef squeeze =
      make("squeeze", "axes of size 1 removed", {{"axes", none, "which; empty: every one of size 1"}});
  squeeze.view = true;
  squeeze.infer = infer_squeeze;
  squeeze.reference = run_reshape;
  squeeze.samples = [] {
    std::vector<Sample> out = moved({1, 5, 1, 40}, {3, 0, 1, 2}, {{"axes", std::vector<int64_t>{-2}}});
    append(out, moved({1, 5, 1}, {1, 0, 2}, {}));
    return out;
  };
  squeeze.onnx = "Squeeze";

  OpDef unsqueeze =
      make("unsqueeze", "axes of size 1 inserted", {{"axes", none, "where, counted in the output"}});
  unsqueeze.view = true;
  unsqueeze.infer = infer_unsqueeze;
  unsqueeze.reference = run_reshape;
  unsqueeze.samples = [] { return moved({5, 40}, {1, 0}, {{"axes", std::vector<int64_t>{0, -1}}}); };
  unsqueeze.onnx = "Unsqueeze";

  OpDef flatten = make("flatten", "two dims: the axes before `axis`, and the others",
                       {{"axis", int64_t{1}, "the first axis of the second dimension"}});
  flatten.view = true;
  flatten.infer = infer_flatten;
  flatten.reference = run_reshape;
  flatten.samples = [] {
    std::vector<Sample> out = moved({3, 5, 40}, {1, 2, 0}, {});
    append(out, moved({3, 5, 40}, {1, 2, 0}, {{"axis", int64_t{-1}}}));
    append(out, {{{sample_operand(Dtype::kF32, {})}, {{"axis", int64_t{0}}}}});
    return out;
  };
  flatten.onnx = "Flatten";
  flatten.aclnn = "aclnnFlatten";

  OpDef expand = make("expand", "x repeated to the shape it broadcasts to with `shape`",
                      {{"shape", none, "broadcast with the shape of x"}});
  expand.infer = infer_expand;
  expand.reference = run_expand;
  expand.samples = [] {
    std::vector<Sample> out = moved({3, 1, 40}, {2, 0, 1}, {{"shape", std::vector<int64_t>{2, 1, 4, 1}}});
    append(out, moved({1}, {}, {{"shape", std::vector<int64_t>{1500}}}));
    append(out, {{{sample_operand(Dtype::kF32, {})}, {{"shape", std::vector<int64_t>{2, 0}}}}});
    return out;
  };
  expand.onnx = "Expand";
  expand.aclnn = "aclnnExpand";

  return {copy, transpose, reshape, squeeze, unsqueeze, flatten, expand};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(copy, defs)
