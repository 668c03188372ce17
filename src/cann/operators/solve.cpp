// SPDX-License-Identifier: Apache-2.0
// Systems of linear equations.
#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

// Matrices in F32 or F64.
Value matrices(Builder& b) {
  const Value x = b.tensor("self");
  if (b.failed() ||
      !b.require(x.rank >= 2 && x.dims[x.rank - 1] == x.dims[x.rank - 2], "{} is not square", to_string(x)))
    return {};
  return b.cast(x, wide(floating(x.dtype)));
}

}  // namespace

// `m` gets the triangle of a that was used.
Status build_TriangularSolve(Builder& b) {
  const Value right = b.tensor("self"), a = b.tensor("a");
  const int64_t upper = b.boolean("upper"), transposed = b.boolean("transpose");
  if (b.failed()) return b.status();
  const Dtype dtype = wide(floating(Builder::promote(right.dtype, a.dtype)));
  const Value x =
      b.op("triangular_solve", {b.cast(a, dtype), b.cast(right, dtype)},
           {{"upper", upper}, {"transposed", transposed}, {"unit", int64_t{b.boolean("unitriangular")}}});
  b.store(x, b.output("x"));
  b.store(b.op("trilu", {a}, {{"upper", upper}}), b.output("m"));
  return b.status();
}

Status build_LinalgCholesky(Builder& b) {
  const Value y = b.op("cholesky", {matrices(b)});
  b.store(b.boolean("upper") ? b.transpose(y, -1, -2) : y, b.output());
  return b.status();
}

// By both triangles, of the identity with its rows in their order.
Status build_Inverse(Builder& b) {
  const std::vector<Value> factors = b.ops("lu_factor", {matrices(b)});
  if (b.failed()) return b.status();
  const Value &both = factors[0], &order = factors[1];
  const Value ones = b.filled(Scalar::of(int64_t{1}), Dtype::kI64, {both.dims[both.rank - 1]});
  const Value number = b.op("cumulative_sum", {ones}, {{"exclusive", int64_t{1}}});
  const Value identity = b.cast(b.op("equal", {b.unsqueeze(order, order.rank), number}), both.dtype);
  const Value half = b.op("triangular_solve", {both, identity}, {{"unit", int64_t{1}}});
  b.store(b.op("triangular_solve", {both, half}, {{"upper", int64_t{1}}}), b.output());
  return b.status();
}

Status build_Slogdet(Builder& b) {
  const std::vector<Value> factors = b.ops("lu_factor", {matrices(b)});
  if (b.failed()) return b.status();
  const Value diagonal = b.diagonal(factors[0]);
  const Attributes last = {{"axes", std::vector<int64_t>{-1}}, {"keep_dims", int64_t{0}}};
  const Value sign = b.op("reduce_prod", {b.op("sign", {diagonal})}, last);
  const Value odd = with_scalar(b, "equal", with_scalar(b, "mod", factors[2], Scalar::of(int64_t{2})),
                                Scalar::of(int64_t{1}));
  b.store(b.op("where", {odd, b.op("neg", {sign}), sign}), b.output("signOut"));
  b.store(b.op("reduce_sum", {b.op("log", {b.op("abs", {diagonal})})}, last), b.output("logOut"));
  return b.status();
}

}  // namespace isthmus::cann
