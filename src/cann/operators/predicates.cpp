// SPDX-License-Identifier: Apache-2.0
// Comparisons in place, tests of numbers, and bits with a number.
#include <cmath>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

Status in_place(Builder& b, const char* op, const Value& y) {
  b.store(binary(b, op, b.tensor("self"), y), b.output());
  return b.status();
}
Status in_place_number(Builder& b, const char* op) {
  b.store(with_scalar(b, op, b.tensor("self"), b.scalar("other")), b.output());
  return b.status();
}

// Bool: its truth as a number, whose bits are compared, and the result is Bool again.
Status bits(Builder& b, const char* op) {
  const Value x = b.tensor("self");
  const Scalar other = b.scalar("other");
  if (b.failed()) return b.status();
  const Dtype dtype = x.dtype == Dtype::kBool ? Dtype::kI64 : x.dtype;
  b.store(b.op(op, {b.cast(x, dtype), b.constant(other, dtype)}), b.output());
  return b.status();
}

Status is_infinity(Builder& b, int64_t negative, int64_t positive) {
  b.store(unary_float(b, "is_inf", b.tensor("self"),
                      {{"detect_negative", negative}, {"detect_positive", positive}}),
          b.output());
  return b.status();
}

Value all_axes(Builder& b, const char* op, const Value& x) {
  return b.op(op, {x}, {{"axes", std::vector<int64_t>{}}, {"keep_dims", int64_t{0}}});
}

Value invert(Builder& b, const Value& x, bool invert) { return invert ? b.op("logical_not", {x}) : x; }

}  // namespace

Status build_InplaceEqTensor(Builder& b) { return in_place(b, "equal", b.tensor("other")); }
Status build_InplaceNeTensor(Builder& b) { return in_place(b, "not_equal", b.tensor("other")); }
Status build_InplaceGtTensor(Builder& b) { return in_place(b, "greater", b.tensor("other")); }
Status build_InplaceGeTensor(Builder& b) { return in_place(b, "greater_equal", b.tensor("other")); }
Status build_InplaceLtTensor(Builder& b) { return in_place(b, "less", b.tensor("other")); }
Status build_InplaceLeTensor(Builder& b) { return in_place(b, "less_equal", b.tensor("other")); }
Status build_InplaceEqScalar(Builder& b) { return in_place_number(b, "equal"); }
Status build_InplaceNeScalar(Builder& b) { return in_place_number(b, "not_equal"); }
Status build_InplaceGtScalar(Builder& b) { return in_place_number(b, "greater"); }
Status build_InplaceGeScalar(Builder& b) { return in_place_number(b, "greater_equal"); }
Status build_InplaceLtScalar(Builder& b) { return in_place_number(b, "less"); }
Status build_InplaceLeScalar(Builder& b) { return in_place_number(b, "less_equal"); }

Status build_InplaceLogicalNot(Builder& b) {
  b.store(b.op("logical_not", {b.cast(b.tensor("self"), Dtype::kBool)}), b.output());
  return b.status();
}

Status build_BitwiseAndScalar(Builder& b) { return bits(b, "bitwise_and"); }
Status build_InplaceBitwiseAndScalar(Builder& b) { return bits(b, "bitwise_and"); }
Status build_BitwiseOrScalar(Builder& b) { return bits(b, "bitwise_or"); }
Status build_BitwiseXorScalar(Builder& b) { return bits(b, "bitwise_xor"); }
Status build_InplaceBitwiseXorScalar(Builder& b) { return bits(b, "bitwise_xor"); }
Status build_BitwiseNot(Builder& b) {
  const Value x = b.tensor("self");
  b.store(b.op(x.dtype == Dtype::kBool ? "logical_not" : "bitwise_not", {x}), b.output());
  return b.status();
}
Status build_LeftShifts(Builder& b) {
  const Value x = b.tensor("self");
  const Scalar count = b.scalar("shiftBits");
  if (b.failed()) return b.status();
  b.store(b.op("shift_left", {x, b.constant(count, x.dtype)}), b.output());
  return b.status();
}

Status build_Equal(Builder& b) {
  const Value x = b.tensor("self"), y = b.tensor("other");
  if (b.failed()) return b.status();
  if (x.shape() != y.shape())
    b.store(b.constant(Scalar::of(int64_t{0}), Dtype::kBool), b.output());
  else
    b.store(all_axes(b, "reduce_min", binary(b, "equal", x, y)), b.output());
  return b.status();
}

Status build_IsClose(Builder& b) {
  Value x = b.tensor("self"), y = b.tensor("other");
  const double relative = b.number("rtol"), absolute = b.number("atol");
  if (b.failed()) return b.status();
  const Dtype dtype = wide(floating(Builder::promote(x.dtype, y.dtype)));
  x = b.cast(x, dtype);
  y = b.cast(y, dtype);
  Value close = b.op("equal", {x, y});
  const Value allowed = with_scalar(b, "add", with_scalar(b, "mul", b.op("abs", {y}), Scalar::of(relative)),
                                    Scalar::of(absolute));
  const Value difference = b.op("abs", {b.op("sub", {x, y})});
  const Value near = b.op("logical_and", {b.op("less_equal", {difference, allowed}), b.op("is_finite", {y})});
  close = b.op("logical_or", {close, near});
  if (b.boolean("equalNan"))
    close = b.op("logical_or", {close, b.op("logical_and", {b.op("is_nan", {x}), b.op("is_nan", {y})})});
  b.store(close, b.output());
  return b.status();
}

Status build_IsPosInf(Builder& b) { return is_infinity(b, 0, 1); }
Status build_IsNegInf(Builder& b) { return is_infinity(b, 1, 0); }

// -0 is not below 0, but its reciprocal is.
Status build_Signbit(Builder& b) {
  const Value x = b.tensor("self");
  if (b.failed()) return b.status();
  const Scalar zero = Scalar::of(0.0);
  Value below = with_scalar(b, "less", x, zero);
  if (is_float(x.dtype))
    below = b.op("logical_or",
                 {below, b.op("logical_and", {with_scalar(b, "equal", x, zero),
                                              with_scalar(b, "less", b.op("reciprocal", {x}), zero)})});
  b.store(below, b.output());
  return b.status();
}

Status build_IsInTensorScalar(Builder& b) {
  const Value found = with_scalar(b, "equal", b.tensor("elements"), b.scalar("testElement"));
  b.store(invert(b, found, b.boolean("invert")), b.output());
  return b.status();
}
Status build_IsInScalarTensor(Builder& b) {
  const Value equal = with_scalar(b, "equal", b.tensor("testElements"), b.scalar("element"));
  b.store(invert(b, all_axes(b, "reduce_max", equal), b.boolean("invert")), b.output());
  return b.status();
}

}  // namespace isthmus::cann
