// SPDX-License-Identifier: Apache-2.0
// Sums, products, powers and limits with tensors and numbers.
#include <cmath>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

// self + sign * alpha * other. F16 and BF16 are rounded once.
Status add_scaled(Builder& b, const char* op) {
  const Value x = b.tensor("self"), y = b.tensor("other");
  const Scalar alpha = b.scalar("alpha");
  if (b.failed()) return b.status();
  Dtype dtype = numeric(Builder::promote(x.dtype, y.dtype));
  if (!alpha.is_one()) dtype = wide(dtype);
  Value scaled = b.cast(y, dtype);
  if (!alpha.is_one()) scaled = b.op("mul", {scaled, b.constant(alpha, dtype)});
  b.store(b.op(op, {b.cast(x, dtype), scaled}), b.output());
  return b.status();
}

Status add_number(Builder& b, const char* op) {
  const Value x = b.tensor("self");
  const Scalar other = b.scalar("other"), alpha = b.scalar("alpha");
  if (b.failed()) return b.status();
  Scalar product = other;
  if (!alpha.is_one()) {
    const bool real = is_float(other.dtype) || is_float(alpha.dtype);
    // As F32 numbers multiply; programs give both in F32.
    product = real
                  ? Scalar::of(static_cast<double>(static_cast<float>(other.f) * static_cast<float>(alpha.f)))
                  : Scalar::of(other.i * alpha.i);
  }
  b.store(with_scalar(b, op, x, product), b.output());
  return b.status();
}

Status store_with_scalar(Builder& b, const char* op, const char* scalar) {
  b.store(with_scalar(b, op, b.tensor("self"), b.scalar(scalar)), b.output());
  return b.status();
}

// Whole numbers are divided as floats.
Status divide(Builder& b, const Value& y) {
  const Value x = b.tensor("self");
  if (b.failed()) return b.status();
  b.store(binary(b, "div", x, y, floating(Builder::promote(x.dtype, y.dtype))), b.output());
  return b.status();
}

Status divide_number(Builder& b) {
  const Value x = b.tensor("self");
  if (b.failed()) return b.status();
  b.store(with_scalar(b, "div", b.cast(x, floating(x.dtype)), b.scalar("other")), b.output());
  return b.status();
}

// self + value * op(tensor1, tensor2)
Status add_combined(Builder& b, const char* op) {
  const Value x = b.tensor("self"), first = b.tensor("tensor1"), second = b.tensor("tensor2");
  const Scalar value = b.scalar("value");
  if (b.failed()) return b.status();
  Dtype dtype = Builder::promote(x.dtype, Builder::promote(first.dtype, second.dtype));
  dtype = wide(op == std::string_view("div") ? floating(dtype) : numeric(dtype));
  Value combined = binary(b, op, first, second, dtype);
  if (!value.is_one()) combined = b.op("mul", {combined, b.constant(value, dtype)});
  b.store(b.op("add", {b.cast(x, dtype), combined}), b.output());
  return b.status();
}

Status limit(Builder& b, const char* low, const char* high) {
  const Value x = b.tensor("self");
  const Scalar min = low ? b.scalar(low) : Scalar{}, max = high ? b.scalar(high) : Scalar{};
  if (b.failed()) return b.status();
  Dtype dtype = numeric(x.dtype);
  for (const Scalar& bound : {min, max}) {
    if (!bound.present()) continue;
    dtype = Builder::promote(dtype, bound);
    if (!representable(bound, dtype)) dtype = wide(dtype);
  }
  Attributes attributes;
  if (min.present()) attributes.set("min", min.f);
  if (max.present()) attributes.set("max", max.f);
  b.store(b.op("clamp", {b.cast(x, dtype)}, std::move(attributes)), b.output());
  return b.status();
}

// x to a power that is known: the squares and roots that need no logarithm go to their own operators.
Value power(Builder& b, const Value& x, const Scalar& exponent) {
  if (is_float(x.dtype) && exponent.f == 2) return b.op("square", {x});
  if (is_float(x.dtype) && exponent.f == 1) return x;
  return with_scalar(b, "pow", x, exponent);
}

}  // namespace

Status build_Add(Builder& b) { return add_scaled(b, "add"); }
Status build_InplaceAdd(Builder& b) { return add_scaled(b, "add"); }
Status build_Sub(Builder& b) { return add_scaled(b, "sub"); }
Status build_InplaceSub(Builder& b) { return add_scaled(b, "sub"); }
Status build_Adds(Builder& b) { return add_number(b, "add"); }
Status build_InplaceAdds(Builder& b) { return add_number(b, "add"); }
Status build_Subs(Builder& b) { return add_number(b, "sub"); }
Status build_InplaceSubs(Builder& b) { return add_number(b, "sub"); }

Status build_Muls(Builder& b) { return store_with_scalar(b, "mul", "other"); }
Status build_InplaceMuls(Builder& b) { return store_with_scalar(b, "mul", "other"); }

Status build_Div(Builder& b) { return divide(b, b.tensor("other")); }
Status build_InplaceDiv(Builder& b) { return divide(b, b.tensor("other")); }
Status build_Divs(Builder& b) { return divide_number(b); }
Status build_InplaceDivs(Builder& b) { return divide_number(b); }

Status build_Addcdiv(Builder& b) { return add_combined(b, "div"); }
Status build_InplaceAddcdiv(Builder& b) { return add_combined(b, "div"); }
Status build_Addcmul(Builder& b) { return add_combined(b, "mul"); }
Status build_InplaceAddcmul(Builder& b) { return add_combined(b, "mul"); }

Status build_PowScalarTensor(Builder& b) {
  b.store(from_scalar(b, "pow", b.scalar("self"), b.tensor("exponent")), b.output());
  return b.status();
}
Status build_PowTensorScalar(Builder& b) {
  b.store(power(b, b.tensor("self"), b.scalar("exponent")), b.output());
  return b.status();
}
Status build_InplacePowTensorScalar(Builder& b) { return build_PowTensorScalar(b); }

Status build_Clamp(Builder& b) { return limit(b, "min", "max"); }
Status build_ClampMin(Builder& b) { return limit(b, "min", nullptr); }
Status build_ClampMax(Builder& b) { return limit(b, nullptr, "max"); }
Status build_InplaceClampMax(Builder& b) { return limit(b, nullptr, "max"); }

}  // namespace isthmus::cann
