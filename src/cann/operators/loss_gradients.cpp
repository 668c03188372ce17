// SPDX-License-Identifier: Apache-2.0
// Gradients of losses, norms and tables, and a step of an optimiser.
#include <cmath>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

struct Operands {
  Value g, x, target;
};
Operands operands(Builder& b, const char* gradient) {
  const Value g = b.tensor(gradient), x = b.tensor("self"), target = b.tensor("target");
  if (b.failed()) return {};
  const Dtype dtype = wide(floating(Builder::promote(x.dtype, target.dtype)));
  return {b.cast(g, dtype), b.cast(x, dtype), b.cast(target, dtype)};
}

Value mul(Builder& b, const Value& x, const Value& y) { return b.op("mul", {x, y}); }
Value scaled(Builder& b, const Value& x, double number) {
  return with_scalar(b, "mul", x, Scalar::of(number));
}
Value added(Builder& b, const Value& x, double number) {
  return with_scalar(b, "add", x, Scalar::of(number));
}
Value one_minus(Builder& b, const Value& x) { return from_scalar(b, "sub", Scalar::of(1.0), x); }

// slope times the gradient, which is one number unless nothing was reduced; a mean divides it.
Status store(Builder& b, const Operands& all, const Value& slope) {
  Value y = mul(b, slope, all.g);
  const Value place = b.output("gradInput");
  if (b.failed()) return b.status();
  if (b.integer("reduction") == 1 && y.elements() > 0)
    y = with_scalar(b, "div", y, Scalar::of(static_cast<double>(y.elements())));
  b.store(y, place);
  return b.status();
}

Value weighted(Builder& b, const Value& slope) {
  return b.has("weight") ? mul(b, slope, b.cast(b.tensor("weight"), slope.dtype)) : slope;
}

Value sum_rows(Builder& b, const Value& x) {
  return b.op("reduce_sum", {x}, {{"axes", std::vector<int64_t>{0}}, {"keep_dims", int64_t{0}}});
}
Value row_mean(Builder& b, const Value& x) {
  return b.op("reduce_mean", {x}, {{"axes", std::vector<int64_t>{1}}});
}

// x as F32 rows of so many elements.
Value rows(Builder& b, const char* parameter, int64_t length) {
  const Value x = b.cast(b.tensor(parameter), Dtype::kF32);
  if (b.failed() ||
      !b.require(length > 0 && x.elements() % length == 0, "{} in rows of {}", to_string(x), length))
    return {};
  return b.reshape(x, {x.elements() / length, length});
}

}  // namespace

Status build_L1LossBackward(Builder& b) {
  const Operands all = operands(b, "gradOutput");
  return store(b, all, b.op("sign", {b.op("sub", {all.x, all.target})}));
}
Status build_MseLossBackward(Builder& b) {
  const Operands all = operands(b, "gradOutput");
  return store(b, all, scaled(b, b.op("sub", {all.x, all.target}), 2));
}
Status build_SmoothL1LossBackward(Builder& b) {
  const Operands all = operands(b, "gradOut");
  const double beta = b.number("beta");
  const Value difference = b.op("sub", {all.x, all.target});
  const Value sign = b.op("sign", {difference});
  if (beta == 0) return store(b, all, sign);
  const Value near = with_scalar(b, "less", b.op("abs", {difference}), Scalar::of(beta));
  return store(b, all, b.op("where", {near, with_scalar(b, "div", difference, Scalar::of(beta)), sign}));
}
Status build_KlDivBackward(Builder& b) {
  const Operands all = operands(b, "gradOutput");
  const Value weight = b.boolean("logTarget") ? b.op("exp", {all.target}) : b.op("relu", {all.target});
  return store(b, all, b.op("neg", {weight}));
}
Status build_BinaryCrossEntropyBackward(Builder& b) {
  const Operands all = operands(b, "gradOutput");
  const Value spread = b.op("clamp", {mul(b, one_minus(b, all.x), all.x)}, {{"min", 1e-12}});
  return store(b, all, weighted(b, b.op("div", {b.op("sub", {all.x, all.target}), spread})));
}
Status build_BinaryCrossEntropyWithLogitsBackward(Builder& b) {
  const Operands all = operands(b, "gradOutput");
  const Value sigmoid = b.op("sigmoid", {all.x});
  Value slope;
  if (b.has("posWeight")) {
    const Value more = mul(b, b.cast(b.tensor("posWeight"), all.x.dtype), all.target);
    slope = b.op("sub", {mul(b, b.op("sub", {added(b, more, 1), all.target}), sigmoid), more});
  } else {
    slope = b.op("sub", {sigmoid, all.target});
  }
  return store(b, all, weighted(b, slope));
}
Status build_SoftMarginLossBackward(Builder& b) {
  const Operands all = operands(b, "gradOutput");
  const Value sigmoid = b.op("sigmoid", {b.op("neg", {mul(b, all.target, all.x)})});
  return store(b, all, b.op("neg", {mul(b, all.target, sigmoid)}));
}

