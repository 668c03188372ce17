// SPDX-License-Identifier: Apache-2.0
// Norms with a sum before them or an activation behind, and norms over batches.
#include <algorithm>
#include <cmath>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

Value last_mean(Builder& b, const Value& x) {
  return b.op("reduce_mean", {x}, {{"axes", std::vector<int64_t>{-1}}});
}

// 1 / sqrt(mean of squares + eps) of each row of F32.
Value factor(Builder& b, const Value& x, double eps) {
  return b.op("rsqrt", {with_scalar(b, "add", last_mean(b, b.op("square", {x})), Scalar::of(eps))});
}

// The sum of both, in the dtype both are promoted to; F16 and BF16 are rounded once.
Value sum(Builder& b, const char* first, const char* second) {
  return binary(b, "add", b.tensor(first), b.tensor(second));
}

// y and rstd of a row-wise RMS norm of x.
struct RmsNorm {
  Value y, rstd;
};
RmsNorm rms_norm(Builder& b, const Value& x, Value gamma, double eps) {
  if (b.failed() || !b.require(gamma.rank == 1, "gamma is {}, of more than one dimension", to_string(gamma)))
    return {};
  gamma = b.cast(gamma, x.dtype);
  return {b.op("rms_norm", {x, gamma}, {{"eps", eps}}), factor(b, b.cast(x, Dtype::kF32), eps)};
}

void store_moments(Builder& b, const Value& x, double eps, const char* mean, const char* rstd) {
  const Value wide_x = b.cast(x, Dtype::kF32);
  const Value middle = last_mean(b, wide_x);
  if (b.output(mean).present()) b.store(middle, b.output(mean));
  if (b.output(rstd).present()) b.store(factor(b, b.op("sub", {wide_x, middle}), eps), b.output(rstd));
}

// The axes but the channels, which are dimension 1.
std::vector<int64_t> not_channels(const Value& x) {
  std::vector<int64_t> axes;
  for (int i = 0; i < x.rank; ++i)
    if (i != 1) axes.push_back(i);
  return axes;
}

Value by_channel(Builder& b, const Value& v, const Value& x) {
  if (b.failed() ||
      !b.require(v.elements() == x.dims[1], "{} for the channels of {}", to_string(v), to_string(x)))
    return {};
  std::vector<int64_t> shape(static_cast<size_t>(x.rank), 1);
  shape[1] = x.dims[1];
  return b.reshape(v, shape);
}

struct Moments {
  Value mean, variance;  // [channels], F32; the variance without correction
};
Moments channel_moments(Builder& b, const Value& x) {
  const std::vector<int64_t> axes = not_channels(x);
  const Value mean = b.op("reduce_mean", {x}, {{"axes", axes}});
  const Value squares = b.op("reduce_mean", {b.op("square", {b.op("sub", {x, mean})})}, {{"axes", axes}});
  return {b.reshape(mean, {x.dims[1]}), b.reshape(squares, {x.dims[1]})};
}

// (x - mean) * factor * weight + bias by channels, in F32.
Value normalize(Builder& b, const Value& x, const Value& mean, const Value& scale, const Value& weight,
                const Value& bias) {
  Value y = b.op("mul", {b.op("sub", {x, by_channel(b, mean, x)}), by_channel(b, scale, x)});
  if (weight.present()) y = b.op("mul", {y, by_channel(b, b.cast(weight, Dtype::kF32), x)});
  if (bias.present()) y = b.op("add", {y, by_channel(b, b.cast(bias, Dtype::kF32), x)});
  return y;
}

Value inverse_root(Builder& b, const Value& variance, double eps) {
  return b.op("rsqrt", {with_scalar(b, "add", variance, Scalar::of(eps))});
}

Value images(Builder& b, const char* parameter) {
  const Value x = b.cast(b.tensor(parameter), Dtype::kF32);
  b.require(b.failed() || x.rank >= 2, "{} has no channels", to_string(x));
  return x;
}

