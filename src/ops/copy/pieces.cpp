// SPDX-License-Identifier: Apache-2.0
// Operators that take tensors apart and put them together: concat, slice, pad, tile, trilu.
#include <algorithm>

#include "ops/copy/slice_range-inl.h"
#include "ops/elementwise/vocabulary-inl.h"
#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

using Ints = std::vector<int64_t>;
constexpr int64_t kFar = int64_t{1} << 40;  // beyond any dimension; sums of such numbers do not overflow

void copy_element(const Tensor& y, int64_t y_at, const Tensor& x, int64_t x_at) {
  visit_size(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    y.as<T>()[y_at] = x.as<T>()[x_at];
  });
}

// ---- concat

Status infer_concat(const InferCall& call) {
  const TensorType& first = call.inputs[0];
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), first.rank()));
  Shape shape = first.shape;
  for (size_t i = 1; i < call.inputs.size(); ++i) {
    const TensorType& x = call.inputs[i];
    if (x.dtype != first.dtype || x.rank() != first.rank())
      return invalid_argument("input {} is {}{}, the first {}{}", i, dtype_name(x.dtype),
                              shape_to_string(x.shape), dtype_name(first.dtype),
                              shape_to_string(first.shape));
    for (int d = 0; d < x.rank(); ++d)
      if (d != axis && x.shape[d] != first.shape[d])
        return invalid_argument("input {} is {}, the first {}: only axis {} may differ", i,
                                shape_to_string(x.shape), shape_to_string(first.shape), axis);
    const Dim &so_far = shape[axis], &more = x.shape[axis];
    if (more.fixed()) {
      shape[axis] = so_far.plus(more.offset);
    } else if (so_far.fixed()) {
      shape[axis] = more.plus(so_far.offset);
    } else if (so_far.symbol == more.symbol) {
      shape[axis].offset += more.offset;
      shape[axis].scale += more.scale;
    } else {
      return invalid_argument("{} and {} have no sum as a dimension", so_far.to_string(), more.to_string());
    }
  }
  call.outputs[0] = {first.dtype, std::move(shape)};
  return ok();
}

Status run_concat(const ReferenceCall& call) {
  const Tensor& y = call.outputs[0];
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), y.rank));
  int64_t before = 0;
  for (const Tensor& x : call.inputs) {
    for_each_index(x.dims, x.rank, [&](const int64_t* index) {
      copy_element(y, y.offset(index) + before * y.strides[axis], x, x.offset(index));
    });
    before += x.dims[axis];
  }
  return ok();
}

// ---- slice

Status check_slice(const Attributes& a, int rank, std::vector<int>* axes) {
  const Ints &starts = a.ints("starts"), &ends = a.ints("ends"), &given = a.ints("axes"),
             &steps = a.ints("steps");
  if (ends.size() != starts.size() || (!given.empty() && given.size() != starts.size()) ||
      (!steps.empty() && steps.size() != starts.size()))
    return invalid_argument("starts, ends, axes and steps must have one length");
  if (given.empty()) {
    if (static_cast<int>(starts.size()) > rank)
      return invalid_argument("{} starts for rank {}", starts.size(), rank);
    for (size_t i = 0; i < starts.size(); ++i) axes->push_back(static_cast<int>(i));
  } else {
    ASSIGN_OR_RETURN(const std::vector<int> distinct, check_axes(given, rank));
    for (int64_t axis : given) axes->push_back(static_cast<int>(axis < 0 ? axis + rank : axis));
  }
  for (int64_t step : steps)
    if (step == 0) return invalid_argument("a step is 0");
  return ok();
}

Status infer_slice(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  std::vector<int> axes;
  RETURN_IF_ERROR(check_slice(call.attributes, x.rank(), &axes));
  Shape shape = x.shape;
  const Ints& steps = call.attributes.ints("steps");
  for (size_t i = 0; i < axes.size(); ++i) {
    Dim& dim = shape[axes[i]];
    const int64_t start = call.attributes.ints("starts")[i], end = call.attributes.ints("ends")[i];
    const int64_t step = steps.empty() ? 1 : steps[i];
    if (dim.fixed()) {
      dim = Dim(slice_range(start, end, step, dim.offset).count);
    } else if (step == 1 && start < 0 && start >= -kFar && end == kSliceToEnd) {
      dim = Dim(-start);  // the last ones
    } else if (step == 1 && start >= 0 && start <= kFar &&
               ((end < 0 && end >= -kFar) || end == kSliceToEnd)) {
      dim = dim.plus((end < 0 ? end : 0) - start);
    } else {
      return invalid_argument("slicing {} from {} to {} by {} has no length before the symbol is known",
                              dim.to_string(), start, end, step);
    }
  }
  call.outputs[0] = {x.dtype, std::move(shape)};
  return ok();
}