// -weight[class] where the class is, times the gradient; a mean is by the weights.
Status build_NLLLossBackward(Builder& b) {
  const Value x = b.tensor("self"), weight = b.cast(b.tensor("weight"), Dtype::kF32);
  Value g = b.cast(b.tensor("gradOutput"), Dtype::kF32), target = b.cast(b.tensor("target"), Dtype::kI64);
  if (b.failed() || !b.require(x.rank == 2 && target.rank == 1 && target.dims[0] == x.dims[0],
                               "{} with classes {}", to_string(x), to_string(target)))
    return b.status();
  if (b.integer("reduction") == 1)
    g = b.op("div", {g, b.reshape(b.cast(b.tensor("totalWeight"), Dtype::kF32), {})});
  const Value counts = with_scalar(b, "not_equal", target, Scalar::of(b.integer("ignoreIndex")));
  const Value index = b.op("where", {counts, target, b.constant(Scalar::of(int64_t{0}), Dtype::kI64)});
  const Value none = b.constant(Scalar::of(0.0), Dtype::kF32);
  const Value met = b.op("where", {counts, b.op("gather", {weight, index}), none});
  const Value slope = b.op("neg", {mul(b, met, g)});
  const Value empty = b.filled(Scalar::of(0.0), Dtype::kF32, x.shape());
  b.store(
      b.op("scatter_elements", {empty, b.unsqueeze(index, 1), b.unsqueeze(slope, 1)}, {{"axis", int64_t{1}}}),
      b.output());
  return b.status();
}

Status build_EmbeddingDenseBackward(Builder& b) {
  const Value place = b.output(), index = b.cast(b.tensor("indices"), Dtype::kI64);
  Value g = b.cast(b.tensor("grad"), Dtype::kF32);
  if (b.failed() ||
      !b.require(!b.boolean("scaleGradByFreq") && place.rank == 2, "scaleGradByFreq is not supported"))
    return b.status();
  const int64_t rows = index.elements();
  g = b.reshape(g, {rows, place.dims[1]});
  const Value flat = b.reshape(index, {rows, 1});
  const Value kept = with_scalar(b, "not_equal", flat, Scalar::of(b.integer("paddingIdx")));
  g = b.op("where", {kept, g, b.constant(Scalar::of(0.0), Dtype::kF32)});
  const Value empty = b.filled(Scalar::of(0.0), Dtype::kF32, place.shape());
  b.store(b.op("scatter_nd", {empty, flat, g}, {{"reduction", std::string("add")}}), place);
  return b.status();
}

Status build_RmsNormGrad(Builder& b) {
  const Value gamma = b.cast(b.tensor("gamma"), Dtype::kF32), place = b.output("dxOut");
  if (b.failed()) return b.status();
  const int64_t n = gamma.elements();
  const Value dy = rows(b, "dy", n), x = rows(b, "x", n), rstd = rows(b, "rstd", 1);
  const Value normal = mul(b, x, rstd), g = mul(b, dy, b.reshape(gamma, {n}));
  const Value along = mul(b, normal, row_mean(b, mul(b, g, normal)));
  b.store(b.reshape(mul(b, rstd, b.op("sub", {g, along})), place.shape()), place);
  b.store(sum_rows(b, mul(b, dy, normal)), b.output("dgammaOut"));
  return b.status();
}