// Normalised over groups of channels of x (N, C, …), times gamma plus beta, before the activation.
Value group_norm(Builder& b, const char* parameter, int64_t groups, double eps) {
  const Value x = b.tensor(parameter);
  if (b.failed() || !b.require(x.rank >= 2 && groups > 0 && groups <= std::max<int64_t>(x.dims[1], 1) &&
                                   x.dims[1] % groups == 0,
                               "{} in {} groups", to_string(x), groups))
    return {};
  const int64_t row = x.dims[0] * groups > 0 ? x.elements() / (x.dims[0] * groups) : 0;
  const Value rows = b.reshape(b.cast(x, Dtype::kF32), {x.dims[0], groups, row});
  Value y = b.reshape(b.op("layer_norm", {rows}, {{"eps", eps}}), x.shape());
  if (b.has("gamma")) y = b.op("mul", {y, by_channel(b, b.cast(b.tensor("gamma"), Dtype::kF32), x)});
  if (b.has("beta")) y = b.op("add", {y, by_channel(b, b.cast(b.tensor("beta"), Dtype::kF32), x)});
  store_moments(b, rows, eps, "meanOut", "rstdOut");
  return y;
}

}  // namespace

Status build_AddLayerNorm(Builder& b) {
  Value x = sum(b, "x1", "x2");
  if (b.has("bias")) x = binary(b, "add", x, b.tensor("bias"));
  const double eps = b.number("epsilon");
  const Value gamma = b.tensor("gamma"), beta = b.tensor("beta");
  if (b.failed()) return b.status();
  b.store(b.op("layer_norm", {x, b.cast(gamma, x.dtype), b.cast(beta, x.dtype)}, {{"eps", eps}}),
          b.output("yOut"));
  if (b.boolean("additionalOutput")) b.store(x, b.output("xOut"));
  store_moments(b, x, eps, "meanOut", "rstdOut");
  return b.status();
}

Status build_DeepNorm(Builder& b) {
  const Value x = b.tensor("x"), gx = b.tensor("gx"), gamma = b.tensor("gamma"), beta = b.tensor("beta");
  const double eps = b.number("epsilon");
  if (b.failed()) return b.status();
  const Value scaled = with_scalar(b, "mul", b.cast(x, Dtype::kF32), Scalar::of(b.number("alpha")));
  const Value all = b.op("add", {scaled, b.cast(gx, Dtype::kF32)});
  b.store(b.op("layer_norm", {all, b.cast(gamma, Dtype::kF32), b.cast(beta, Dtype::kF32)}, {{"eps", eps}}),
          b.output("yOut"));
  store_moments(b, all, eps, "meanOut", "rstdOut");
  return b.status();
}

Status build_GemmaRmsNorm(Builder& b) {
  const Value x = b.tensor("x"), gamma = b.tensor("gamma");
  if (b.failed()) return b.status();
  const Value more = with_scalar(b, "add", b.cast(gamma, Dtype::kF32), Scalar::of(1.0));
  const RmsNorm norm = rms_norm(b, b.cast(x, Dtype::kF32), more, b.number("epsilon"));
  b.store(norm.y, b.output("yOut"));
  b.store(norm.rstd, b.output("rstdOut"));
  return b.status();
}

Status build_InplaceAddRmsNorm(Builder& b) {
  const Value x = sum(b, "x1Ref", "x2Ref");
  const RmsNorm norm = rms_norm(b, x, b.tensor("gamma"), b.number("epsilon"));
  b.store(norm.y, b.output("x1Ref"));
  b.store(x, b.output("x2Ref"));
  b.store(norm.rstd, b.output("rstdOut"));
  return b.status();
}

Status build_AddRmsNormCast(Builder& b) {
  const Value x = sum(b, "x1", "x2");
  const RmsNorm norm = rms_norm(b, x, b.tensor("gamma"), b.number("epsilon"));
  b.store(b.cast(norm.y, Dtype::kF32), b.output("y1Out"));
  b.store(norm.y, b.output("y2Out"));
  b.store(norm.rstd, b.output("rstdOut"));
  b.store(x, b.output("xOut"));
  return b.status();
}

Status build_GroupNormSilu(Builder& b) {
  const Value y = group_norm(b, "self", b.integer("group"), b.number("eps"));
  b.store(b.op("silu", {y}), b.output("out"));
  return b.status();
}