Status run_slice(const ReferenceCall& call) {
  const Tensor& x = call.inputs[0];
  const Tensor& y = call.outputs[0];
  std::vector<int> axes;
  RETURN_IF_ERROR(check_slice(call.attributes, x.rank, &axes));
  const Ints& steps = call.attributes.ints("steps");
  int64_t first[kMaxRank] = {}, step[kMaxRank];
  std::fill(step, step + kMaxRank, 1);
  for (size_t i = 0; i < axes.size(); ++i) {
    step[axes[i]] = steps.empty() ? 1 : steps[i];
    first[axes[i]] = slice_range(call.attributes.ints("starts")[i], call.attributes.ints("ends")[i],
                                 step[axes[i]], x.dims[axes[i]])
                         .first;
  }
  for_each_index(y.dims, y.rank, [&](const int64_t* index) {
    int64_t at = 0;
    for (int d = 0; d < x.rank; ++d) at += (first[d] + index[d] * step[d]) * x.strides[d];
    copy_element(y, y.offset(index), x, at);
  });
  return ok();
}

// ---- pad

Status infer_pad(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  const Ints& pads = call.attributes.ints("pads");
  const std::string& mode = call.attributes.s("mode");
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap")
    return invalid_argument("mode is '{}', not constant, reflect, edge or wrap", mode);
  if (static_cast<int>(pads.size()) != 2 * x.rank())
    return invalid_argument("pads has {} numbers for rank {}, not {}", pads.size(), x.rank(), 2 * x.rank());
  Shape shape = x.shape;
  for (int d = 0; d < x.rank(); ++d) {
    const int64_t before = pads[d], after = pads[d + x.rank()];
    if (before < -kFar || before > kFar || after < -kFar || after > kFar)
      return invalid_argument("padding by {} and {}", before, after);
    shape[d] = shape[d].plus(before + after);
    if (shape[d].fixed() && shape[d].offset < 0)
      return invalid_argument("axis {} of {} would have {} elements", d, shape_to_string(x.shape),
                              shape[d].offset);
    if (mode != "constant" && (before > 0 || after > 0)) {
      ASSIGN_OR_RETURN(const int64_t size, fixed_dim(x.shape[d], "an axis padded other than by a constant"));
      if (size == 0 || (mode == "reflect" && std::max(before, after) >= size))
        return invalid_argument("axis {} of {} is too short for '{}' padding by {} and {}", d,
                                shape_to_string(x.shape), mode, before, after);
    }
  }
  call.outputs[0] = {x.dtype, std::move(shape)};
  return ok();
}

Status run_pad(const ReferenceCall& call) {
  const Tensor& x = call.inputs[0];
  const Tensor& y = call.outputs[0];
  const Ints& pads = call.attributes.ints("pads");
  const std::string& mode = call.attributes.s("mode");
  for_each_index(y.dims, y.rank, [&](const int64_t* index) {
    int64_t at = 0;
    bool outside = false;
    for (int d = 0; d < x.rank; ++d) {
      const int64_t n = x.dims[d];
      int64_t i = index[d] - pads[d];
      if (i < 0 || i >= n) {
        if (mode == "constant") outside = true;
        if (mode == "edge") i = i < 0 ? 0 : n - 1;
        if (mode == "reflect") i = i < 0 ? -i : 2 * (n - 1) - i;
        if (mode == "wrap") i = ((i % n) + n) % n;
      }
      at += i * x.strides[d];
    }
    if (!outside) return copy_element(y, y.offset(index), x, at);
    const double value = call.attributes.f("value");
    if (is_float(y.dtype))
      store_f64(y, y.offset(index), value);
    else
      store_i64(y, y.offset(index), formulas::saturate<int64_t>(value));
  });
  return ok();
}

// ---- tile, trilu

