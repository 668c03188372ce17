// SPDX-License-Identifier: Apache-2.0
// Softmax, norms and losses.
#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

Status softmax(Builder& b, const char* op) {
  Value x = b.tensor("self");
  if (b.failed()) return b.status();
  const Value given = x;
  x = b.cast(x, x.dtype == Dtype::kF64 ? Dtype::kF32 : floating(x.dtype));
  if (x.rank == 0) x = b.unsqueeze(x, 0);
  b.store(b.op(op, {x}, {{"axis", int64_t{b.axis(b.integer("dim"), given.rank)}}}), b.output());
  return b.status();
}

// x with its last `count` dimensions as one.
Value rows(Builder& b, const Value& x, int count) {
  if (b.failed() || !b.require(count <= x.rank, "normalised over {} dimensions of {}", count, to_string(x)))
    return {};
  std::vector<int64_t> dims(x.dims, x.dims + x.rank - count);
  int64_t row = 1;
  for (int i = x.rank - count; i < x.rank; ++i) row *= x.dims[i];
  dims.push_back(row);
  return b.reshape(x, dims);
}

Value flat(Builder& b, const Value& x) { return x.present() ? b.reshape(x, {x.elements()}) : x; }

// 1 / sqrt(mean of squares + eps) of each row of F32.
Value row_factor(Builder& b, const Value& x, double eps) {
  if (b.failed()) return {};
  const Value sum = b.op("reduce_sum_square", {x}, {{"axes", std::vector<int64_t>{x.rank - 1}}});
  const Value mean = with_scalar(b, "div", sum, Scalar::of(static_cast<double>(x.dims[x.rank - 1])));
  return b.op("rsqrt", {with_scalar(b, "add", mean, Scalar::of(eps))});
}

Value row_mean(Builder& b, const Value& x) {
  return b.op("reduce_mean", {x}, {{"axes", std::vector<int64_t>{x.rank - 1}}});
}

void store_rms_norm(Builder& b, const Value& x, double eps) {
  Value gamma = b.tensor("gamma");
  if (b.failed()) return;
  const Dtype dtype = floating(x.dtype);
  const Value all = rows(b, b.cast(x, dtype), gamma.rank);
  gamma = flat(b, b.cast(gamma, floating(gamma.dtype)));
  if (gamma.dtype != dtype) gamma = b.cast(gamma, dtype);
  const Value y = b.op("rms_norm", {all, gamma}, {{"eps", eps}});
  b.store(b.reshape(y, x.shape()), b.output("y"));
  const Value rstd = b.output("rstd");
  if (rstd.present()) b.store(row_factor(b, b.cast(all, Dtype::kF32), eps), rstd);
}

// Mean and factor of each row, for those who ask.
void store_moments(Builder& b, const Value& all, double eps) {
  const Value mean = b.output("mean"), rstd = b.output("rstd");
  if (b.failed() || (!mean.present() && !rstd.present())) return;
  const Value x = b.cast(all, Dtype::kF32);
  const Value middle = row_mean(b, x);
  b.store(middle, mean);
  if (rstd.present()) b.store(row_factor(b, b.op("sub", {x, middle}), eps), rstd);
}

}  // namespace

Status build_Softmax(Builder& b) { return softmax(b, "softmax"); }
Status build_LogSoftmax(Builder& b) { return softmax(b, "log_softmax"); }

Status build_MaskedSoftmaxWithRelPosBias(Builder& b) {
  const Value given = b.tensor("x");
  if (b.failed()) return b.status();
  const Dtype dtype = wide(floating(given.dtype));
  const double scale = b.number("scaleValue");
  Value x = b.cast(given, dtype);
  if (scale != 1) x = with_scalar(b, "mul", x, Scalar::of(scale));
  for (const char* parameter : {"attenMask", "relativePosBias"})
    if (b.has(parameter)) x = b.op("add", {x, b.cast(b.tensor(parameter), dtype)});
  b.store(b.op("softmax", {x}, {{"axis", int64_t{-1}}}), b.output());
  return b.status();
}

