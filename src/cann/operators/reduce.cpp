// SPDX-License-Identifier: Apache-2.0
// Reductions, running sums, norms of vectors.
#include <cmath>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

Value reduce(Builder& b, const char* op, const Value& x, const std::vector<int64_t>& dims, bool keep) {
  std::vector<int64_t> axes;
  for (int64_t dim : dims) axes.push_back(b.axis(dim, x.rank));
  if (x.rank == 0) axes.clear();
  return b.op(op, {x}, {{"axes", axes}, {"keep_dims", int64_t{keep}}});
}

// The p-norm of the elements along dims.
Value vector_norm(Builder& b, const Value& x, double p, const std::vector<int64_t>& dims, bool keep) {
  if (p == 2) return reduce(b, "reduce_l2", x, dims, keep);
  if (p == 1) return reduce(b, "reduce_l1", x, dims, keep);
  if (p == 0) {
    const Value counted = b.cast(b.op("not_equal", {x, b.constant(Scalar::of(0.0), x.dtype)}), x.dtype);
    return reduce(b, "reduce_sum", counted, dims, keep);
  }
  const Value size = b.op("abs", {x});
  if (std::isinf(p)) return reduce(b, p > 0 ? "reduce_max" : "reduce_min", size, dims, keep);
  const Value sum = reduce(b, "reduce_sum", with_scalar(b, "pow", size, Scalar::of(p)), dims, keep);
  return with_scalar(b, "pow", sum, Scalar::of(1 / p));
}

}  // namespace

Status build_ReduceSum(Builder& b) {
  const Value x = b.cast(b.tensor("self"), numeric(b.dtype("dtype")));
  b.store(reduce(b, "reduce_sum", x, b.ints("dims"), b.boolean("keepDims")), b.output());
  return b.status();
}

Status build_Mean(Builder& b) {
  const Value x = b.cast(b.tensor("self"), floating(b.dtype("dtype")));
  b.store(reduce(b, "reduce_mean", x, b.ints("dims"), b.boolean("keepDims")), b.output());
  return b.status();
}

Status build_Cumsum(Builder& b) {
  const Value x = b.cast(b.tensor("self"), numeric(b.dtype("dtype")));
  if (b.failed()) return b.status();
  if (x.rank == 0)
    b.store(x, b.output());
  else
    b.store(b.op("cumulative_sum", {x}, {{"axis", b.integer("dim")}}), b.output());
  return b.status();
}

Status build_Norm(Builder& b) {
  Value x = b.tensor("self");
  if (b.failed()) return b.status();
  x = b.cast(x, wide(floating(x.dtype)));
  const Scalar p = b.scalar("p");
  b.store(vector_norm(b, x, p.present() ? p.f : 2, b.ints("dims"), b.boolean("keepDims")), b.output());
  return b.status();
}

Status build_ArgMax(Builder& b) {
  const Value x = b.tensor("self");
  if (b.failed()) return b.status();
  if (x.rank == 0)
    b.store(b.constant(Scalar::of(int64_t{0}), Dtype::kI64), b.output());
  else
    b.store(b.op("argmax", {b.cast(x, numeric(x.dtype))},
                 {{"axis", b.integer("dim")}, {"keep_dims", int64_t{b.boolean("keepDim")}}}),
            b.output());
  return b.status();
}

}  // namespace isthmus::cann