Status build_GroupNormSwish(Builder& b) {
  const Value y = group_norm(b, "x", b.integer("numGroups"), b.number("eps"));
  if (!b.boolean("activateSwish")) {
    b.store(y, b.output("yOut"));
    return b.status();
  }
  const Value gate = b.op("sigmoid", {with_scalar(b, "mul", y, Scalar::of(b.number("swishScale")))});
  b.store(b.op("mul", {y, gate}), b.output("yOut"));
  return b.status();
}

// Running statistics move towards the batch's by `momentum`; the running variance is corrected by one
// element.
Status build_BatchNorm(Builder& b) {
  const Value x = images(b, "input"), weight = b.optional("weight"), bias = b.optional("bias");
  const double eps = b.number("eps"), momentum = b.number("momentum");
  const bool training = b.boolean("training");
  if (b.failed()) return b.status();
  Moments used;
  if (!training) {
    used = {b.cast(b.tensor("runningMean"), Dtype::kF32), b.cast(b.tensor("runningVar"), Dtype::kF32)};
  } else {
    used = channel_moments(b, x);
    if (b.failed()) return b.status();
    const auto count = static_cast<double>(x.elements() / std::max<int64_t>(x.dims[1], 1));
    const auto move = [&](const char* running, const Value& now, double scale) {
      if (!b.has(running)) return;
      const Value kept =
          with_scalar(b, "mul", b.cast(b.tensor(running), Dtype::kF32), Scalar::of(1 - momentum));
      b.store(b.op("add", {kept, with_scalar(b, "mul", now, Scalar::of(momentum * scale))}),
              b.output(running));
    };
    move("runningMean", used.mean, 1);
    move("runningVar", used.variance, count > 1 ? count / (count - 1) : 1);
  }
  const Value scale = inverse_root(b, used.variance, eps);
  b.store(normalize(b, x, used.mean, scale, weight, bias), b.output("output"));
  const Value mean = b.output("saveMean"), invstd = b.output("saveInvstd");
  if (b.failed() || !training) return b.status();
  if (mean.present() && mean.elements() > 0) b.store(used.mean, mean);
  if (invstd.present() && invstd.elements() > 0) b.store(scale, invstd);
  return b.status();
}

Status build_BatchNormElemt(Builder& b) {
  const Value x = images(b, "input");
  const Value mean = b.cast(b.tensor("mean"), Dtype::kF32), scale = b.cast(b.tensor("invstd"), Dtype::kF32);
  b.store(normalize(b, x, mean, scale, b.optional("weight"), b.optional("bias")), b.output("output"));
  return b.status();
}

Status build_BatchNormStats(Builder& b) {
  const Moments m = channel_moments(b, images(b, "input"));
  b.store(m.mean, b.output("mean"));
  b.store(inverse_root(b, m.variance, b.number("eps")), b.output("invstd"));
  return b.status();
}

Status build_BatchNormReduce(Builder& b) {
  const Value x = images(b, "x");
  const std::vector<int64_t> axes = b.failed() ? std::vector<int64_t>{} : not_channels(x);
  const auto reduced = [&](const char* op) {
    return b.op(op, {x}, {{"axes", axes}, {"keep_dims", int64_t{0}}});
  };
  b.store(reduced("reduce_sum"), b.output("sum"));
  b.store(reduced("reduce_sum_square"), b.output("squareSum"));
  return b.status();
}

// What the mask excludes gets -10000, as much as nothing.
Status build_ScaledMaskedSoftmax(Builder& b) {
  const Value x = b.tensor("x"), mask = b.cast(b.tensor("mask"), Dtype::kBool);
  if (b.failed() || !b.require(!b.boolean("fixedTriuMask"), "fixedTriuMask is not supported"))
    return b.status();
  const Value scaled = with_scalar(b, "mul", b.cast(x, Dtype::kF32), Scalar::of(b.number("scale")));
  const Value masked = b.op("where", {mask, b.constant(Scalar::of(-10000.0), Dtype::kF32), scaled});
  b.store(b.op("softmax", {masked}), b.output("y"));
  return b.status();
}

}  // namespace isthmus::cann
