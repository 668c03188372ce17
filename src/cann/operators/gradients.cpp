// SPDX-License-Identifier: Apache-2.0
// Gradients of activations and softmax.
#include <cmath>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

// What a gradient is computed with: both in one float dtype, F16 and BF16 in F32.
struct Pair {
  Value g, x;
};
Pair operands(Builder& b, const char* gradient, const char* other) {
  const Value g = b.tensor(gradient), x = b.tensor(other);
  if (b.failed()) return {};
  const Dtype dtype = wide(floating(Builder::promote(g.dtype, x.dtype)));
  return {b.cast(g, dtype), b.cast(x, dtype)};
}

Value mul(Builder& b, const Value& x, const Value& y) { return b.op("mul", {x, y}); }
Value scaled(Builder& b, const Value& x, double number) {
  return with_scalar(b, "mul", x, Scalar::of(number));
}
Value one_minus(Builder& b, const Value& x) { return from_scalar(b, "sub", Scalar::of(1.0), x); }
Value zero(Builder& b, const Value& x) { return b.constant(Scalar::of(0.0), x.dtype); }
Value compare(Builder& b, const char* op, const Value& x, double number) {
  return with_scalar(b, op, x, Scalar::of(number));
}

Status store(Builder& b, const Value& value) {
  b.store(value, b.output("gradInput"));
  return b.status();
}

// g where the condition holds, 0 elsewhere.
Status pass_where(Builder& b, const Value& condition, const Value& g) {
  return store(b, b.op("where", {condition, g, zero(b, g)}));
}

Value sum_along(Builder& b, const Value& x, int64_t axis) {
  return b.op("reduce_sum", {x}, {{"axes", std::vector<int64_t>{axis}}});
}

// Of softmax by its result y.
Value softmax_gradient(Builder& b, const Value& g, const Value& y, int64_t axis) {
  const Value product = mul(b, g, y);
  return b.op("sub", {product, mul(b, y, sum_along(b, product, axis))});
}

// s + x s (1 - s) of s = sigmoid(x)
Value silu_slope(Builder& b, const Value& x) {
  const Value s = b.op("sigmoid", {x});
  return mul(b, s, with_scalar(b, "add", mul(b, x, one_minus(b, s)), Scalar::of(1.0)));
}

Value gelu_slope(Builder& b, const Value& x, bool by_tanh) {
  const double kRoot = std::sqrt(2 / 3.14159265358979323846);
  if (by_tanh) {
    const Value square = b.op("square", {x});
    const Value inner =
        scaled(b, mul(b, x, with_scalar(b, "add", scaled(b, square, 0.044715), Scalar::of(1.0))), kRoot);
    const Value tanh = b.op("tanh", {inner});
    const Value left = scaled(b, with_scalar(b, "add", tanh, Scalar::of(1.0)), 0.5);
    const Value slope =
        scaled(b, with_scalar(b, "add", scaled(b, square, 3 * 0.044715), Scalar::of(1.0)), kRoot);
    return b.op("add",
                {left, scaled(b, mul(b, mul(b, x, one_minus(b, b.op("square", {tanh}))), slope), 0.5)});
  }
  const Value cdf =
      scaled(b, with_scalar(b, "add", b.op("erf", {scaled(b, x, std::sqrt(0.5))}), Scalar::of(1.0)), 0.5);
  const Value pdf = scaled(b, b.op("exp", {scaled(b, b.op("square", {x}), -0.5)}), kRoot / 2);
  return b.op("add", {cdf, mul(b, x, pdf)});
}

