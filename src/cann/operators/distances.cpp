// SPDX-License-Identifier: Apache-2.0
// Norms and distances of vectors, and what is limited by them.
#include <cmath>

#include "cann/operators/taps.h"

namespace isthmus::cann {
namespace {

Value reduce(Builder& b, const char* op, const Value& x, const std::vector<int64_t>& axes, bool keep) {
  return b.op(op, {x}, {{"axes", axes}, {"keep_dims", int64_t{keep}}});
}

// The p-norm of the elements along the axes (all of them when empty); x is F32 or F64.
Value vector_norm(Builder& b, const Value& x, double p, const std::vector<int64_t>& axes, bool keep) {
  if (p == 2) return reduce(b, "reduce_l2", x, axes, keep);
  if (p == 1) return reduce(b, "reduce_l1", x, axes, keep);
  if (p == 0)
    return reduce(b, "reduce_sum", b.cast(with_scalar(b, "not_equal", x, Scalar::of(0.0)), x.dtype), axes,
                  keep);
  const Value size = b.op("abs", {x});
  if (std::isinf(p)) return reduce(b, p > 0 ? "reduce_max" : "reduce_min", size, axes, keep);
  const Value sum = reduce(b, "reduce_sum", with_scalar(b, "pow", size, Scalar::of(p)), axes, keep);
  return with_scalar(b, "pow", sum, Scalar::of(1 / p));
}

std::vector<int64_t> axes_of(Builder& b, const Value& x, const std::vector<int64_t>& dims) {
  std::vector<int64_t> axes;
  if (x.rank == 0) return axes;
  for (int64_t dim : dims) axes.push_back(b.axis(dim, x.rank));
  return axes;
}

Value as_floats(Builder& b, const char* parameter) {
  const Value x = b.tensor(parameter);
  return b.failed() ? x : b.cast(x, wide(floating(x.dtype)));
}

}  // namespace

Status build_LinalgVectorNorm(Builder& b) {
  const Value x = as_floats(b, "self");
  b.store(vector_norm(b, x, b.number("ord"), axes_of(b, x, b.ints("dims")), b.boolean("keepDims")),
          b.output());
  return b.status();
}

// Distances between rows; with the largest shapes a broadcast difference is as large as all of them together.
Status build_Cdist(Builder& b) {
  const Value x = as_floats(b, "x1"), y = as_floats(b, "x2");
  if (b.failed() || !b.require(x.rank >= 2 && y.rank == x.rank && x.rank < kMaxRank, "rows of {} and {}",
                               to_string(x), to_string(y)))
    return b.status();
  const Value difference = b.op("sub", {b.unsqueeze(x, -2), b.unsqueeze(y, -3)});
  b.store(vector_norm(b, difference, b.number("p"), {-1}, false), b.output());
  return b.status();
}

// As PyTorch: scaled by maxNorm / (norm + 1e-7) where the norm is larger.
Status build_Renorm(Builder& b) {
  const Value x = as_floats(b, "self");
  if (b.failed()) return b.status();
  const int dim = b.axis(b.integer("dim"), x.rank);
  std::vector<int64_t> axes;
  for (int i = 0; i < x.rank; ++i)
    if (i != dim) axes.push_back(i);
  if (!b.require(!axes.empty(), "slices of {}", to_string(x))) return b.status();
  const Scalar limit = Scalar::of(b.number("maxNorm"));
  const Value norm = vector_norm(b, x, b.number("p"), axes, true);
  const Value scale = from_scalar(b, "div", limit, with_scalar(b, "add", norm, Scalar::of(1e-7)));
  const Value one = b.constant(Scalar::of(1.0), x.dtype);
  b.store(b.op("mul", {x, b.op("where", {with_scalar(b, "greater", norm, limit), scale, one})}), b.output());
  return b.status();
}
Status build_InplaceRenorm(Builder& b) { return build_Renorm(b); }

// Of each pair of rows, the second further down.
Status build_Pdist(Builder& b) {
  const Value x = as_floats(b, "self");
  if (b.failed() || !b.require(x.rank == 2, "rows of {}", to_string(x)) || !few_taps(b, x.dims[0], x.dims[0]))
    return b.status();
  std::vector<int64_t> first, second;
  for (int64_t i = 0; i < x.dims[0]; ++i)
    for (int64_t j = i + 1; j < x.dims[0]; ++j) first.push_back(i), second.push_back(j);
  const auto pairs = static_cast<int64_t>(first.size());
  const auto rows = [&](const std::vector<int64_t>& index) {
    return b.op("gather", {x, b.constant(Dtype::kI64, {pairs}, index)}, {{"axis", int64_t{0}}});
  };
  b.store(vector_norm(b, b.op("sub", {rows(first), rows(second)}), b.number("p"), {-1}, false), b.output());
  return b.status();
}

// As PyTorch: rows that indices name, scaled by maxNorm / (norm + 1e-7) where the norm is larger.
Status build_EmbeddingRenorm(Builder& b) {
  const Value table = b.tensor("selfRef"), index = as_index(b, b.tensor("indices"));
  if (b.failed() || !b.require(table.rank == 2, "a table {}", to_string(table))) return b.status();
  const Value flat = b.reshape(index, {index.elements()});
  const Value x = b.cast(b.op("gather", {table, flat}, {{"axis", int64_t{0}}}), wide(floating(table.dtype)));
  if (b.failed()) return b.status();
  const Scalar limit = Scalar::of(b.number("maxNorm"));
  const Value norm = vector_norm(b, x, b.number("normType"), {1}, true);
  const Value scale = from_scalar(b, "div", limit, with_scalar(b, "add", norm, Scalar::of(1e-7)));
  const Value kept = b.op("where", {with_scalar(b, "greater", norm, limit), b.op("mul", {x, scale}), x});
  b.store(b.op("scatter_nd", {table, b.unsqueeze(flat, 1), b.cast(kept, table.dtype)}), b.output("selfRef"));
  return b.status();
}

// Of the rows of x1: what moves each of their distances to the rows of x2, by its gradient.
Status build_CdistBackward(Builder& b) {
  const Value x = as_floats(b, "x1"), y = as_floats(b, "x2"), given = as_floats(b, "grad");
  const Value far = as_floats(b, "cdist");
  const double p = b.number("p");
  if (b.failed() || !b.require(x.rank >= 2 && y.rank == x.rank && x.rank < kMaxRank && given.rank == x.rank &&
                                   far.shape() == given.shape(),
                               "rows of {} and {}, distances {}", to_string(x), to_string(y), to_string(far)))
    return b.status();
  const Value difference = b.op("sub", {b.unsqueeze(x, -2), b.unsqueeze(y, -3)});
  const Value sign = b.op("sign", {difference}), size = b.op("abs", {difference});
  const Value g = b.unsqueeze(given, -1), distance = b.unsqueeze(far, -1);
  const Value zero = b.constant(Scalar::of(0.0), x.dtype);
  Value slope;
  if (p == 0) {
    slope = b.op("mul", {sign, zero});
  } else if (p == 1) {
    slope = sign;
  } else if (p < 0 || std::isinf(p)) {  // the client writes infinity as -1
    slope = b.op("where", {b.op("equal", {size, distance}), sign, zero});
  } else {
    const Value ratio = b.op("div", {with_scalar(b, "pow", size, Scalar::of(p - 1)),
                                     with_scalar(b, "pow", distance, Scalar::of(p - 1))});
    const Value none = b.op("logical_or", {b.op("equal", {distance, zero}), b.op("equal", {size, zero})});
    slope = b.op("where", {none, zero, b.op("mul", {sign, ratio})});
  }
  b.store(reduce(b, "reduce_sum", b.op("mul", {slope, g}), {-2}, false), b.output());
  return b.status();
}

}  // namespace isthmus::cann
