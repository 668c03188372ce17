// SPDX-License-Identifier: Apache-2.0
// Gradients of norms over channels and groups, in F32; statistics of the parts of a batch joined.
#include <algorithm>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

Value mul(Builder& b, const Value& x, const Value& y) { return b.op("mul", {x, y}); }
Value sub(Builder& b, const Value& x, const Value& y) { return b.op("sub", {x, y}); }
Value divided(Builder& b, const Value& x, double by) { return with_scalar(b, "div", x, Scalar::of(by)); }

// As [batch, channels, all the rest].
Value by_channel(Builder& b, const char* parameter) {
  const Value x = b.cast(b.tensor(parameter), Dtype::kF32);
  if (b.failed() || !b.require(x.rank >= 2, "'{}' is {}", parameter, to_string(x))) return {};
  int64_t rest = 1;
  for (int d = 2; d < x.rank; ++d) rest *= x.dims[d];
  return b.reshape(x, {x.dims[0], x.dims[1], rest});
}

// A number for each channel of x, as [channels, 1].
Value of_channels(Builder& b, const char* parameter, const Value& x) {
  const Value y = b.cast(b.tensor(parameter), Dtype::kF32);
  if (b.failed() ||
      !b.require(y.elements() == x.dims[1], "'{}' is {} for {} channels", parameter, to_string(y), x.dims[1]))
    return {};
  return b.reshape(y, {x.dims[1], 1});
}

// Over all but the channels: [1, channels, 1].
Value over_channels(Builder& b, const Value& x) {
  return b.op("reduce_sum", {x}, {{"axes", std::vector<int64_t>{0, 2}}});
}
Value along(Builder& b, const char* op, const Value& x, int64_t axis, bool keep = true) {
  return b.op(op, {x}, {{"axes", std::vector<int64_t>{axis}}, {"keep_dims", int64_t{keep}}});
}

// In the shape of the place; nothing where there is none.
void store(Builder& b, const Value& x, const char* parameter) {
  const Value place = b.output(parameter);
  if (!b.failed() && place.present()) b.store(b.reshape(x, place.shape()), place);
}

double elements_of_a_channel(const Value& x) {
  return std::max(static_cast<double>(x.dims[0]) * static_cast<double>(x.dims[2]), 1.0);
}

// old moved towards now by momentum, into itself.
void move_on(Builder& b, const char* parameter, const Value& now) {
  if (!b.has(parameter)) return;
  const double momentum = b.number("momentum");
  const Value old = b.cast(b.tensor(parameter), Dtype::kF32);
  const Value kept = with_scalar(b, "mul", old, Scalar::of(1 - momentum));
  b.store(b.op("add", {kept, with_scalar(b, "mul", now, Scalar::of(momentum))}), b.output(parameter));
}

// Statistics of all from means and variances of parts, a row each, and how many elements each part has.
Status join(Builder& b, const Value& mean, const Value& variance, const Value& counts, const char* mean_place,
            const char* rstd_place) {
  const Value n = along(b, "reduce_sum", counts, 0);  // [1, 1]
  const auto weighted = [&](const Value& x) {
    return b.op("div", {along(b, "reduce_sum", mul(b, x, counts), 0), n});
  };
  const Value all = weighted(mean);
  const Value spread = weighted(b.op("add", {variance, b.op("square", {sub(b, mean, all)})}));
  const Value rstd = b.op("rsqrt", {with_scalar(b, "add", spread, Scalar::of(b.number("eps")))});
  if (b.failed()) return b.status();
  const Value unbiased = b.op("div", {mul(b, spread, n), with_scalar(b, "sub", n, Scalar::of(1.0))});
  move_on(b, "runningMean", b.reshape(all, {mean.dims[1]}));
  move_on(b, "runningVar", b.reshape(unbiased, {mean.dims[1]}));
  store(b, all, mean_place);
  store(b, rstd, rstd_place);
  return b.status();
}