Status build_LayerNormBackward(Builder& b) {
  const int64_t n = elements_of(b, b.ints("normalizedShape"));
  const std::vector<int64_t> wanted = b.ints("outputMask");
  const Value dy = rows(b, "gradOut", n), x = rows(b, "input", n), mean = rows(b, "mean", 1),
              rstd = rows(b, "rstd", 1);
  if (b.failed() || !b.require(wanted.size() == 3, "outputMask has {} values", wanted.size()))
    return b.status();
  const Value normal = mul(b, b.op("sub", {x, mean}), rstd);
  Value g = dy;
  if (b.has("weight")) g = mul(b, g, b.reshape(b.cast(b.tensor("weight"), Dtype::kF32), {n}));
  const Value along = mul(b, normal, row_mean(b, mul(b, g, normal)));
  const Value rest = b.op("sub", {b.op("sub", {g, row_mean(b, g)}), along});
  const auto put = [&](size_t i, const char* parameter, const Value& value) {
    const Value place = b.output(parameter);
    if (!b.failed() && wanted[i] != 0 && place.present()) b.store(b.reshape(value, place.shape()), place);
  };
  put(0, "gradInput", mul(b, rstd, rest));
  put(1, "gradWeight", sum_rows(b, mul(b, dy, normal)));
  put(2, "gradBias", sum_rows(b, dy));
  return b.status();
}

Status build_PreluBackward(Builder& b) {
  const Value x = b.cast(b.tensor("self"), Dtype::kF32), g = b.cast(b.tensor("gradOutput"), Dtype::kF32);
  const Value place = b.output("gradWeight");
  Value weight = b.cast(b.tensor("weight"), Dtype::kF32);
  if (b.failed()) return b.status();
  const int64_t count = weight.elements();
  if (!b.require(count == 1 || (x.rank >= 2 && x.dims[1] == count), "{} weights for {}", count, to_string(x)))
    return b.status();
  std::vector<int64_t> shape(static_cast<size_t>(std::max(x.rank, 1)), 1), axes;
  if (count != 1) shape[1] = count;
  for (int i = 0; i < x.rank; ++i)
    if (count == 1 || i != 1) axes.push_back(i);
  weight = b.reshape(weight, shape);
  const Value positive = with_scalar(b, "greater", x, Scalar::of(0.0));
  b.store(b.op("where", {positive, g, mul(b, g, weight)}), b.output("gradInput"));
  const Value below = b.op("where", {positive, b.constant(Scalar::of(0.0), Dtype::kF32), mul(b, g, x)});
  b.store(b.reshape(b.op("reduce_sum", {below}, {{"axes", axes}, {"keep_dims", int64_t{0}}}), place.shape()),
          place);
  return b.status();
}

// `step` counts the steps before this one.
Status build_ApplyAdamWV2(Builder& b) {
  const Value step = b.cast(b.tensor("step"), Dtype::kF32);
  const double rate = b.number("lr"), beta1 = b.number("beta1"), beta2 = b.number("beta2");
  b.require(!b.boolean("amsgrad"), "amsgrad is not supported");
  Value g = b.cast(b.tensor("grad"), Dtype::kF32);
  if (b.boolean("maximize")) g = b.op("neg", {g});
  const auto state = [&](const char* parameter) { return b.cast(b.tensor(parameter), Dtype::kF32); };
  const auto move = [&](const Value& kept, double beta, const Value& now) {
    return b.op("add", {scaled(b, kept, beta), scaled(b, now, 1 - beta)});
  };
  if (b.failed() || !b.require(step.elements() == 1, "'step' is {}", to_string(step))) return b.status();
  const Value m = move(state("mRef"), beta1, g), v = move(state("vRef"), beta2, b.op("square", {g}));
  const Value count = added(b, b.reshape(step, {}), 1);
  const auto left = [&](double beta) { return one_minus(b, from_scalar(b, "pow", Scalar::of(beta), count)); };
  const Value spread =
      added(b, b.op("div", {b.op("sqrt", {v}), b.op("sqrt", {left(beta2)})}), b.number("eps"));
  const Value change = scaled(b, b.op("div", {b.op("div", {m, left(beta1)}), spread}), rate);
  const Value weights = scaled(b, state("varRef"), 1 - rate * b.number("weightDecay"));
  b.store(b.op("sub", {weights, change}), b.output("varRef"));
  b.store(m, b.output("mRef"));
  b.store(v, b.output("vRef"));
  return b.status();
}

}  // namespace isthmus::cann