// The gradients of the two halves of x along a dimension, side by side.
Status store_halves(Builder& b, const Value& g, const Value& x,
                    std::pair<Value, Value> (*slopes)(Builder& b, const Value& first, const Value& second)) {
  const Value place = b.output("out");
  if (b.failed()) return b.status();
  const int axis = b.axis(b.integer("dim"), x.rank);
  if (b.failed() || !b.require(x.rank > 0 && x.dims[axis] % 2 == 0, "dimension {} of {} cannot be halved",
                               axis, to_string(x)))
    return b.status();
  const int64_t half = x.dims[axis] / 2;
  const auto [first, second] = slopes(b, b.slice(x, axis, 0, half), b.slice(x, axis, half, 2 * half));
  b.store(mul(b, g, first), b.slice(place, axis, 0, half));
  b.store(mul(b, g, second), b.slice(place, axis, half, 2 * half));
  return b.status();
}

}  // namespace

Status build_SigmoidBackward(Builder& b) {
  const auto [g, y] = operands(b, "gradOutput", "output");
  return store(b, mul(b, g, mul(b, y, one_minus(b, y))));
}
Status build_TanhBackward(Builder& b) {
  const auto [g, y] = operands(b, "gradOutput", "output");
  return store(b, mul(b, g, one_minus(b, b.op("square", {y}))));
}
Status build_SiluBackward(Builder& b) {
  const auto [g, x] = operands(b, "gradOutput", "self");
  return store(b, mul(b, g, silu_slope(b, x)));
}
Status build_ThresholdBackward(Builder& b) {
  const auto [g, x] = operands(b, "gradOutput", "self");
  return pass_where(b, compare(b, "greater", x, b.number("threshold")), g);
}
Status build_LeakyReluBackward(Builder& b) {
  const auto [g, x] = operands(b, "gradOutput", "self");
  return store(b, b.op("where", {compare(b, "greater", x, 0), g, scaled(b, g, b.number("negativeSlope"))}));
}
Status build_EluBackward(Builder& b) {
  const auto [g, x] = operands(b, "gradOutput", "selfOrResult");
  const double scale = b.number("scale"), low = b.number("alpha") * scale, input = b.number("inputScale");
  Value below;
  if (b.boolean("isResult"))
    below = scaled(b, with_scalar(b, "add", x, Scalar::of(low)), input);
  else
    below = scaled(b, b.op("exp", {scaled(b, x, input)}), input * low);
  return store(b, b.op("where", {compare(b, "less_equal", x, 0), mul(b, g, below), scaled(b, g, scale)}));
}
Status build_HardsigmoidBackward(Builder& b) {
  const auto [g, x] = operands(b, "gradOutput", "self");
  const Value inside = b.op("logical_and", {compare(b, "greater", x, -3), compare(b, "less", x, 3)});
  return pass_where(b, inside, with_scalar(b, "div", g, Scalar::of(6.0)));
}
Status build_HardswishBackward(Builder& b) {
  const auto [g, x] = operands(b, "gradOutput", "self");
  const Value slope = with_scalar(b, "add", with_scalar(b, "div", x, Scalar::of(3.0)), Scalar::of(0.5));
  const Value inner = b.op("where", {compare(b, "less_equal", x, 3), mul(b, g, slope), g});
  return store(b, b.op("where", {compare(b, "less", x, -3), zero(b, g), inner}));
}
Status build_HardswishBackwardV2(Builder& b) { return build_HardswishBackward(b); }
Status build_HardtanhBackward(Builder& b) {
  const auto [g, x] = operands(b, "gradOutput", "self");
  return pass_where(b,
                    b.op("logical_and",
                         {compare(b, "greater", x, b.number("min")), compare(b, "less", x, b.number("max"))}),
                    g);
}
Status build_HardshrinkBackward(Builder& b) {
  const auto [g, x] = operands(b, "gradOutput", "self");
  return pass_where(b, compare(b, "greater", b.op("abs", {x}), b.number("lambd")), g);
}
Status build_SoftshrinkBackward(Builder& b) { return build_HardshrinkBackward(b); }
Status build_MishBackward(Builder& b) {
  const auto [g, x] = operands(b, "gradOutput", "self");
  const Value tanh = b.op("tanh", {b.op("softplus", {x})});
  const Value rest = mul(b, mul(b, x, b.op("sigmoid", {x})), one_minus(b, b.op("square", {tanh})));
  return store(b, mul(b, g, b.op("add", {tanh, rest})));
}
Status build_LogSigmoidBackward(Builder& b) {
  const auto [g, x] = operands(b, "gradOutput", "self");
  return store(b, mul(b, g, b.op("sigmoid", {b.op("neg", {x})})));
}
Status build_SoftplusBackward(Builder& b) {
  const auto [g, x] = operands(b, "gradOutput", "self");
  const Value bent = scaled(b, x, b.number("beta"));
  return store(b, b.op("where", {compare(b, "greater", bent, b.number("threshold")), g,
                                 mul(b, g, b.op("sigmoid", {bent}))}));
}
Status build_GeluBackward(Builder& b) {
  const auto [g, x] = operands(b, "gradOutput", "self");
  return store(b, mul(b, g, gelu_slope(b, x, false)));
}
Status build_GeluBackwardV2(Builder& b) {
  const auto [g, x] = operands(b, "gradOutput", "self");
  return store(b, mul(b, g, gelu_slope(b, x, b.text("approximate") == "tanh")));
}
Status build_FastGeluBackward(Builder& b) {
  const auto [g, x] = operands(b, "gradOutput", "self");
  return store(b, mul(b, g, silu_slope(b, scaled(b, x, 1.702))));
}

