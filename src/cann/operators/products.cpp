// SPDX-License-Identifier: Apache-2.0
// Products of matrices and vectors that are added to something.
#include "cann/operators/common.h"

namespace isthmus::cann {

// Of a weight whose layout is a name only (matmul.cpp).
Status build_Matmul(Builder& b);
Status build_WeightQuantBatchMatmulV2(Builder& b);
Status build_MatmulWeightNz(Builder& b) { return build_Matmul(b); }
Status build_BatchMatMulWeightNz(Builder& b) { return build_Matmul(b); }
Status build_WeightQuantBatchMatmulV3(Builder& b) { return build_WeightQuantBatchMatmulV2(b); }
Status build_WeightQuantBatchMatmulNz(Builder& b) { return build_WeightQuantBatchMatmulV2(b); }

namespace {

Dtype computed(Dtype dtype) { return floating(dtype); }

// beta * self + alpha * product; what beta 0 multiplies does not count, be it NaN.
Status add(Builder& b, const Value& product) {
  const Value self = b.tensor("self");
  const Scalar beta = b.scalar("beta"), alpha = b.scalar("alpha");
  if (b.failed()) return b.status();
  const Dtype dtype = wide(product.dtype);
  Value sum = b.cast(product, dtype);
  if (!alpha.is_one()) sum = with_scalar(b, "mul", sum, alpha);
  if (beta.f != 0) {
    Value x = b.cast(self, dtype);
    if (!beta.is_one()) x = with_scalar(b, "mul", x, beta);
    sum = b.op("add", {sum, x});
  }
  const Value place = b.output();
  if (!b.failed()) b.store(b.expand(sum, place.shape()), place);
  return b.status();
}

// In F32 (F64), so that what is added is rounded once with the rest.
Value product(Builder& b, const Value& x, const Value& y) {
  if (b.failed()) return {};
  const Dtype dtype = wide(computed(Builder::promote(x.dtype, y.dtype)));
  return b.op("matmul", {b.cast(x, dtype), b.cast(y, dtype)});
}

Value column(Builder& b, const char* parameter) { return b.unsqueeze(b.tensor(parameter), 1); }

Value sum_of(Builder& b, const Value& x, const std::vector<int64_t>& axes) {
  return b.op("reduce_sum", {x}, {{"axes", axes}, {"keep_dims", int64_t{0}}});
}

}  // namespace

Status build_Addmm(Builder& b) { return add(b, product(b, b.tensor("mat1"), b.tensor("mat2"))); }
Status build_InplaceAddmm(Builder& b) { return build_Addmm(b); }
Status build_AddmmWeightNz(Builder& b) { return build_Addmm(b); }
Status build_Baddbmm(Builder& b) { return add(b, product(b, b.tensor("batch1"), b.tensor("batch2"))); }
Status build_Addbmm(Builder& b) {
  return add(b, sum_of(b, product(b, b.tensor("batch1"), b.tensor("batch2")), {0}));
}
Status build_Addmv(Builder& b) {
  return add(b, b.squeeze(product(b, b.tensor("mat"), column(b, "vec")), -1));
}
Status build_Addr(Builder& b) {
  const Value x = column(b, "vec1"), y = b.tensor("vec2");
  if (b.failed()) return b.status();
  const Dtype dtype = wide(numeric(Builder::promote(x.dtype, y.dtype)));
  return add(b, b.op("mul", {b.cast(x, dtype), b.cast(y, dtype)}));
}
Status build_InplaceAddr(Builder& b) { return build_Addr(b); }

Status build_Dot(Builder& b) {
  const Value x = b.tensor("self"), y = b.tensor("tensor");
  if (b.failed() || !b.require(x.rank == 1 && x.shape() == y.shape(), "the dot product of {} and {}",
                               to_string(x), to_string(y)))
    return b.status();
  const Dtype dtype = wide(numeric(Builder::promote(x.dtype, y.dtype)));
  b.store(sum_of(b, b.op("mul", {b.cast(x, dtype), b.cast(y, dtype)}), {0}), b.output());
  return b.status();
}

Status build_LinalgCross(Builder& b) {
  Value x = b.tensor("self"), y = b.tensor("other");
  if (b.failed()) return b.status();
  const Dtype dtype = wide(numeric(Builder::promote(x.dtype, y.dtype)));
  const std::vector<int64_t> shape = b.broadcast(x.shape(), y.shape());
  x = b.expand(b.cast(x, dtype), shape);
  y = b.expand(b.cast(y, dtype), shape);
  const int dim = b.axis(b.integer("dim"), x.rank);
  if (b.failed() || !b.require(x.rank > 0 && x.dims[dim] == 3, "vectors along {} of {}", dim, to_string(x)))
    return b.status();
  const Value place = b.output();
  const auto part = [&](const Value& v, int64_t i) { return b.slice(v, dim, i % 3, i % 3 + 1); };
  for (int64_t i = 0; i < 3; ++i)
    b.store(b.op("sub", {b.op("mul", {part(x, i + 1), part(y, i + 2)}),
                         b.op("mul", {part(x, i + 2), part(y, i + 1)})}),
            part(place, i));
  return b.status();
}

}  // namespace isthmus::cann
