// SPDX-License-Identifier: Apache-2.0
// Systems of linear equations.
#include "cann/operators/common.h"

namespace isthmus::cann {

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

}  // namespace isthmus::cann
