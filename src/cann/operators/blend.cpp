// SPDX-License-Identifier: Apache-2.0
// Sums and logarithms of two operands that are more than one step.
#include <cmath>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

// x + sign * alpha * y, F16 and BF16 in F32.
Value scaled_sum(Builder& b, const char* op, const Value& x, const Value& y, const Scalar& alpha) {
  if (b.failed()) return {};
  const Dtype dtype = wide(numeric(Builder::promote(x.dtype, y.dtype)));
  Value scaled = b.cast(y, dtype);
  if (!alpha.is_one()) scaled = b.op("mul", {scaled, b.constant(alpha, dtype)});
  return b.op(op, {b.cast(x, dtype), scaled});
}

Value number_like(Builder& b, const char* parameter, const Value& x) {
  const Scalar number = b.scalar(parameter);
  return b.failed() ? Value{} : b.constant(number, wide(numeric(Builder::promote(x.dtype, number))));
}

// As PyTorch: from the nearer end.
Status lerp(Builder& b, Value weight) {
  Value x = b.tensor("self"), end = b.tensor("end");
  if (b.failed()) return b.status();
  const Dtype dtype = wide(floating(Builder::promote(x.dtype, end.dtype)));
  x = b.cast(x, dtype);
  end = b.cast(end, dtype);
  weight = b.cast(weight, dtype);
  const Value difference = b.op("sub", {end, x});
  const Value low = b.op("add", {x, b.op("mul", {weight, difference})});
  const Value rest = from_scalar(b, "sub", Scalar::of(1.0), weight);
  const Value high = b.op("sub", {end, b.op("mul", {difference, rest})});
  const Value near = with_scalar(b, "less", b.op("abs", {weight}), Scalar::of(0.5));
  b.store(b.op("where", {near, low, high}), b.output());
  return b.status();
}

// m + log(1 + base^-|x - y|) with the larger one as m.
Status log_add(Builder& b, const char* power, const char* logarithm, double of_two) {
  Value x = b.tensor("self"), y = b.tensor("other");
  if (b.failed()) return b.status();
  const Dtype dtype = wide(floating(Builder::promote(x.dtype, y.dtype)));
  x = b.cast(x, dtype);
  y = b.cast(y, dtype);
  const Value difference = b.op("neg", {b.op("abs", {b.op("sub", {x, y})})});
  const Value rest = b.op(power, {difference});
  const Value more = logarithm == std::string_view("log1p")
                         ? b.op("log1p", {rest})
                         : b.op(logarithm, {with_scalar(b, "add", rest, Scalar::of(1.0))});
  // Equal infinities have no difference.
  const Value equal = with_scalar(b, "add", x, Scalar::of(of_two));
  b.store(b.op("where", {b.op("equal", {x, y}), equal, b.op("add", {b.op("max", {x, y}), more})}),
          b.output());
  return b.status();
}

Status x_log_y(Builder& b, Value x, Value y) {
  if (b.failed()) return b.status();
  const Dtype dtype = wide(floating(Builder::promote(x.dtype, y.dtype)));
  x = b.cast(x, dtype);
  y = b.cast(y, dtype);
  const Value zero = b.constant(Scalar::of(0.0), dtype);
  const Value product = b.op("mul", {x, b.op("log", {y})});
  const Value skip = b.op("logical_and", {b.op("equal", {x, zero}), b.op("equal", {y, y})});  // y is no NaN
  b.store(b.op("where", {skip, zero, product}), b.output());
  return b.status();
}

}  // namespace

Status build_AddV3(Builder& b) {
  const Value y = b.tensor("other");
  b.store(scaled_sum(b, "add", number_like(b, "self", y), y, b.scalar("alpha")), b.output());
  return b.status();
}
Status build_Rsub(Builder& b) {
  b.store(scaled_sum(b, "sub", b.tensor("other"), b.tensor("self"), b.scalar("alpha")), b.output());
  return b.status();
}
Status build_Rsubs(Builder& b) {
  const Value x = b.tensor("self");
  b.store(scaled_sum(b, "sub", number_like(b, "other", x), x, b.scalar("alpha")), b.output());
  return b.status();
}
Status build_AddRelu(Builder& b) {
  b.store(b.op("relu", {scaled_sum(b, "add", b.tensor("self"), b.tensor("other"), b.scalar("alpha"))}),
          b.output());
  return b.status();
}
Status build_InplaceAddRelu(Builder& b) { return build_AddRelu(b); }

Status build_Lerp(Builder& b) { return lerp(b, b.tensor("weight")); }
Status build_InplaceLerp(Builder& b) { return lerp(b, b.tensor("weight")); }
Status build_Lerps(Builder& b) { return lerp(b, b.constant(b.scalar("weight"), Dtype::kF32)); }
Status build_InplaceLerps(Builder& b) { return build_Lerps(b); }

Status build_ClampTensor(Builder& b) {
  Value x = b.tensor("self");
  if (b.has("min")) x = binary(b, "max", x, b.tensor("min"));
  if (b.has("max")) x = binary(b, "min", x, b.tensor("max"));
  b.store(x, b.output());
  return b.status();
}

Status build_LogAddExp(Builder& b) { return log_add(b, "exp", "log1p", std::log(2.0)); }
Status build_LogAddExp2(Builder& b) { return log_add(b, "exp2", "log2", 1); }

Status build_XLogYTensor(Builder& b) { return x_log_y(b, b.tensor("self"), b.tensor("other")); }
Status build_XLogYScalarSelf(Builder& b) {
  const Value y = b.tensor("other");
  return x_log_y(b, number_like(b, "self", y), y);
}
Status build_XLogYScalarOther(Builder& b) {
  const Value x = b.tensor("self");
  return x_log_y(b, x, number_like(b, "other", x));
}

}  // namespace isthmus::cann