Status build_GluBackward(Builder& b) {
  const auto [g, x] = operands(b, "gradOutput", "self");
  return store_halves(b, g, x, [](Builder& c, const Value& value, const Value& gate) {
    const Value s = c.op("sigmoid", {gate});
    return std::pair{s, mul(c, mul(c, value, s), one_minus(c, s))};
  });
}
Status build_SwiGluGrad(Builder& b) {
  const auto [g, x] = operands(b, "yGrad", "x");
  return store_halves(b, g, x, [](Builder& c, const Value& gate, const Value& up) {
    return std::pair{mul(c, up, silu_slope(c, gate)), c.op("silu", {gate})};
  });
}

Status build_GeGluV3Backward(Builder& b) {
  const auto [g, x] = operands(b, "gradOutput", "self");
  const Value gelu = b.cast(b.tensor("gelu"), x.dtype), place = b.output("gradInput");
  const auto [left, right] = halves(b, x, b.integer("dim"));
  const auto [left_place, right_place] = halves(b, place, b.integer("dim"));
  const bool activate_left = b.boolean("activateLeft");
  const Value slope = gelu_slope(b, activate_left ? left : right, b.integer("approximate") == 0);
  b.store(mul(b, mul(b, g, activate_left ? right : left), slope), activate_left ? left_place : right_place);
  b.store(mul(b, g, gelu), activate_left ? right_place : left_place);
  return b.status();
}

Status build_SoftmaxBackward(Builder& b) {
  const auto [g, y] = operands(b, "gradOutput", "output");
  return store(b, softmax_gradient(b, g, y, b.axis(b.integer("dim"), y.rank)));
}
Status build_LogSoftmaxBackward(Builder& b) {
  const auto [g, y] = operands(b, "gradOutput", "output");
  const Value sum = sum_along(b, g, b.axis(b.integer("dim"), y.rank));
  return store(b, b.op("sub", {g, mul(b, b.op("exp", {y}), sum)}));
}
Status build_MaskedScale(Builder& b) {
  const auto [x, mask] = operands(b, "self", "mask");
  b.store(scaled(b, mul(b, x, mask), b.number("scale")), b.output());
  return b.status();
}
Status build_ScaledMaskedSoftmaxBackward(Builder& b) {
  if (!b.require(!b.boolean("fixTriuMask"), "fixTriuMask is not supported")) return b.status();
  const auto [g, y] = operands(b, "gradOutput", "y");
  const Value mask = b.cast(b.tensor("mask"), Dtype::kBool);
  const Value gradient = scaled(b, softmax_gradient(b, g, y, -1), b.number("scale"));
  return store(b, b.op("where", {mask, zero(b, gradient), gradient}));
}

}  // namespace isthmus::cann
