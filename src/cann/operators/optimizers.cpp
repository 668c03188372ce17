// SPDX-License-Identifier: Apache-2.0
// Steps of optimisers, whose settings are tensors or numbers, and the scale of losses in half precision.
#include <algorithm>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

Value add(Builder& b, const Value& x, const Value& y) { return b.op("add", {x, y}); }
Value sub(Builder& b, const Value& x, const Value& y) { return b.op("sub", {x, y}); }
Value mul(Builder& b, const Value& x, const Value& y) { return b.op("mul", {x, y}); }
Value div(Builder& b, const Value& x, const Value& y) { return b.op("div", {x, y}); }
Value one_minus(Builder& b, const Value& x) { return from_scalar(b, "sub", Scalar::of(1.0), x); }

Value as_f32(Builder& b, const char* parameter) { return b.cast(b.tensor(parameter), Dtype::kF32); }

// A tensor of one element, as a number.
Value number(Builder& b, const char* parameter) {
  const Value x = as_f32(b, parameter);
  if (b.failed() || !b.require(x.elements() == 1, "'{}' is {}", parameter, to_string(x))) return {};
  return b.reshape(x, {});
}

// kept * beta + now * (1 - beta)
Value moved(Builder& b, const Value& kept, const Value& now, const Value& beta) {
  return add(b, mul(b, kept, beta), mul(b, now, one_minus(b, beta)));
}

}  // namespace

// beta1Power and beta2Power are the powers of this step.
Status build_ApplyAdam(Builder& b) {
  const Value g = as_f32(b, "grad"), beta1 = number(b, "beta1"), beta2 = number(b, "beta2");
  const Value m = moved(b, as_f32(b, "mRef"), g, beta1);
  const Value v = moved(b, as_f32(b, "vRef"), b.op("square", {g}), beta2);
  const Value left = b.op("sqrt", {one_minus(b, number(b, "beta2Power"))});
  const Value rate = div(b, mul(b, number(b, "lr"), left), one_minus(b, number(b, "beta1Power")));
  const Value way = b.boolean("useNesterov") ? moved(b, m, g, beta1) : m;
  const Value change = div(b, mul(b, rate, way), add(b, b.op("sqrt", {v}), number(b, "epsilon")));
  b.store(sub(b, as_f32(b, "varRef"), change), b.output("varRef"));
  b.store(m, b.output("mRef"));
  b.store(v, b.output("vRef"));
  return b.status();
}

// beta1Power and beta2Power are the powers of the step before.
Status build_ApplyAdamW(Builder& b) {
  Value g = as_f32(b, "grad");
  if (b.boolean("maximize")) g = b.op("neg", {g});
  const Value beta1 = number(b, "beta1"), beta2 = number(b, "beta2"), rate = number(b, "lr");
  const Value m = moved(b, as_f32(b, "mRef"), g, beta1);
  const Value v = moved(b, as_f32(b, "vRef"), b.op("square", {g}), beta2);
  Value spread = v;
  if (b.boolean("amsgrad")) {
    spread = b.op("max", {as_f32(b, "maxGradNorm"), v});
    b.store(spread, b.output("maxGradNorm"));
  }
  const auto left = [&](const char* power, const Value& beta) {
    return one_minus(b, mul(b, number(b, power), beta));
  };
  const Value divisor =
      add(b, b.op("sqrt", {div(b, spread, left("beta2Power", beta2))}), number(b, "epsilon"));
  const Value change = div(b, mul(b, rate, div(b, m, left("beta1Power", beta1))), divisor);
  const Value weights = mul(b, as_f32(b, "varRef"), one_minus(b, mul(b, rate, number(b, "weightDecay"))));
  b.store(sub(b, weights, change), b.output("varRef"));
  b.store(m, b.output("mRef"));
  b.store(v, b.output("vRef"));
  return b.status();
}

// Of each tensor of the lists.
Status build_FusedSgd(Builder& b) {
  const std::vector<Value> weights = b.tensor_list("params"), gradients = b.tensor_list("grads");
  const std::vector<Value> buffers = b.tensor_list("momentumBufferList");
  const double decay = b.number("weightDecay"), momentum = b.number("momentum"), rate = b.number("lr");
  const double dampening = b.number("dampening");
  const auto times = [&](const Value& x, double factor) {
    return with_scalar(b, "mul", x, Scalar::of(factor));
  };
  if (b.failed() ||
      !b.require(gradients.size() == weights.size() && (buffers.empty() || buffers.size() == weights.size()),
                 "{} weights, {} gradients and {} momenta", weights.size(), gradients.size(),
                 buffers.size()) ||
      !b.require(momentum == 0 || !buffers.empty(), "momentum {} without a list of momenta", momentum))
    return b.status();
  for (size_t i = 0; i < weights.size() && !b.failed(); ++i) {
    Value g = b.cast(gradients[i], Dtype::kF32);
    const Value w = b.cast(weights[i], Dtype::kF32);
    if (b.has("gradScale")) g = div(b, g, number(b, "gradScale"));
    if (b.boolean("maximize")) g = b.op("neg", {g});
    if (decay != 0) g = add(b, g, times(w, decay));
    if (momentum != 0 && !buffers.empty()) {
      Value buffer = g;
      if (!b.boolean("isFirstStep"))
        buffer = add(b, times(b.cast(buffers[i], Dtype::kF32), momentum), times(g, 1 - dampening));
      b.store(buffer, buffers[i]);
      g = b.boolean("nesterov") ? add(b, g, times(buffer, momentum)) : buffer;
    }
    b.store(sub(b, w, times(g, rate)), weights[i]);
  }
  return b.status();
}

// Falls when a gradient was infinite, and grows after so many steps without one, unless it became infinite
// itself.
Status build_AmpUpdateScale(Builder& b) {
  const Value scale = number(b, "currentScale"), tracker = b.tensor("growthTracker");
  const Value place = b.output("updatedScale"), tracker_place = b.output("updatedGrowthTracker");
  if (b.failed() || !b.require(tracker.elements() == 1, "'growthTracker' is {}", to_string(tracker)))
    return b.status();
  const Value steps =
      with_scalar(b, "add", b.reshape(b.cast(tracker, Dtype::kI64), {}), Scalar::of(int64_t{1}));
  const Value bad = with_scalar(b, "not_equal", number(b, "foundInf"), Scalar::of(0.0));
  const Value full = with_scalar(b, "equal", steps, Scalar::of(b.integer("growthInterval")));
  const Value larger = with_scalar(b, "mul", scale, Scalar::of(b.number("growthFactor")));
  const Value grows = b.op("logical_and", {full, b.op("is_finite", {larger})});
  const Value smaller = with_scalar(b, "mul", scale, Scalar::of(b.number("backoffFactor")));
  const Value y = b.op("where", {bad, smaller, b.op("where", {grows, larger, scale})});
  const Value zero = b.constant(Scalar::of(int64_t{0}), Dtype::kI64);
  const Value counted = b.op("where", {b.op("logical_or", {bad, full}), zero, steps});
  if (b.failed()) return b.status();
  b.store(b.reshape(y, place.shape()), place);
  b.store(b.reshape(counted, tracker_place.shape()), tracker_place);
  return b.status();
}

}  // namespace isthmus::cann
