// SPDX-License-Identifier: Apache-2.0
// Activations with numbers, and gated ones.
#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

Status activate(Builder& b, const char* op, Attributes attributes = {}) {
  b.store(unary_float(b, op, b.tensor("self"), std::move(attributes)), b.output());
  return b.status();
}

// where(condition(x, bound), x, otherwise)
Value choose(Builder& b, const char* condition, const Value& x, const Scalar& bound, const Value& otherwise) {
  return b.op("where", {b.op(condition, {x, b.constant(bound, x.dtype)}), x, otherwise});
}

Status threshold(Builder& b) {
  Value x = b.tensor("self");
  const Scalar bound = b.scalar("threshold"), value = b.scalar("value");
  if (b.failed()) return b.status();
  x = b.cast(x, numeric(x.dtype));
  b.store(choose(b, "greater", x, bound, b.constant(value, x.dtype)), b.output());
  return b.status();
}

}  // namespace

// By the error function, as PyTorch's gelu without approximation.
Status build_GeluV2(Builder& b) { return activate(b, b.integer("approximate") == 1 ? "gelu_tanh" : "gelu"); }
Status build_Hardsigmoid(Builder& b) {
  return activate(b, "hard_sigmoid", {{"alpha", 1.0 / 6}, {"beta", 0.5}});
}
Status build_InplaceHardsigmoid(Builder& b) { return build_Hardsigmoid(b); }
Status build_LeakyRelu(Builder& b) {
  return activate(b, "leaky_relu", {{"alpha", b.number("negativeSlope")}});
}
Status build_InplaceLeakyRelu(Builder& b) { return build_LeakyRelu(b); }
Status build_Threshold(Builder& b) { return threshold(b); }
Status build_InplaceThreshold(Builder& b) { return threshold(b); }

Status build_Elu(Builder& b) {
  const Scalar alpha = b.scalar("alpha"), scale = b.scalar("scale"), input_scale = b.scalar("inputScale");
  if (scale.is_one() && input_scale.is_one()) return activate(b, "elu", {{"alpha", alpha.f}});
  Value x = b.tensor("self");
  if (b.failed()) return b.status();
  x = b.cast(x, wide(floating(x.dtype)));
  const Value low = with_scalar(b, "mul", b.op("expm1", {with_scalar(b, "mul", x, input_scale)}),
                                Scalar::of(alpha.f * scale.f));
  const Value high = with_scalar(b, "mul", x, scale);
  b.store(b.op("where", {with_scalar(b, "greater", x, Scalar::of(0.0)), high, low}), b.output());
  return b.status();
}
Status build_InplaceElu(Builder& b) { return build_Elu(b); }

Status build_Softplus(Builder& b) {
  const Scalar beta = b.scalar("beta"), bound = b.scalar("threshold");
  Value x = b.tensor("self");
  if (b.failed()) return b.status();
  x = b.cast(x, wide(floating(x.dtype)));
  const Value scaled = beta.is_one() ? x : with_scalar(b, "mul", x, beta);
  Value y = b.op("softplus", {scaled});
  if (!beta.is_one()) y = with_scalar(b, "div", y, beta);
  // From 20 on log(1 + e^x) is x in F32 anyway.
  if (bound.f < 20) y = b.op("where", {with_scalar(b, "greater", scaled, bound), x, y});
  b.store(y, b.output());
  return b.status();
}

Status build_SwiGlu(Builder& b) {
  const Value x = b.tensor("self");
  const auto [gate, up] = halves(b, x, b.integer("dim"));
  b.store(b.op("swiglu", {gate, up}), b.output());
  return b.status();
}

Status build_GeGluV3(Builder& b) {
  const Value x = b.tensor("self");
  const auto [left, right] = halves(b, x, b.integer("dim"));
  const bool activate_left = b.boolean("activateLeft");
  const Value gelu =
      b.op(b.integer("approximate") == 1 ? "gelu" : "gelu_tanh", {activate_left ? left : right});
  b.store(gelu, b.output("outGelu"));
  b.store(b.op("mul", {gelu, activate_left ? right : left}), b.output("out"));
  return b.status();
}

}  // namespace isthmus::cann
