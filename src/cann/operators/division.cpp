// SPDX-License-Identifier: Apache-2.0
// Division with rounding, and remainders.
#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

// x / y rounded down: what is left over is taken off first, so that the quotient is whole but for rounding.
Value floor_divide(Builder& b, const Value& x, const Value& y) {
  const Value whole = b.op("div", {b.op("sub", {x, b.op("mod", {x, y})}), y});
  if (b.failed() || !is_float(x.dtype)) return whole;
  const Value zero = b.op("equal", {y, b.constant(Scalar::of(0.0), y.dtype)});
  return b.op("where", {zero, b.op("div", {x, y}), b.op("round", {whole})});
}

enum Rounding : int64_t { kNone = 0, kTowardsZero = 1, kDown = 2 };

Value divide(Builder& b, Value x, Value y, int64_t rounding) {
  if (b.failed() || !b.require(rounding >= kNone && rounding <= kDown, "mode is {}", rounding)) return {};
  Dtype dtype = wide(numeric(Builder::promote(x.dtype, y.dtype)));
  if (rounding == kNone) dtype = floating(dtype);
  x = b.cast(x, dtype);
  y = b.cast(y, dtype);
  if (rounding == kDown) return floor_divide(b, x, y);
  const Value quotient = b.op("div", {x, y});
  return rounding == kTowardsZero && is_float(dtype) ? b.op("trunc", {quotient}) : quotient;
}

// The number as an operand beside x, in the dtype both are promoted to.
Value beside(Builder& b, const Value& x, const char* parameter) {
  const Scalar number = b.scalar(parameter);
  return b.failed() ? Value{} : b.constant(number, wide(numeric(Builder::promote(x.dtype, number))));
}

Status store_quotient(Builder& b, const Value& y, int64_t rounding) {
  b.store(divide(b, b.tensor("self"), y, rounding), b.output());
  return b.status();
}
Status store_quotient_of_number(Builder& b, int64_t rounding) {
  return store_quotient(b, beside(b, b.tensor("self"), "other"), rounding);
}

Status store_remainder(Builder& b, const char* op) {
  b.store(with_scalar(b, op, b.tensor("self"), b.scalar("other")), b.output());
  return b.status();
}

}  // namespace

Status build_DivMod(Builder& b) { return store_quotient(b, b.tensor("other"), b.integer("mode")); }
Status build_InplaceDivMod(Builder& b) { return build_DivMod(b); }
Status build_DivMods(Builder& b) { return store_quotient_of_number(b, b.integer("mode")); }
Status build_InplaceDivMods(Builder& b) { return build_DivMods(b); }

Status build_FloorDivide(Builder& b) { return store_quotient(b, b.tensor("other"), kDown); }
Status build_InplaceFloorDivide(Builder& b) { return build_FloorDivide(b); }
Status build_FloorDivides(Builder& b) { return store_quotient_of_number(b, kDown); }
Status build_InplaceFloorDivides(Builder& b) { return build_FloorDivides(b); }

Status build_FmodScalar(Builder& b) { return store_remainder(b, "fmod"); }
Status build_InplaceFmodScalar(Builder& b) { return store_remainder(b, "fmod"); }
Status build_RemainderTensorScalar(Builder& b) { return store_remainder(b, "mod"); }
Status build_InplaceRemainderTensorScalar(Builder& b) { return store_remainder(b, "mod"); }
Status build_RemainderScalarTensor(Builder& b) {
  b.store(from_scalar(b, "mod", b.scalar("self"), b.tensor("other")), b.output());
  return b.status();
}

}  // namespace isthmus::cann
