// SPDX-License-Identifier: Apache-2.0
// Functions of one operand that are more than one step.
#include <cmath>

#include <limits>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

Value operand(Builder& b) {
  const Value x = b.tensor("self");
  return b.failed() ? x : b.cast(x, wide(floating(x.dtype)));
}

// NaN and infinities become numbers; infinite ones mean the limits of the dtype.
Status replace_nan(Builder& b) {
  const Value x = b.tensor("self");
  if (b.failed()) return b.status();
  if (!is_float(x.dtype)) {
    b.store(x, b.output());
    return b.status();
  }
  const double largest = x.dtype == Dtype::kF16    ? 65504.0
                         : x.dtype == Dtype::kBF16 ? 3.3895313892515355e38
                                                   : 3.4028234663852886e38;
  const auto limited = [&](double value) {
    return Scalar::of(std::isinf(value) ? std::copysign(largest, value) : value);
  };
  const auto replaced = [&](const Value& y, const Value& where, double value) {
    return b.op("where", {where, b.constant(limited(value), x.dtype), y});
  };
  Value y = replaced(x, b.op("is_nan", {x}), b.number("nan"));
  y = replaced(y, b.op("is_inf", {x}, {{"detect_negative", int64_t{0}}}), b.number("posInf"));
  y = replaced(y, b.op("is_inf", {x}, {{"detect_positive", int64_t{0}}}), b.number("negInf"));
  b.store(y, b.output());
  return b.status();
}

}  // namespace

Status build_Frac(Builder& b) {
  const Value x = operand(b);
  b.store(b.op("sub", {x, b.op("trunc", {x})}), b.output());
  return b.status();
}
Status build_InplaceFrac(Builder& b) { return build_Frac(b); }

Status build_RoundDecimals(Builder& b) {
  const Value x = operand(b);
  const Scalar scale = Scalar::of(std::pow(10.0, std::abs(static_cast<double>(b.integer("decimals")))));
  const bool places = b.integer("decimals") >= 0;
  const Value whole = b.op("round", {with_scalar(b, places ? "mul" : "div", x, scale)});
  b.store(with_scalar(b, places ? "div" : "mul", whole, scale), b.output());
  return b.status();
}
Status build_InplaceRoundDecimals(Builder& b) { return build_RoundDecimals(b); }

Status build_Sinc(Builder& b) {
  const Value x = operand(b);
  const Value angle = with_scalar(b, "mul", x, Scalar::of(3.14159265358979323846));
  const Value zero = with_scalar(b, "equal", x, Scalar::of(0.0));
  b.store(
      b.op("where", {zero, b.constant(Scalar::of(1.0), x.dtype), b.op("div", {b.op("sin", {angle}), angle})}),
      b.output());
  return b.status();
}
Status build_InplaceSinc(Builder& b) { return build_Sinc(b); }

Status build_Logit(Builder& b) {
  Value x = operand(b);
  const double eps = b.number("eps");
  if (eps >= 0) x = b.op("clamp", {x}, {{"min", eps}, {"max", 1 - eps}});
  b.store(b.op("log", {b.op("div", {x, from_scalar(b, "sub", Scalar::of(1.0), x)})}), b.output());
  return b.status();
}

// Beyond [eps, 1 - eps] the gradient is 0; beyond [0, 1] there is none.
Status build_LogitGrad(Builder& b) {
  const Value given = b.tensor("self");
  if (b.failed()) return b.status();
  const Dtype dtype = wide(floating(given.dtype));
  const Value x = b.cast(given, dtype), g = b.cast(b.tensor("gradOutput"), dtype);
  const double eps = b.number("eps"), low = std::max(eps, 0.0);
  const Value inside = b.op("logical_and", {with_scalar(b, "greater_equal", x, Scalar::of(low)),
                                            with_scalar(b, "less_equal", x, Scalar::of(1 - low))});
  const Value slope = b.op("mul", {x, from_scalar(b, "sub", Scalar::of(1.0), x)});
  const double beyond = eps < 0 ? std::numeric_limits<double>::quiet_NaN() : 0;
  b.store(b.op("where", {inside, b.op("div", {g, slope}), b.constant(Scalar::of(beyond), dtype)}),
          b.output());
  return b.status();
}

Status build_NanToNum(Builder& b) { return replace_nan(b); }
Status build_InplaceNanToNum(Builder& b) { return replace_nan(b); }

Status build_AngleV2(Builder& b) {
  const Value x = operand(b);
  const Value angle = b.op("where", {with_scalar(b, "less", x, Scalar::of(0.0)),
                                     b.constant(Scalar::of(3.14159265358979323846), x.dtype),
                                     b.constant(Scalar::of(0.0), x.dtype)});
  b.store(b.op("where", {b.op("is_nan", {x}), x, angle}), b.output());
  return b.status();
}

}  // namespace isthmus::cann
