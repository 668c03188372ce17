// SPDX-License-Identifier: Apache-2.0
// Extremes with their places, medians, variances, and whether all or any elements are true.
#include <cmath>

#include <algorithm>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

std::vector<int64_t> axes_of(Builder& b, const Value& x, const std::vector<int64_t>& dims) {
  std::vector<int64_t> axes;
  if (x.rank == 0) return axes;
  for (int64_t dim : dims) axes.push_back(b.axis(dim, x.rank));
  return axes;
}

Value reduce(Builder& b, const char* op, const Value& x, const std::vector<int64_t>& dims, bool keep) {
  return b.op(op, {x}, {{"axes", axes_of(b, x, dims)}, {"keep_dims", int64_t{keep}}});
}

Status truth(Builder& b, const char* op) {
  const Value x = b.cast(b.tensor("self"), Dtype::kBool);
  b.store(reduce(b, op, x, b.ints("dims"), b.boolean("keepdim")), b.output());
  return b.status();
}

Status extremes(Builder& b, const std::vector<int64_t>& dims, bool keep) {
  const Value x = b.tensor("self");
  b.store(reduce(b, "reduce_min", x, dims, keep), b.output("min"));
  b.store(reduce(b, "reduce_max", x, dims, keep), b.output("max"));
  return b.status();
}

// The largest (smallest) along dim and its place.
Status extreme(Builder& b, const char* value, const char* place) {
  Value x = b.tensor("self");
  if (b.failed()) return b.status();
  if (x.rank == 0) x = b.unsqueeze(x, 0);
  const int64_t dim = b.axis(b.integer("dim"), x.rank);
  const int64_t keep = b.boolean("keepdim");
  b.store(reduce(b, value, x, {dim}, keep), b.output("out"));
  b.store(b.op(place, {b.cast(x, numeric(x.dtype))}, {{"axis", dim}, {"keep_dims", keep}}),
          b.output("indices"));
  return b.status();
}

struct Ranked {
  Value value, index;
};

// The element of some rank along the last axis of x, and its place. Where there is a NaN it is the result
// unless it is skipped: NaN is sorted last.
Ranked ranked(Builder& b, const Value& x, int64_t dim, int64_t rank, bool nan_wins) {
  const std::vector<Value> sorted = b.ops("sort", {x}, {{"axis", dim}});
  if (b.failed()) return {};
  const int64_t n = x.dims[dim];
  Ranked at = {b.slice(sorted[0], dim, rank, rank + 1), b.slice(sorted[1], dim, rank, rank + 1)};
  if (!nan_wins || !is_float(x.dtype)) return at;
  const Value last = b.slice(sorted[0], dim, n - 1, n);
  const Value is_nan = b.op("is_nan", {last});
  return {b.op("where", {is_nan, last, at.value}),
          b.op("where", {is_nan, b.slice(sorted[1], dim, n - 1, n), at.index})};
}

Status median_of(Builder& b, Value x, int64_t dim, bool keep, bool with_index) {
  if (b.failed() || !b.require(x.dims[dim] > 0, "a median of no elements")) return b.status();
  const Ranked middle = ranked(b, x, dim, (x.dims[dim] - 1) / 2, true);
  b.store(keep ? middle.value : b.squeeze(middle.value, dim), b.output("out"));
  if (with_index) b.store(keep ? middle.index : b.squeeze(middle.index, dim), b.output("indices"));
  return b.status();
}

struct Moments {
  Value mean, variance;  // both with the dimensions kept or not
};

// The sum of squares of what lies off the mean, divided by the elements less the correction.
Moments moments(Builder& b, const std::vector<int64_t>& dims, int64_t correction, bool keep) {
  Value x = b.tensor("self");
  if (b.failed()) return {};
  x = b.cast(x, wide(floating(x.dtype)));
  int64_t count = 1;
  const std::vector<int64_t> axes = axes_of(b, x, dims);
  for (int axis = 0; axis < x.rank; ++axis)
    if (axes.empty() || std::find(axes.begin(), axes.end(), axis) != axes.end()) count *= x.dims[axis];
  const Value mean = reduce(b, "reduce_mean", x, dims, true);
  const Value squares = reduce(b, "reduce_sum_square", b.op("sub", {x, mean}), dims, keep);
  const auto divisor = std::max(static_cast<double>(count) - static_cast<double>(correction), 0.0);
  return {keep ? mean : reduce(b, "reduce_mean", x, dims, false),
          with_scalar(b, "div", squares, Scalar::of(divisor))};
}

Moments corrected(Builder& b) {
  return moments(b, b.ints("dim"), b.integer("correction"), b.boolean("keepdim"));
}

// The median of what is no NaN; NaN, which is sorted last, where there is nothing else.
Status nan_median_of(Builder& b, const Value& x, int64_t dim, bool keep, bool with_index) {
  if (b.failed() || !b.require(x.dims[dim] > 0, "a median of no elements")) return b.status();
  if (!is_float(x.dtype)) return median_of(b, x, dim, keep, with_index);
  const std::vector<Value> sorted = b.ops("sort", {x}, {{"axis", dim}});
  if (b.failed()) return b.status();
  const Value number = b.cast(b.op("logical_not", {b.op("is_nan", {x})}), Dtype::kI64);
  const Value count = reduce(b, "reduce_sum", number, {dim}, true);
  const Value middle = with_scalar(b, "div", with_scalar(b, "sub", count, Scalar::of(int64_t{1})),
                                   Scalar::of(int64_t{2}));  // towards zero: 0 of no numbers
  const auto at_middle = [&](const Value& all) {
    const Value y = b.op("gather_elements", {all, middle}, {{"axis", dim}});
    return b.failed() || keep ? y : b.squeeze(y, dim);
  };
  b.store(at_middle(sorted[0]), b.output("out"));
  if (with_index) b.store(at_middle(sorted[1]), b.output("indices"));
  return b.status();
}

}  // namespace