Status infer_tile(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  const Ints& repeats = call.attributes.ints("repeats");
  if (static_cast<int>(repeats.size()) != x.rank())
    return invalid_argument("repeats has {} numbers for rank {}", repeats.size(), x.rank());
  Shape shape = x.shape;
  for (int d = 0; d < x.rank(); ++d) {
    if (repeats[d] < 0) return invalid_argument("axis {} is repeated {} times", d, repeats[d]);
    shape[d] = shape[d].times(repeats[d]);
  }
  call.outputs[0] = {x.dtype, std::move(shape)};
  return ok();
}

Status run_tile(const ReferenceCall& call) {
  const Tensor& x = call.inputs[0];
  const Tensor& y = call.outputs[0];
  for_each_index(y.dims, y.rank, [&](const int64_t* index) {
    int64_t at = 0;
    for (int d = 0; d < x.rank; ++d) at += index[d] % x.dims[d] * x.strides[d];
    copy_element(y, y.offset(index), x, at);
  });
  return ok();
}

Status infer_trilu(const InferCall& call) {
  if (call.inputs[0].rank() < 2)
    return invalid_argument("x has rank {}, not 2 or more", call.inputs[0].rank());
  const int64_t k = call.attributes.i("k");
  if (k < -kFar || k > kFar) return invalid_argument("diagonal {}", k);
  return infer_same(call);
}

Status run_trilu(const ReferenceCall& call) {
  const Tensor& x = call.inputs[0];
  const Tensor& y = call.outputs[0];
  const bool upper = call.attributes.i("upper") != 0;
  const int64_t k = call.attributes.i("k");
  visit_size(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_each_index(y.dims, y.rank, [&](const int64_t* index) {
      const int64_t row = index[y.rank - 2], column = index[y.rank - 1];
      const bool kept = upper ? column >= row + k : column <= row + k;
      y.as<T>()[y.offset(index)] = kept ? x.as<T>()[x.offset(index)] : T(0);
    });
  });
  return ok();
}

// ---- declarations

std::vector<Sample> each_dtype(Ints dims, Ints order, const Attributes& attributes) {
  std::vector<Sample> out;
  for (Dtype dtype : dtypes::plain)
    out.push_back({{sample_operand(dtype, dims, Fill::kAwkward)}, attributes});
  out.push_back({{sample_operand(Dtype::kF32, dims, Fill::kAwkward, 0, order)}, attributes});
  out.push_back({{sample_operand(Dtype::kF16, dims, Fill::kAwkward, 0, order)}, attributes});
  return out;
}
Sample one(Ints dims, const Attributes& attributes) {
  return {{sample_operand(Dtype::kF32, std::move(dims), Fill::kAwkward)}, attributes};
}

OpDef make(const char* name, const char* meaning, std::vector<AttributeDef> attributes, const char* onnx,
           const char* aclnn) {
  OpDef def;
  def.name = name;
  def.family = "Copies and shapes";
  def.meaning = meaning;
  def.inputs = {{"x", dtypes::plain, "any shape and strides"}};
  def.outputs = {{"y", dtypes::plain, "dtype of x"}};
  def.attributes = std::move(attributes);
  def.order = "elementwise";
  def.onnx = onnx;
  def.aclnn = aclnn;
  return def;
}

