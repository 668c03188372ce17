// SPDX-License-Identifier: Apache-2.0
// Random numbers of the Isthmus generator: the same seed and offset give the same numbers on every chip, and
// others than a maker's own.
#include <cmath>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

Value state(Builder& b) {
  const std::vector<int64_t> start = {b.integer("seed"), b.integer("offset")};
  return b.copy(b.constant(Dtype::kU64, {2}, start));  // a copy, since the generator moves it on
}

Value uniform(Builder& b, const std::vector<int64_t>& shape, double low, double high) {
  return b.op("random_uniform", {state(b)}, {{"shape", shape}, {"low", low}, {"high", high}});
}
Value normal(Builder& b, const std::vector<int64_t>& shape, double mean, double scale) {
  return b.op("random_normal", {state(b)}, {{"shape", shape}, {"mean", mean}, {"scale", scale}});
}

// -log(1 - u): of an exponential distribution.
Value exponential(Builder& b, const std::vector<int64_t>& shape) {
  return b.op("neg", {b.op("log1p", {b.op("neg", {uniform(b, shape, 0, 1)})})});
}

Status store(Builder& b, const Value& value) {
  b.store(value, b.output());
  return b.status();
}
std::vector<int64_t> shape(Builder& b) { return b.output().shape(); }

// mean + deviation * z, each a tensor or a number.
Status store_normal(Builder& b, bool many_means, bool many_deviations) {
  Value z = normal(b, shape(b), many_means ? 0 : b.number("mean"), many_deviations ? 1 : b.number("std"));
  if (many_deviations) {
    if (!many_means) z = with_scalar(b, "sub", z, Scalar::of(b.number("mean")));
    z = b.op("mul", {z, b.cast(b.tensor("std"), Dtype::kF32)});
    if (!many_means) z = with_scalar(b, "add", z, Scalar::of(b.number("mean")));
  }
  if (many_means) z = b.op("add", {z, b.cast(b.tensor("mean"), Dtype::kF32)});
  return store(b, z);
}

// Bits of eight elements in a byte, the first lowest.
Value eight(Builder& b) { return b.constant(Dtype::kU8, {8}, std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7}); }

Value packed(Builder& b, const Value& kept, int64_t bytes) {
  if (b.failed()) return {};
  const Value bits = b.op("pad", {b.cast(kept, Dtype::kU8)},
                          {{"pads", std::vector<int64_t>{0, bytes * 8 - kept.elements()}}});
  const Value shifted = b.op("shift_left", {b.reshape(bits, {bytes, 8}), eight(b)});
  return b.op("reduce_sum", {shifted}, {{"axes", std::vector<int64_t>{1}}, {"keep_dims", int64_t{0}}});
}

}  // namespace

Value unpacked_bits(Builder& b, const Value& mask, int64_t count) {
  if (b.failed() || !b.require(mask.dtype == Dtype::kU8 && mask.elements() * 8 >= count,
                               "a mask {} for {} elements", to_string(mask), count))
    return {};
  const Value bytes = b.reshape(mask, {mask.elements(), 1});
  const Value bits = b.op("bitwise_and", {b.op("shift_right", {bytes, eight(b)}),
                                          b.constant(Scalar::of(int64_t{1}), Dtype::kU8)});
  return b.slice(b.reshape(bits, {mask.elements() * 8}), 0, 0, count);
}

namespace {

// Which of `count` elements stay.
Value kept(Builder& b, int64_t count, double dropped) {
  return with_scalar(b, "greater_equal", uniform(b, {count}, 0, 1), Scalar::of(dropped));
}

Status store_mask(Builder& b) {
  const Value place = b.output();
  const int64_t count = elements_of(b, b.ints("shape"));
  if (b.failed() || !b.require(place.dtype == Dtype::kU8 && place.elements() * 8 >= count,
                               "a mask of {} elements in {}", count, to_string(place)))
    return b.status();
  b.store(b.reshape(packed(b, kept(b, count, b.number("prob")), place.elements()), place.shape()), place);
  return b.status();
}

Value rescaled(Builder& b, const Value& x, const Value& stays, double dropped) {
  const Value wide_x = b.cast(x, wide(floating(x.dtype)));
  const Value larger = with_scalar(b, "mul", wide_x, Scalar::of(dropped < 1 ? 1 / (1 - dropped) : 0.0));
  return b.op("where", {stays, larger, b.constant(Scalar::of(0.0), larger.dtype)});
}

// Random slopes for what is not above zero; noise keeps the slopes, 1 where there is none.
Status rrelu(Builder& b) {
  const Value x = b.tensor("self"), place = b.output(b.declares("out") ? "out" : "selfRef");
  const double lower = b.number("lower"), upper = b.number("upper");
  if (b.failed()) return b.status();
  const Value wide_x = b.cast(x, wide(floating(x.dtype)));
  const Value positive = with_scalar(b, "greater", wide_x, Scalar::of(0.0));
  if (!b.boolean("training")) {
    b.store(b.op("where", {positive, wide_x, with_scalar(b, "mul", wide_x, Scalar::of((lower + upper) / 2))}),
            place);
    return b.status();
  }
  const Value one = b.constant(Scalar::of(1.0), wide_x.dtype);
  const Value slope =
      b.op("where", {positive, one, b.cast(uniform(b, x.shape(), lower, upper), wide_x.dtype)});
  b.store(b.op("mul", {wide_x, slope}), place);
  b.store(slope, b.output("noise"));
  return b.status();
}

}  // namespace

