// SPDX-License-Identifier: Apache-2.0
// Losses by classes, for pictures, smoothed and of several classes at once; their gradients.
#include <algorithm>

#include "cann/operators/rows.h"

namespace isthmus::cann {
namespace {

using IntList = std::vector<int64_t>;
enum Reduction : int64_t { kNone = 0, kMean = 1, kSum = 2 };

Value mul(Builder& b, const Value& x, const Value& y) { return b.op("mul", {x, y}); }
Value div(Builder& b, const Value& x, const Value& y) { return b.op("div", {x, y}); }
Value scaled(Builder& b, const Value& x, double number) {
  return with_scalar(b, "mul", x, Scalar::of(number));
}
Value reduce(Builder& b, const char* op, const Value& x, IntList axes, bool keep = false) {
  return b.op(op, {x}, {{"axes", std::move(axes)}, {"keep_dims", int64_t{keep}}});
}
Value sum(Builder& b, const Value& x, IntList axes, bool keep = false) {
  return reduce(b, "reduce_sum", x, std::move(axes), keep);
}

// The classes of x [batch, classes, …], with an axis for them.
struct Classes {
  Value index;   // I64; 0 where none counts
  Value weight;  // of the class, 0 where none counts
};
Classes classes_of(Builder& b, const Value& x) {
  Value target = b.cast(b.tensor("target"), Dtype::kI64);
  if (b.failed()) return {};
  const auto fits = [&] {
    if (target.rank != x.rank - 1 || target.dims[0] != x.dims[0]) return false;
    return std::equal(target.dims + 1, target.dims + target.rank, x.dims + 2);
  };
  if (!b.require(x.rank >= 2 && fits(), "classes {} for {}", to_string(target), to_string(x))) return {};
  target = b.unsqueeze(target, 1);
  const Value counts = with_scalar(b, "not_equal", target, Scalar::of(b.integer("ignoreIndex")));
  const Value index = b.op("where", {counts, target, b.constant(Scalar::of(int64_t{0}), Dtype::kI64)});
  Value weight = b.filled(Scalar::of(1.0), x.dtype, target.shape());
  if (b.has("weight")) {
    const Value all = b.cast(b.tensor("weight"), x.dtype);
    if (!b.require(all.rank == 1 && all.dims[0] == x.dims[1], "weights {} for {}", to_string(all),
                   to_string(x)))
      return {};
    weight = b.op("gather", {all, index});
  }
  return {index, b.op("where", {counts, weight, b.constant(Scalar::of(0.0), x.dtype)})};
}

int64_t reduction_of(Builder& b) {
  const int64_t reduction = b.integer("reduction");
  return b.require(reduction >= kNone && reduction <= kSum, "reduction is {}", reduction) ? reduction : kNone;
}
int64_t reduction_of(Builder& b, const std::string& word) {
  static constexpr const char* kNames[] = {"none", "mean", "sum"};
  for (int64_t i = 0; i < 3; ++i)
    if (word == kNames[i]) return i;
  b.require(false, "reduction is '{}', not none, mean or sum", word);
  return kNone;
}

// What each element's loss is multiplied with in the gradient: [batch, 1, …].
Value share(Builder& b, const char* parameter, int64_t reduction, const Value& total, const Value& like) {
  Value g = b.cast(b.tensor(parameter), like.dtype);
  if (b.failed()) return {};
  if (reduction == kNone)
    return b.require(g.elements() == like.elements(), "a gradient {}", to_string(g))
               ? b.reshape(g, like.shape())
               : g;
  if (!b.require(g.elements() == 1, "a gradient {}", to_string(g))) return {};
  g = b.reshape(g, {});
  return reduction == kMean ? div(b, g, total) : g;
}

}  // namespace

Status build_NLLLoss2d(Builder& b) {
  const Value given = b.tensor("self");
  const int64_t reduction = reduction_of(b);
  if (b.failed()) return b.status();
  const Value x = b.cast(given, wide(floating(given.dtype)));
  const Classes c = classes_of(b, x);
  const Value loss =
      mul(b, b.op("neg", {b.op("gather_elements", {x, c.index}, {{"axis", int64_t{1}}})}), c.weight);
  const Value total = sum(b, c.weight, {});
  if (b.failed()) return b.status();
  if (reduction == kNone)
    b.store(b.squeeze(loss, 1), b.output("out"));
  else
    b.store(reduction == kMean ? div(b, sum(b, loss, {}), total) : sum(b, loss, {}), b.output("out"));
  b.store(total, b.output("totalWeight"));
  return b.status();
}

Status build_NLLLoss2dBackward(Builder& b) {
  const Value given = b.tensor("self");
  const int64_t reduction = reduction_of(b);
  if (b.failed()) return b.status();
  const Dtype dtype = wide(floating(given.dtype));
  Value like = given;
  like.dtype = dtype;
  const Classes c = classes_of(b, like);
  const Value total = b.cast(b.tensor("totalWeight"), dtype);
  if (b.failed() || !b.require(total.elements() == 1, "'totalWeight' is {}", to_string(total)))
    return b.status();
  const Value g = share(b, "gradOutput", reduction, b.reshape(total, {}), c.weight);
  const Value slope = b.op("neg", {mul(b, c.weight, g)});
  const Value zeros = b.filled(Scalar::of(0.0), dtype, given.shape());
  b.store(b.op("scatter_elements", {zeros, c.index, slope}, {{"axis", int64_t{1}}}), b.output());
  return b.status();
}

// The part labelSmoothing of a loss goes to all classes alike.
Status build_CrossEntropyLoss(Builder& b) {
  const Value given = b.tensor("input");
  const int64_t reduction = reduction_of(b, b.text("reduction"));
  const double smoothing = b.number("labelSmoothing");
  if (b.failed() || !b.require(given.rank == 2, "the input is {}", to_string(given)) ||
      !b.require(b.number("lseSquareScaleForZloss") == 0 && !b.boolean("returnZloss"),
                 "a z-loss is not supported"))
    return b.status();
  const Value x = b.op("log_softmax", {b.cast(given, wide(floating(given.dtype)))}, {{"axis", int64_t{1}}});
  const Classes c = classes_of(b, x);
  Value loss = mul(b, b.op("neg", {b.op("gather_elements", {x, c.index}, {{"axis", int64_t{1}}})}), c.weight);
  if (smoothing != 0 && !b.failed()) {
    const Value all = b.has("weight") ? mul(b, x, b.cast(b.tensor("weight"), x.dtype)) : x;
    const Value zero = b.constant(Scalar::of(0.0), x.dtype);
    const Value counts = with_scalar(b, "not_equal", b.cast(b.tensor("target"), Dtype::kI64),
                                     Scalar::of(b.integer("ignoreIndex")));
    const Value even = b.op("where", {b.unsqueeze(counts, 1), b.op("neg", {sum(b, all, {1}, true)}), zero});
    loss = b.op("add", {scaled(b, loss, 1 - smoothing),
                        scaled(b, even, smoothing / static_cast<double>(std::max<int64_t>(x.dims[1], 1)))});
  }
  b.store(x, b.output("logProbOut"));
  if (b.failed()) return b.status();
  if (reduction == kNone)
    b.store(b.squeeze(loss, 1), b.output("lossOut"));
  else
    b.store(reduction == kMean ? div(b, sum(b, loss, {}), sum(b, c.weight, {})) : sum(b, loss, {}),
            b.output("lossOut"));
  return b.status();
}

Status build_CrossEntropyLossGrad(Builder& b) {
  const Value given = b.tensor("logProb");
  const int64_t reduction = reduction_of(b, b.text("reduction"));
  const double smoothing = b.number("labelSmoothing");
  if (b.failed() || !b.require(given.rank == 2, "'logProb' is {}", to_string(given)) ||
      !b.require(b.number("lseSquareScaleForZloss") == 0 && !b.has("gradZloss"), "a z-loss is not supported"))
    return b.status();
  const Value x = b.cast(given, wide(floating(given.dtype))), p = b.op("exp", {x});
  const Classes c = classes_of(b, x);
  if (b.failed()) return b.status();
  const Value zero = b.constant(Scalar::of(0.0), x.dtype);
  const Value hit =
      b.cast(b.op("equal", {c.index, b.reshape(count_up(b, x.dims[1]), {1, x.dims[1]})}), x.dtype);
  Value slope = mul(b, b.op("sub", {p, hit}), c.weight);
  if (smoothing != 0) {
    Value weights = b.filled(Scalar::of(1.0), x.dtype, {x.dims[1]});
    if (b.has("weight")) weights = b.cast(b.tensor("weight"), x.dtype);
    const Value counts = with_scalar(b, "not_equal", b.cast(b.tensor("target"), Dtype::kI64),
                                     Scalar::of(b.integer("ignoreIndex")));
    const Value even = b.op("sub", {mul(b, p, sum(b, weights, {})), weights});
    slope = b.op("add", {scaled(b, slope, 1 - smoothing),
                         scaled(b, b.op("where", {b.unsqueeze(counts, 1), even, zero}),
                                smoothing / static_cast<double>(std::max<int64_t>(x.dims[1], 1)))});
  }
  b.store(mul(b, slope, share(b, "gradLoss", reduction, sum(b, c.weight, {}), c.weight)), b.output());
  return b.status();
}

// max(0, 1 - (a - b)) over classes a that are targets, up to the first -1, and classes b that are none.
Status build_MultilabelMarginLoss(Builder& b) {
  Value x = b.tensor("self"), target = b.cast(b.tensor("target"), Dtype::kI64);
  const int64_t reduction = reduction_of(b);
  const Value hit_place = b.output("isTarget");
  if (b.failed()) return b.status();
  const bool batched = x.rank == 2;
  if (x.rank == 1 && target.rank == 1) x = b.unsqueeze(x, 0), target = b.unsqueeze(target, 0);
  if (!b.require(x.rank == 2 && target.shape() == x.shape() && x.dims[1] > 0, "targets {} of {}",
                 to_string(target), to_string(x)))
    return b.status();
  x = b.cast(x, wide(floating(x.dtype)));
  const Value zero = b.constant(Scalar::of(0.0), x.dtype),
              outside = b.constant(Scalar::of(x.dims[1]), Dtype::kI64);
  const Value ended = b.cast(with_scalar(b, "less", target, Scalar::of(int64_t{0})), Dtype::kI64);
  const Value before = b.op("cumulative_sum", {ended}, {{"axis", int64_t{1}}});
  const Value named = with_scalar(b, "equal", before, Scalar::of(int64_t{0}));
  const Value index = b.op("where", {named, target, outside});
  const Value ones = b.filled(Scalar::of(1.0), x.dtype, x.shape());
  const Value hit = b.op("scatter_elements", {b.filled(Scalar::of(0.0), x.dtype, x.shape()), index, ones},
                         {{"axis", int64_t{1}}});
  const Value wanted = b.op("gather_elements", {x, index}, {{"axis", int64_t{1}}});
  if (b.failed()) return b.status();
  const Value gap = b.op("sub", {b.unsqueeze(x, 1), b.unsqueeze(wanted, 2)});
  const Value cost = b.op("relu", {with_scalar(b, "add", gap, Scalar::of(1.0))});
  const Value both = b.op(
      "logical_and", {b.unsqueeze(named, 2), with_scalar(b, "equal", b.unsqueeze(hit, 1), Scalar::of(0.0))});
  Value loss = sum(b, b.op("where", {both, cost, zero}), {1, 2});
  loss = with_scalar(b, "div", loss, Scalar::of(static_cast<double>(x.dims[1])));
  if (b.failed()) return b.status();
  if (reduction == kNone)
    b.store(batched ? loss : b.reshape(loss, {}), b.output("out"));
  else
    b.store(reduce(b, reduction == kMean ? "reduce_mean" : "reduce_sum", loss, {}), b.output("out"));
  b.store(b.reshape(hit, hit_place.shape()), hit_place);
  return b.status();
}

// By the target: log(target) + 1 - self, or e^target * (target + 1 - self) of a logarithm.
Status build_KlDivTargetBackward(Builder& b) {
  Value g = b.tensor("gradOutput"), x = b.tensor("self"), target = b.tensor("target");
  if (b.failed()) return b.status();
  const Dtype dtype = wide(floating(Builder::promote(x.dtype, target.dtype)));
  g = b.cast(g, dtype), x = b.cast(x, dtype), target = b.cast(target, dtype);
  const bool logarithm = b.boolean("logTarget");
  const Value log = logarithm ? target : b.op("log", {target});
  Value slope = with_scalar(b, "add", b.op("sub", {log, x}), Scalar::of(1.0));
  if (logarithm)
    slope = mul(b, slope, b.op("exp", {target}));
  else
    slope = b.op("where", {with_scalar(b, "equal", target, Scalar::of(0.0)),
                           b.constant(Scalar::of(0.0), dtype), slope});
  Value y = mul(b, slope, g);
  if (reduction_of(b) == kMean && !b.failed() && y.elements() > 0)
    y = with_scalar(b, "div", y, Scalar::of(static_cast<double>(y.elements())));
  b.store(y, b.output());
  return b.status();
}

}  // namespace isthmus::cann