std::vector<OpDef> defs() {
  const Ints none;
  OpDef concat = make("concat", "the operands one after the other along an axis",
                      {{"axis", int64_t{0}, "which"}}, "Concat", "aclnnCat");
  concat.inputs = {{"x", dtypes::plain, "equal but for the axis", false, false, true}};
  concat.infer = infer_concat;
  concat.reference = run_concat;
  concat.samples = [] {
    std::vector<Sample> out;
    for (Dtype dtype : dtypes::plain)
      out.push_back({{sample_operand(dtype, {3, 5, 40}), sample_operand(dtype, {3, 1, 40}),
                      sample_operand(dtype, {3, 0, 40}),
                      sample_operand(dtype, {3, 7, 40}, Fill::kAwkward, 0, {2, 0, 1})},
                     {{"axis", int64_t{-2}}}});
    out.push_back({{sample_operand(Dtype::kF32, {3, 5})}, {}});
    out.push_back({{sample_operand(Dtype::kF32, {5}), sample_operand(Dtype::kF32, {900})}, {}});
    out.push_back({{sample_operand(Dtype::kF32, {50, 2}), sample_operand(Dtype::kF32, {50, 3})},
                   {{"axis", int64_t{1}}}});
    return out;
  };

  OpDef slice =
      make("slice", "a part of x: along each axis from start to before end by step; clamped to the axis",
           {{"starts", none, "negative counts from the end"},
            {"ends", none, "likewise; 2^63-1: to the end"},
            {"axes", none, "which; empty: the first ones"},
            {"steps", none, "negative walks backwards; empty: 1"}},
           "Slice", "aclnnSliceV2");
  slice.infer = infer_slice;
  slice.reference = run_slice;
  slice.samples = [] {
    std::vector<Sample> out = each_dtype({7, 9, 40}, {2, 0, 1},
                                         {{"starts", Ints{1, -2}},
                                          {"ends", Ints{kSliceToEnd, -30}},
                                          {"axes", Ints{1, 2}},
                                          {"steps", Ints{2, -1}}});
    out.push_back(one({7, 50}, {{"starts", Ints{2}}, {"ends", Ints{kSliceToEnd}}}));
    out.push_back(one({7, 50}, {{"starts", Ints{-1}}, {"ends", Ints{kSliceToEnd}}}));
    out.push_back(one({7, 50}, {{"starts", Ints{0}}, {"ends", Ints{-3}}}));
    out.push_back(one({7, 50}, {{"starts", Ints{5, 9}}, {"ends", Ints{2, 100}}}));
    out.push_back(
        one({7, 5}, {{"starts", Ints{100}}, {"ends", Ints{-100}}, {"axes", Ints{1}}, {"steps", Ints{-3}}}));
    return out;
  };

  OpDef pad = make("pad", "x with elements added before and after each axis, or taken away where negative",
                   {{"pads", none, "all numbers before, then all after"},
                    {"mode", std::string("constant"), "constant, reflect, edge, wrap"},
                    {"value", 0.0, "of constant padding; integers: truncated"}},
                   "Pad", "aclnnConstantPadNd");
  pad.infer = infer_pad;
  pad.reference = run_pad;
  pad.samples = [] {
    std::vector<Sample> out =
        each_dtype({3, 5, 20}, {2, 0, 1}, {{"pads", Ints{1, 0, 2, 0, 3, 4}}, {"value", 1.0}});
    for (const char* mode : {"reflect", "edge", "wrap"})
      out.push_back(one({3, 5, 20}, {{"pads", Ints{0, 4, 2, 0, 3, 19}}, {"mode", std::string(mode)}}));
    out.push_back(one({3, 5}, {{"pads", Ints{-1, 2, 0, -3}}, {"value", -INFINITY}}));
    out.push_back(one({3, 5}, {{"pads", Ints{0, 7, 0, 8}}, {"mode", std::string("wrap")}}));
    out.push_back(one({0, 5}, {{"pads", Ints{2, 0, 1, 0}}, {"value", 0.1}}));
    return out;
  };

  OpDef tile = make("tile", "x repeated along each axis", {{"repeats", none, "one number per axis"}}, "Tile",
                    "aclnnRepeat");
  tile.infer = infer_tile;
  tile.reference = run_tile;
  tile.samples = [] {
    std::vector<Sample> out = each_dtype({3, 5, 20}, {2, 0, 1}, {{"repeats", Ints{2, 1, 3}}});
    out.push_back(one({3, 5}, {{"repeats", Ints{0, 2}}}));
    return out;
  };

  OpDef trilu =
      make("trilu", "the upper or lower triangle of each matrix, 0 elsewhere",
           {{"upper", int64_t{1}, "0: the lower one"}, {"k", int64_t{0}, "which diagonal bounds it"}},
           "Trilu", "aclnnTriu");
  trilu.infer = infer_trilu;
  trilu.reference = run_trilu;
  trilu.samples = [] {
    std::vector<Sample> out = each_dtype({3, 15, 20}, {2, 0, 1}, {});
    out.push_back(one({5, 7}, {{"upper", int64_t{0}}, {"k", int64_t{-2}}}));
    out.push_back(one({5, 7}, {{"upper", int64_t{1}}, {"k", int64_t{3}}}));
    return out;
  };
  return {concat, slice, pad, tile, trilu};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(pieces, defs)