Status build_All(Builder& b) { return truth(b, "reduce_min"); }
Status build_Any(Builder& b) { return truth(b, "reduce_max"); }

Status build_Aminmax(Builder& b) { return extremes(b, b.ints("dims"), b.boolean("keepdim")); }
Status build_AminmaxAll(Builder& b) { return extremes(b, {}, false); }
Status build_AminmaxDim(Builder& b) { return extremes(b, {b.integer("dim")}, b.boolean("keepdim")); }
Status build_MaxDim(Builder& b) { return extreme(b, "reduce_max", "argmax"); }
Status build_MinDim(Builder& b) { return extreme(b, "reduce_min", "argmin"); }

Status build_Median(Builder& b) {
  const Value x = b.tensor("self");
  return median_of(b, b.reshape(x, {x.elements()}), 0, false, false);
}
Status build_MedianDim(Builder& b) {
  Value x = b.tensor("self");
  if (x.rank == 0) x = b.unsqueeze(x, 0);
  return median_of(b, x, b.axis(b.integer("dim"), x.rank), b.boolean("keepdim"), true);
}
Status build_NanMedian(Builder& b) {
  const Value x = b.tensor("self");
  return nan_median_of(b, b.reshape(x, {x.elements()}), 0, false, false);
}
Status build_NanMedianDim(Builder& b) {
  Value x = b.tensor("self");
  if (x.rank == 0) x = b.unsqueeze(x, 0);
  return nan_median_of(b, x, b.axis(b.integer("dim"), x.rank), b.boolean("keepdim"), true);
}
Status build_Kthvalue(Builder& b) {
  Value x = b.tensor("self");
  if (x.rank == 0) x = b.unsqueeze(x, 0);
  const int dim = b.axis(b.integer("dim"), x.rank);
  const int64_t k = b.integer("k");
  if (b.failed() || !b.require(k >= 1 && k <= x.dims[dim], "k is {} of {}", k, to_string(x)))
    return b.status();
  const Ranked at = ranked(b, x, dim, k - 1, false);
  const bool keep = b.boolean("keepdim");
  b.store(keep ? at.value : b.squeeze(at.value, dim), b.output("valuesOut"));
  b.store(keep ? at.index : b.squeeze(at.index, dim), b.output("indicesOut"));
  return b.status();
}

Status build_Prod(Builder& b) {
  b.store(reduce(b, "reduce_prod", b.cast(b.tensor("self"), numeric(b.dtype("dtype"))), {}, false),
          b.output());
  return b.status();
}
Status build_ProdDim(Builder& b) {
  const Value x = b.cast(b.tensor("self"), numeric(b.dtype("dtype")));
  b.store(reduce(b, "reduce_prod", x, {b.integer("dim")}, b.boolean("keepDim")), b.output());
  return b.status();
}
Status build_ReduceNansum(Builder& b) {
  Value x = b.cast(b.tensor("self"), numeric(b.dtype("dtype")));
  if (b.failed()) return b.status();
  if (is_float(x.dtype)) x = b.op("where", {b.op("is_nan", {x}), b.constant(Scalar::of(0.0), x.dtype), x});
  b.store(reduce(b, "reduce_sum", x, b.ints("dim"), b.boolean("keepDim")), b.output());
  return b.status();
}

Status build_VarCorrection(Builder& b) {
  b.store(corrected(b).variance, b.output());
  return b.status();
}
Status build_Std(Builder& b) {
  b.store(b.op("sqrt", {corrected(b).variance}), b.output());
  return b.status();
}
Status build_VarMean(Builder& b) {
  const Moments m = corrected(b);
  b.store(m.variance, b.output("varOut"));
  b.store(m.mean, b.output("meanOut"));
  return b.status();
}
Status build_StdMeanCorrection(Builder& b) {
  const Moments m = corrected(b);
  b.store(b.op("sqrt", {m.variance}), b.output("stdOut"));
  b.store(m.mean, b.output("meanOut"));
  return b.status();
}

Status build_Cumprod(Builder& b) {
  const Value x = b.cast(b.tensor("self"), numeric(b.dtype("dtype")));
  if (b.failed()) return b.status();
  b.store(x.rank == 0 ? x : b.op("cumulative_product", {x}, {{"axis", b.integer("dim")}}), b.output());
  return b.status();
}

Status build_Trace(Builder& b) {
  const Value x = b.tensor("self");
  if (b.failed() || !b.require(x.rank == 2, "the trace of {}", to_string(x))) return b.status();
  b.store(reduce(b, "reduce_sum", b.diagonal(b.cast(x, numeric(x.dtype))), {}, false), b.output());
  return b.status();
}

}  // namespace isthmus::cann