// A row for each part of a batch, and the counts as [parts, 1].
struct Parts {
  Value first, second, counts;
};
Parts parts(Builder& b, const char* first, const char* second, const char* counts) {
  const Value x = b.cast(b.tensor(first), Dtype::kF32), y = b.cast(b.tensor(second), Dtype::kF32);
  const Value n = b.cast(b.tensor(counts), Dtype::kF32);
  if (b.failed() || !b.require(x.rank == 2 && y.shape() == x.shape() && n.elements() == x.dims[0],
                               "'{}' is {}, '{}' {} and '{}' {}", first, to_string(x), second, to_string(y),
                               counts, to_string(n)))
    return {};
  return {x, y, b.reshape(n, {x.dims[0], 1})};
}

// A norm over groups of channels.
struct Groups {
  std::vector<int64_t> shape;  // [batch, groups, all of one]
  Value scale, normal;         // in that shape
};
Groups groups_of(Builder& b, const Value& g, const Value& x, int64_t groups) {
  const Value mean = b.cast(b.tensor("mean"), Dtype::kF32), rstd = b.cast(b.tensor("rstd"), Dtype::kF32);
  if (b.failed() || !b.require(g.shape() == x.shape(), "a gradient {} of {}", to_string(g), to_string(x)) ||
      !b.require(groups > 0 && groups <= std::max<int64_t>(x.dims[1], 1) && x.dims[1] % groups == 0,
                 "{} channels in {} groups", x.dims[1], groups) ||
      !b.require(mean.elements() == x.dims[0] * groups && rstd.elements() == mean.elements(),
                 "'mean' is {} and 'rstd' {}", to_string(mean), to_string(rstd)))
    return {};
  Groups made = {{x.dims[0], groups, x.dims[1] / groups * x.dims[2]}, {}, {}};
  made.scale = b.reshape(rstd, {x.dims[0], groups, 1});
  made.normal = mul(b, sub(b, b.reshape(x, made.shape), b.reshape(mean, {x.dims[0], groups, 1})), made.scale);
  return made;
}

// g is the gradient of normal * gamma + beta. The places: of x, gamma and beta.
void store_group_gradients(Builder& b, const Value& g, const Value& x, const Groups& made, const Value& gamma,
                           std::initializer_list<const char*> places) {
  const Value weighted = b.reshape(gamma.present() ? mul(b, g, gamma) : g, made.shape);
  const Value middle = along(b, "reduce_mean", weighted, 2);
  const Value slope = along(b, "reduce_mean", mul(b, weighted, made.normal), 2);
  const Value y = mul(b, sub(b, sub(b, weighted, middle), mul(b, made.normal, slope)), made.scale);
  store(b, y, places.begin()[0]);
  store(b, over_channels(b, mul(b, g, b.reshape(made.normal, x.shape()))), places.begin()[1]);
  store(b, over_channels(b, g), places.begin()[2]);
}

// A norm over rows, of x + scale * y, by its gamma, mean and rstd: all as [rows, elements of one].
struct Rows {
  Value g, x, normal, rstd, gamma;
};
Rows rows_of(Builder& b, const char* gradient, const char* first, const char* second, double scale) {
  const Value gamma = b.cast(b.tensor("gamma"), Dtype::kF32);
  const Value mean = b.cast(b.tensor("mean"), Dtype::kF32), rstd = b.cast(b.tensor("rstd"), Dtype::kF32);
  const Value g = b.cast(b.tensor(gradient), Dtype::kF32), x = b.cast(b.tensor(first), Dtype::kF32);
  const Value y = b.cast(b.tensor(second), Dtype::kF32);
  if (b.failed()) return {};
  const int64_t length = gamma.elements();
  if (!b.require(length > 0 && x.elements() % length == 0 && g.elements() == x.elements() &&
                     y.elements() == x.elements() && mean.elements() == x.elements() / length &&
                     rstd.elements() == mean.elements(),
                 "{} and {} in rows of {}, the gradient {}, mean {}, rstd {}", to_string(x), to_string(y),
                 length, to_string(g), to_string(mean), to_string(rstd)))
    return {};
  const int64_t rows = x.elements() / length;
  const auto flat = [&](const Value& v, int64_t width) { return b.reshape(v, {rows, width}); };
  Rows r;
  r.g = flat(g, length), r.rstd = flat(rstd, 1), r.gamma = b.reshape(gamma, {length});
  r.x = b.op("add", {flat(x, length), with_scalar(b, "mul", flat(y, length), Scalar::of(scale))});
  r.normal = mul(b, sub(b, r.x, flat(mean, 1)), r.rstd);
  return r;
}
Value row_gradient(Builder& b, const Rows& r) {
  if (b.failed()) return {};
  const Value weighted = mul(b, r.g, r.gamma);
  const Value middle = along(b, "reduce_mean", weighted, 1);
  const Value slope = along(b, "reduce_mean", mul(b, weighted, r.normal), 1);
  return mul(b, sub(b, sub(b, weighted, middle), mul(b, r.normal, slope)), r.rstd);
}

}  // namespace

