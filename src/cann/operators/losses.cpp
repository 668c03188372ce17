// SPDX-License-Identifier: Apache-2.0
// Losses: what each element costs, then nothing, the mean or the sum of it.
#include <cmath>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

enum Reduction : int64_t { kNone = 0, kMean = 1, kSum = 2 };

Value all(Builder& b, const char* op, const Value& x) {
  return b.op(op, {x}, {{"axes", std::vector<int64_t>{}}, {"keep_dims", int64_t{0}}});
}

Status store_reduced(Builder& b, const Value& loss) {
  const int64_t reduction = b.integer("reduction");
  if (b.failed() || !b.require(reduction >= kNone && reduction <= kSum, "reduction is {}", reduction))
    return b.status();
  const Value place = b.output();
  b.store(reduction == kNone ? loss : all(b, reduction == kMean ? "reduce_mean" : "reduce_sum", loss), place);
  return b.status();
}

struct Pair {
  Value x, target;
};

Pair operands(Builder& b) {
  const Value x = b.tensor("self"), target = b.tensor("target");
  if (b.failed()) return {};
  const Dtype dtype = wide(floating(Builder::promote(x.dtype, target.dtype)));
  return {b.cast(x, dtype), b.cast(target, dtype)};
}

Value weighted(Builder& b, const Value& loss, const char* parameter) {
  return b.has(parameter) ? b.op("mul", {loss, b.cast(b.tensor(parameter), loss.dtype)}) : loss;
}

Value number(Builder& b, const char* op, double number, const Value& x) {
  return from_scalar(b, op, Scalar::of(number), x);
}

}  // namespace

Status build_L1Loss(Builder& b) {
  const auto [x, target] = operands(b);
  return store_reduced(b, b.op("abs", {b.op("sub", {x, target})}));
}

Status build_MseLoss(Builder& b) {
  const auto [x, target] = operands(b);
  return store_reduced(b, b.op("squared_difference", {x, target}));
}

Status build_SmoothL1Loss(Builder& b) {
  const auto [x, target] = operands(b);
  const double beta = b.number("beta");
  const Value size = b.op("abs", {b.op("sub", {x, target})});
  if (beta == 0) return store_reduced(b, size);
  const Value square = with_scalar(b, "mul", b.op("square", {size}), Scalar::of(0.5 / beta));
  const Value line = with_scalar(b, "sub", size, Scalar::of(0.5 * beta));
  return store_reduced(b, b.op("where", {with_scalar(b, "less", size, Scalar::of(beta)), square, line}));
}

// target * (log(target) - self), or e^target * (target - self) of a logarithm; the mean is over all elements.
Status build_KlDiv(Builder& b) {
  const auto [x, target] = operands(b);
  if (b.boolean("logTarget"))
    return store_reduced(b, b.op("mul", {b.op("exp", {target}), b.op("sub", {target, x})}));
  const Value positive = with_scalar(b, "greater", target, Scalar::of(0.0));
  const Value entropy = b.op("mul", {target, b.op("log", {target})});
  const Value zero = b.constant(Scalar::of(0.0), x.dtype);
  return store_reduced(b, b.op("sub", {b.op("where", {positive, entropy, zero}), b.op("mul", {target, x})}));
}

// Logarithms are at least -100, as PyTorch's.
Status build_BinaryCrossEntropy(Builder& b) {
  const auto [x, target] = operands(b);
  const auto limited = [&](const Value& v) { return b.op("clamp", {b.op("log", {v})}, {{"min", -100.0}}); };
  const Value yes = b.op("mul", {target, limited(x)});
  const Value no = b.op("mul", {number(b, "sub", 1, target), limited(number(b, "sub", 1, x))});
  return store_reduced(b, weighted(b, b.op("neg", {b.op("add", {yes, no})}), "weight"));
}

// (1 - target) * x + w * (log(1 + e^-|x|) + max(-x, 0)), w = (posWeight - 1) * target + 1
Status build_BinaryCrossEntropyWithLogits(Builder& b) {
  const auto [x, target] = operands(b);
  const Value below = b.op("relu", {b.op("neg", {x})});
  Value log = b.op("add", {b.op("log1p", {b.op("exp", {b.op("neg", {b.op("abs", {x})})})}), below});
  if (b.has("posWeight")) {
    const Value more = with_scalar(b, "sub", b.cast(b.tensor("posWeight"), x.dtype), Scalar::of(1.0));
    log = b.op("mul", {log, with_scalar(b, "add", b.op("mul", {more, target}), Scalar::of(1.0))});
  }
  const Value rest = b.op("mul", {number(b, "sub", 1, target), x});
  return store_reduced(b, weighted(b, b.op("add", {rest, log}), "weight"));
}

Status build_SoftMarginLoss(Builder& b) {
  const auto [x, target] = operands(b);
  return store_reduced(b, b.op("log1p", {b.op("exp", {b.op("neg", {b.op("mul", {target, x})})})}));
}

// -weight[target] * self[target]; the mean is by the weights that were met.
Status build_NLLLoss(Builder& b) {
  Value x = b.tensor("self"), target = b.tensor("target");
  const Value weight = b.tensor("weight");
  const int64_t reduction = b.integer("reduction"), ignored = b.integer("ignoreIndex");
  if (b.failed()) return b.status();
  if (x.rank == 1) x = b.unsqueeze(x, 0);
  if (target.rank == 0) target = b.unsqueeze(target, 0);
  if (!b.require(x.rank == 2 && target.rank == 1 && target.dims[0] == x.dims[0] && weight.rank == 1 &&
                     weight.dims[0] == x.dims[1],
                 "{} with classes {} and weights {}", to_string(x), to_string(target), to_string(weight)))
    return b.status();
  const Dtype dtype = wide(floating(x.dtype));
  target = b.cast(target, Dtype::kI64);
  const Value counts = with_scalar(b, "not_equal", target, Scalar::of(ignored));
  const Value zero = b.constant(Scalar::of(int64_t{0}), Dtype::kI64);
  const Value index = b.op("where", {counts, target, zero});
  const Value none = b.constant(Scalar::of(0.0), dtype);
  const Value met = b.op("where", {counts, b.op("gather", {b.cast(weight, dtype), index}), none});
  const Value chosen =
      b.op("gather_elements", {b.cast(x, dtype), b.unsqueeze(index, 1)}, {{"axis", int64_t{1}}});
  const Value loss = b.op("mul", {b.op("neg", {b.squeeze(chosen, 1)}), met});
  const Value total = all(b, "reduce_sum", met);
  if (reduction == kNone)
    b.store(loss, b.output("out"));
  else {
    const Value sum = all(b, "reduce_sum", loss);
    b.store(reduction == kMean ? b.op("div", {sum, total}) : sum, b.output("out"));
  }
  b.store(total, b.output("totalWeight"));
  return b.status();
}

}  // namespace isthmus::cann