Status build_RReluWithNoise(Builder& b) { return rrelu(b); }
Status build_InplaceRReluWithNoise(Builder& b) { return rrelu(b); }

Status build_InplaceUniform(Builder& b) {
  return store(b, uniform(b, shape(b), b.number("from"), b.number("to")));
}
Status build_InplaceNormal(Builder& b) { return store_normal(b, false, false); }
Status build_NormalFloatFloat(Builder& b) { return store_normal(b, false, false); }
Status build_NormalFloatTensor(Builder& b) { return store_normal(b, false, true); }
Status build_NormalTensorFloat(Builder& b) { return store_normal(b, true, false); }
Status build_NormalTensorTensor(Builder& b) { return store_normal(b, true, true); }

Status build_InplaceBernoulli(Builder& b) {
  return store(b, with_scalar(b, "less", uniform(b, shape(b), 0, 1), Scalar::of(b.number("prob"))));
}
Status build_InplaceBernoulliTensor(Builder& b) {
  return store(b, b.op("less", {uniform(b, shape(b), 0, 1), b.cast(b.tensor("prob"), Dtype::kF32)}));
}

// Of 24 random bits: no more numbers than that.
Status build_InplaceRandom(Builder& b) {
  const int64_t from = b.integer("from"), to = b.integer("to");
  if (!b.require(from < to && static_cast<uint64_t>(to) - static_cast<uint64_t>(from) <= uint64_t{1} << 24,
                 "whole numbers in [{}, {})", from, to))
    return b.status();
  const Value steps = b.op("floor", {uniform(b, shape(b), 0, static_cast<double>(to - from))});
  return store(b, with_scalar(b, "add", b.cast(steps, Dtype::kI64), Scalar::of(from)));
}

Status build_Randperm(Builder& b) {
  const Value place = b.output();
  const int64_t n = b.integer("n");
  if (b.failed() || !b.require(place.elements() == n, "{} numbers in {}", n, to_string(place)))
    return b.status();
  const std::vector<Value> sorted = b.ops("sort", {uniform(b, {n}, 0, 1)});
  return b.failed() ? b.status() : store(b, sorted[1]);
}

// The largest weight / e with e of an exponential distribution is drawn with its weight as probability.
Status build_Multinomial(Builder& b) {
  const Value weights = b.cast(b.tensor("self"), Dtype::kF32);
  const int64_t count = b.integer("numsamples");
  if (b.failed() || !b.require(weights.rank >= 1 && weights.rank < kMaxRank && count > 0, "{} of {}", count,
                               to_string(weights)))
    return b.status();
  if (!b.boolean("replacement")) {
    const std::vector<Value> best = b.ops("top_k", {b.op("div", {weights, exponential(b, weights.shape())})},
                                          {{"k", count}, {"axis", int64_t{-1}}});
    return b.failed() ? b.status() : store(b, best[1]);
  }
  std::vector<int64_t> shape = weights.shape();
  shape.insert(shape.end() - 1, count);
  const Value ratio = b.op("div", {b.unsqueeze(weights, weights.rank - 1), exponential(b, shape)});
  return store(b, b.op("argmax", {ratio}, {{"axis", int64_t{-1}}, {"keep_dims", int64_t{0}}}));
}

Status build_SimThreadExponential(Builder& b) {
  return store(b, with_scalar(b, "div", exponential(b, shape(b)), Scalar::of(b.number("lambda"))));
}

Status build_DropoutGenMask(Builder& b) { return store_mask(b); }
Status build_DropoutGenMaskV2(Builder& b) { return store_mask(b); }
Status build_DropoutDoMask(Builder& b) {
  const Value x = b.tensor("self");
  if (b.failed()) return b.status();
  const Value stays =
      b.cast(b.reshape(unpacked_bits(b, b.tensor("mask"), x.elements()), x.shape()), Dtype::kBool);
  return store(b, rescaled(b, x, stays, b.number("prob")));
}
Status build_DropoutV3(Builder& b) {
  const Value x = b.tensor("input"), mask = b.output("maskOut");
  b.require(!b.has("optionalNoiseShape"), "a noise shape is not supported");
  if (b.failed() || !b.require(mask.dtype == Dtype::kU8 && mask.elements() * 8 >= x.elements(),
                               "a mask {} for {}", to_string(mask), to_string(x)))
    return b.status();
  const Value stays = kept(b, x.elements(), b.number("p"));
  b.store(rescaled(b, x, b.reshape(stays, x.shape()), b.number("p")), b.output("out"));
  b.store(b.reshape(packed(b, stays, mask.elements()), mask.shape()), mask);
  return b.status();
}

}  // namespace isthmus::cann
