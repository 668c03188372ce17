// SPDX-License-Identifier: Apache-2.0
// Activations that shrink, gate or bend.
#include <cmath>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

Status shrink(Builder& b, bool towards_zero) {
  const double lambda = b.number("lambd");
  b.store(
      unary_float(b, "shrink", b.tensor("self"), {{"lambd", lambda}, {"bias", towards_zero ? lambda : 0.0}}),
      b.output());
  return b.status();
}

}  // namespace

Status build_Hardshrink(Builder& b) { return shrink(b, false); }
Status build_Softshrink(Builder& b) { return shrink(b, true); }

// log(1 / (1 + e^-x)) = min(x, 0) - log(1 + e^-|x|); `buffer` gets e^-|x|.
Status build_LogSigmoidForward(Builder& b) {
  Value x = b.tensor("self");
  if (b.failed()) return b.status();
  x = b.cast(x, wide(floating(x.dtype)));
  const Value rest = b.op("exp", {b.op("neg", {b.op("abs", {x})})});
  const Value low = b.op("clamp", {x}, {{"max", 0.0}});
  b.store(b.op("sub", {low, b.op("log1p", {rest})}), b.output("out"));
  const Value buffer = b.output("buffer");
  if (!b.failed() && buffer.elements() == x.elements()) b.store(b.reshape(rest, buffer.shape()), buffer);
  return b.status();
}

// The weight of a channel, which is dimension 1.
Status build_Prelu(Builder& b) {
  const Value x = b.tensor("self");
  Value weight = b.tensor("weight");
  if (b.failed()) return b.status();
  const Dtype dtype = floating(x.dtype);
  const int64_t count = weight.elements();
  if (!b.require(count == 1 || (x.rank >= 2 && x.dims[1] == count) || (x.rank == 1 && x.dims[0] == count),
                 "{} weights for {}", count, to_string(x)))
    return b.status();
  std::vector<int64_t> shape(static_cast<size_t>(std::max(x.rank, 1)), 1);
  if (count != 1) shape[x.rank >= 2 ? 1 : 0] = count;
  weight = b.reshape(b.cast(weight, dtype), shape);
  b.store(b.op("prelu", {b.cast(x, dtype), weight}), b.output());
  return b.status();
}

Status build_Glu(Builder& b) {
  const Value x = b.tensor("self");
  const auto [value, gate] = halves(b, x, b.integer("dim"));
  b.store(b.op("glu", {gate, value}), b.output());
  return b.status();
}

Status build_FastGelu(Builder& b) {
  b.store(unary_float(b, "quick_gelu", b.tensor("self")), b.output());
  return b.status();
}

Status build_GeluMul(Builder& b) {
  const auto [gate, up] = halves(b, b.tensor("input"), -1);
  b.store(b.op(b.text("approximate") == "tanh" ? "geglu_tanh" : "geglu", {gate, up}), b.output());
  return b.status();
}

}  // namespace isthmus::cann