Status build_BatchNormBackward(Builder& b) {
  const Value g = by_channel(b, "gradOut"), x = by_channel(b, "input");
  if (b.failed() || !b.require(g.shape() == x.shape(), "a gradient {} of {}", to_string(g), to_string(x)))
    return b.status();
  const bool training = b.boolean("training");
  const Value mean = of_channels(b, training ? "saveMean" : "runningMean", x);
  Value rstd = of_channels(b, training ? "saveInvstd" : "runningVar", x);
  if (!training) rstd = b.op("rsqrt", {with_scalar(b, "add", rstd, Scalar::of(b.number("eps")))});
  const Value normal = mul(b, sub(b, x, mean), rstd);
  const Value sum = over_channels(b, g), product = over_channels(b, mul(b, g, normal));
  Value y = g;
  if (training) {
    const double n = elements_of_a_channel(x);
    y = sub(b, sub(b, g, divided(b, sum, n)), mul(b, normal, divided(b, product, n)));
  }
  y = mul(b, y, rstd);
  if (b.has("weight")) y = mul(b, y, of_channels(b, "weight", x));
  store(b, y, "gradInput");
  store(b, product, "gradWeight");
  store(b, sum, "gradBias");
  return b.status();
}

// The sums of a part of the batch, which its other parts' are added to before BatchNormElemtBackward.
Status build_BatchNormReduceBackward(Builder& b) {
  const Value g = by_channel(b, "gradOut"), x = by_channel(b, "input");
  if (b.failed() || !b.require(g.shape() == x.shape(), "a gradient {} of {}", to_string(g), to_string(x)))
    return b.status();
  const Value sum = over_channels(b, g);
  const Value product = over_channels(b, mul(b, g, sub(b, x, of_channels(b, "mean", x))));
  store(b, sum, "sumDy");
  store(b, product, "sumDyXmu");
  store(b, mul(b, product, of_channels(b, "invstd", x)), "gradWeight");
  store(b, sum, "gradBias");
  return b.status();
}

Status build_BatchNormElemtBackward(Builder& b) {
  const Value g = by_channel(b, "gradOut"), x = by_channel(b, "input");
  if (b.failed() || !b.require(g.shape() == x.shape(), "a gradient {} of {}", to_string(g), to_string(x)))
    return b.status();
  const Value rstd = of_channels(b, "invstd", x);
  const Value counts = b.cast(b.tensor("counter"), Dtype::kF32);
  const Value n = b.op("reduce_sum", {counts}, {{"keep_dims", int64_t{0}}});
  const Value mean_g = b.op("div", {of_channels(b, "sumDy", x), n});
  const Value mean_product = b.op("div", {of_channels(b, "sumDyXmu", x), n});
  const Value slope = mul(b, mul(b, rstd, rstd), mean_product);
  const Value centred = sub(b, x, of_channels(b, "mean", x));
  Value y = mul(b, sub(b, sub(b, g, mean_g), mul(b, centred, slope)), rstd);
  if (b.has("weight")) y = mul(b, y, of_channels(b, "weight", x));
  store(b, y, "gradInput");
  return b.status();
}