Status build_RmsNorm(Builder& b) {
  store_rms_norm(b, b.tensor("x"), b.number("epsilon"));
  return b.status();
}

Status build_AddRmsNorm(Builder& b) {
  const Value sum = binary(b, "add", b.tensor("x1"), b.tensor("x2"));
  b.store(sum, b.output("xOut"));
  store_rms_norm(b, sum, b.number("epsilon"));
  return b.status();
}

Status build_LayerNorm(Builder& b) {
  const Value x = b.tensor("input");
  const std::vector<int64_t> shape = b.ints("normalizedShape");
  Value weight = b.optional("weight"), bias = b.optional("bias");
  const double eps = b.number("eps");
  if (b.failed()) return b.status();
  const Value all = rows(b, b.cast(x, floating(x.dtype)), static_cast<int>(shape.size()));
  if (b.failed()) return b.status();
  const int from = x.rank - static_cast<int>(shape.size());
  if (!b.require(std::equal(shape.begin(), shape.end(), x.dims + from), "normalised over {} of {}",
                 dims_to_string(shape), to_string(x)))
    return b.status();
  if (bias.present() && !weight.present()) weight = b.filled(Scalar::of(1.0), all.dtype, {bias.elements()});
  weight = flat(b, b.cast(weight, all.dtype));
  bias = flat(b, b.cast(bias, all.dtype));
  const Value y = b.op("layer_norm", {all, weight, bias}, {{"eps", eps}});
  b.store(b.reshape(y, x.shape()), b.output("out"));
  store_moments(b, all, eps);
  return b.status();
}

Status build_FastLayerNorm(Builder& b) { return build_LayerNorm(b); }

Status build_GroupNorm(Builder& b) {
  const Value x = b.tensor("self");
  Value gamma = b.optional("gamma"), beta = b.optional("beta");
  const int64_t images = b.integer("N"), channels = b.integer("C"), pixels = b.integer("HxW");
  const int64_t groups = b.integer("group");
  const double eps = b.number("eps");
  if (b.failed()) return b.status();
  if (!b.require(groups > 0 && channels > 0 && channels % groups == 0, "{} channels in {} groups", channels,
                 groups))
    return b.status();
  if (elements_of(b, {images, channels, pixels}) != x.elements() && !b.failed())
    b.require(false, "N {}, C {} and HxW {} of a tensor of {} elements", images, channels, pixels,
              x.elements());
  if (b.failed()) return b.status();
  const Dtype dtype = floating(x.dtype);
  const Value all = b.reshape(b.cast(x, dtype), {images, groups, channels / groups * pixels});
  Value y = b.op("layer_norm", {all}, {{"eps", eps}});
  y = b.reshape(y, {images, channels, pixels});
  if (gamma.present()) y = b.op("mul", {y, b.reshape(b.cast(gamma, dtype), {channels, 1})});
  if (beta.present()) y = b.op("add", {y, b.reshape(b.cast(beta, dtype), {channels, 1})});
  // ggml gives places for mean and rstd that overlap each other and the workspace, and reads neither: they
  // come last.
  b.allow_overlapping_outputs();
  b.store(b.reshape(y, x.shape()), b.output("out"));
  store_moments(b, all, eps);
  return b.status();
}

Status build_SoftmaxCrossEntropyWithLogits(Builder& b) {
  const Value x = b.cast(b.tensor("features"), Dtype::kF32), labels = b.cast(b.tensor("labels"), Dtype::kF32);
  if (b.failed() || !b.require(x.rank == 2, "features are {}, not a matrix", to_string(x))) return b.status();
  const Value logarithm = b.op("log_softmax", {x}, {{"axis", int64_t{1}}});
  const Value sum = b.op("reduce_sum", {b.op("mul", {labels, logarithm})},
                         {{"axes", std::vector<int64_t>{1}}, {"keep_dims", int64_t{0}}});
  b.store(b.op("neg", {sum}), b.output("loss"));
  b.store(b.op("sub", {b.op("softmax", {x}, {{"axis", int64_t{1}}}), labels}), b.output("backprop"));
  return b.status();
}

}  // namespace isthmus::cann