Status build_BatchNormGatherStatsWithCounts(Builder& b) {
  const auto [mean, rstd, counts] = parts(b, "mean", "invstd", "counts");
  if (b.failed()) return b.status();
  const Value variance =
      with_scalar(b, "sub", b.op("reciprocal", {b.op("square", {rstd})}), Scalar::of(b.number("eps")));
  return join(b, mean, variance, counts, "meanAll", "invstdAll");
}

// Of sums and sums of squares.
Status build_SyncBatchNormGatherStats(Builder& b) {
  const auto [sum, squares, counts] = parts(b, "totalSum", "totalSquareSum", "sampleCount");
  if (b.failed()) return b.status();
  const Value mean = b.op("div", {sum, counts});
  const Value variance = sub(b, b.op("div", {squares, counts}), b.op("square", {mean}));
  return join(b, mean, variance, counts, "batchMean", "batchInvstd");
}

Status build_GroupNormBackward(Builder& b) {
  const Value g = by_channel(b, "gradOut"), x = by_channel(b, "input");
  const Groups made = b.failed() ? Groups{} : groups_of(b, g, x, b.integer("group"));
  if (b.failed()) return b.status();
  const Value gamma = b.has("gamma") ? of_channels(b, "gamma", x) : Value{};
  store_group_gradients(b, g, x, made, gamma, {"gradInput", "gradGammaOut", "gradBetaOut"});
  return b.status();
}

// y times sigmoid(swishScale * y) behind the norm.
Status build_GroupNormSwishGrad(Builder& b) {
  const Value g = by_channel(b, "dy"), x = by_channel(b, "x");
  b.require(b.text("dataFormatOptional") == "NCHW", "data format '{}'; NCHW is supported",
            b.text("dataFormatOptional"));
  const Groups made = b.failed() ? Groups{} : groups_of(b, g, x, b.integer("numGroups"));
  if (b.failed()) return b.status();
  const Value gamma = of_channels(b, "gamma", x), beta = of_channels(b, "beta", x);
  const Scalar scale = Scalar::of(b.number("swishScale"));
  const Value y = b.op("add", {mul(b, b.reshape(made.normal, x.shape()), gamma), beta});
  const Value sigmoid = b.op("sigmoid", {with_scalar(b, "mul", y, scale)});
  const Value rest = mul(b, with_scalar(b, "mul", y, scale), from_scalar(b, "sub", Scalar::of(1.0), sigmoid));
  const Value slope = mul(b, sigmoid, with_scalar(b, "add", rest, Scalar::of(1.0)));
  store_group_gradients(b, mul(b, g, slope), x, made, gamma, {"dxOut", "dgammaOut", "dbetaOut"});
  return b.status();
}

// Of a norm over the last dimensions of x1 + x2; dsum: what else the sum's gradient is made of.
Status build_AddLayerNormGrad(Builder& b) {
  const Rows r = rows_of(b, "dy", "x1", "x2", 1);
  if (b.failed()) return b.status();
  const Value more = b.cast(b.tensor("dsum"), Dtype::kF32);
  store(b, b.op("add", {row_gradient(b, r), b.reshape(more, r.x.shape())}), "dxOut");
  store(b, along(b, "reduce_sum", mul(b, r.g, r.normal), 0, false), "dgammaOut");
  store(b, along(b, "reduce_sum", r.g, 0, false), "dbetaOut");
  return b.status();
}

// Of a norm over the last dimensions of alpha * x + gx.
Status build_DeepNormGrad(Builder& b) {
  const double alpha = b.number("alpha");
  const Rows r = rows_of(b, "dy", "gx", "x", alpha);
  const Value y = row_gradient(b, r);
  if (b.failed()) return b.status();
  store(b, with_scalar(b, "mul", y, Scalar::of(alpha)), "dxOut");
  store(b, y, "dgxOut");
  store(b, along(b, "reduce_sum", r.g, 0, false), "dbetaOut");
  store(b, along(b, "reduce_sum", mul(b, r.g, r.normal), 0, false), "dgammaOut");
  return b.status();
}

}  // namespace isthmus::cann
