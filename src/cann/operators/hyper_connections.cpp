// SPDX-License-Identifier: Apache-2.0
// Manifold-constrained hyper-connections: several residual streams that matrices mix; parts of attention
// joined; a projection taken apart.
#include <cmath>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

Value sum_of(Builder& b, const Value& x, int64_t axis, bool keep) {
  return b.op("reduce_sum", {x}, {{"axes", std::vector<int64_t>{axis}}, {"keep_dims", int64_t{keep}}});
}

Value biased_sigmoid(Builder& b, const Value& x, const Value& factor, const Value& bias) {
  return b.op("sigmoid", {b.op("add", {b.op("mul", {x, factor}), bias})});
}

}  // namespace

// x is [tokens, n, d], phi [2 n or 2 n + n * n, n * d]: rows for hPre, hPost and hRes.
Status build_MhcPre(Builder& b) {
  const Value given = b.cast(b.tensor("x"), Dtype::kF32), phi = b.cast(b.tensor("phi"), Dtype::kF32),
              alpha = b.cast(b.tensor("alpha"), Dtype::kF32), bias = b.cast(b.tensor("bias"), Dtype::kF32);
  if (b.failed() || !b.require(given.rank >= 3, "streams {}", to_string(given))) return b.status();
  const int64_t n = given.dims[given.rank - 2], d = given.dims[given.rank - 1];
  const bool residual = alpha.elements() == 3;
  const int64_t rows = 2 * n + (residual ? n * n : 0);
  if (!b.require(n > 0 && n < 1 << 15 && d > 0 && (residual || alpha.elements() == 2) && phi.rank == 2 &&
                     phi.dims[0] == rows && phi.dims[1] == n * d && bias.elements() == rows && bias.rank == 1,
                 "{} streams of {}: phi {}, alpha {}, bias {}", n, d, to_string(phi), to_string(alpha),
                 to_string(bias)))
    return b.status();
  const int64_t tokens = given.elements() / (n * d);
  const Value x = b.reshape(given, {tokens, n * d});
  const Value mean = b.op("reduce_mean", {b.op("square", {x})}, {{"axes", std::vector<int64_t>{1}}});
  const Value inverse = b.op("rsqrt", {with_scalar(b, "add", mean, Scalar::of(b.number("normEps")))});
  Value scaled = x;
  if (b.has("gamma")) {
    const Value gamma = b.cast(b.tensor("gamma"), Dtype::kF32);
    if (!b.require(gamma.elements() == n * d, "gamma {}", to_string(gamma))) return b.status();
    scaled = b.op("mul", {x, b.reshape(gamma, {n * d})});
  }
  const Value mix = b.op("matmul", {scaled, phi}, {{"transpose_b", int64_t{1}}});
  const Value weight = b.op("mul", {mix, inverse});
  const auto part = [&](int64_t from, int64_t to) { return b.slice(weight, 1, from, to); };
  const auto factor = [&](int64_t i) { return b.slice(b.reshape(alpha, {alpha.elements()}), 0, i, i + 1); };
  const auto shift = [&](int64_t from, int64_t to) { return b.slice(bias, 0, from, to); };
  const Value pre = with_scalar(b, "add", biased_sigmoid(b, part(0, n), factor(0), shift(0, n)),
                                Scalar::of(b.number("hcEps")));
  const Value post =
      with_scalar(b, "mul", biased_sigmoid(b, part(n, 2 * n), factor(1), shift(n, 2 * n)), Scalar::of(2.0));
  const Value streams = b.reshape(given, {tokens, n, d});
  const auto put = [&](const Value& value, const char* name) {
    const Value place = b.output(name);
    if (b.failed() || !place.present() ||
        !b.require(place.elements() == value.elements(), "{} is {}", name, to_string(place)))
      return;
    b.store(b.reshape(value, place.shape()), place);
  };
  put(sum_of(b, b.op("mul", {b.unsqueeze(pre, 2), streams}), 1, false), "hIn");
  put(post, "hPost");
  if (residual) put(b.op("add", {b.op("mul", {part(2 * n, rows), factor(2)}), shift(2 * n, rows)}), "hRes");
  put(inverse, "invRms");
  put(mix, "hMix");
  put(pre, "hPre");
  return b.status();
}
Status build_MhcPreV2(Builder& b) {
  const int64_t precise = b.integer("innerPrecise");
  b.require(precise == 0 || precise == 1, "innerPrecise {}", precise);
  return build_MhcPre(b);  // what may be rounded is not
}

// Stream j gets hPost[j] * hOut, and the sum over i of hRes[i, j] times stream i, or itself.
Status build_MhcPost(Builder& b) {
  const Value x = b.cast(b.tensor("x"), Dtype::kF32), out = b.cast(b.tensor("hOut"), Dtype::kF32),
              post = b.cast(b.tensor("hPost"), Dtype::kF32), residual = b.optional("hRes");
  if (b.failed() ||
      !b.require(x.rank >= 3 && out.rank == x.rank - 1 && post.rank == x.rank - 1,
                 "streams {}, hOut {}, hPost {}", to_string(x), to_string(out), to_string(post)))
    return b.status();
  const Value added = b.op("mul", {b.unsqueeze(post, post.rank), b.unsqueeze(out, out.rank - 1)});
  Value mixed = x;
  if (residual.present())
    mixed = b.op("matmul", {b.cast(residual, Dtype::kF32), x}, {{"transpose_a", int64_t{1}}});
  b.store(b.op("add", {added, mixed}), b.output());
  return b.status();
}

// Rows, then columns, divided by their sums, again and again.
Status build_MhcSinkhorn(Builder& b) {
  for (const char* parameter : {"normOut", "sumOut"})
    if (b.has(parameter)) b.fail(unimplemented("'{}' is not supported", parameter));
  const Value x = b.cast(b.tensor("x"), Dtype::kF32);
  const int64_t rounds = b.integer("numIters");
  const Scalar eps = Scalar::of(b.number("eps"));
  if (b.failed() || !b.require(rounds >= 1 && rounds <= 100, "numIters {}", rounds) ||
      !b.require(x.rank >= 2, "matrices {}", to_string(x)))
    return b.status();
  const auto divided = [&](const Value& y, int64_t axis) {
    return b.op("div", {y, with_scalar(b, "add", sum_of(b, y, axis, true), eps)});
  };
  Value y = divided(with_scalar(b, "add", b.op("softmax", {x}), eps), -2);
  for (int64_t i = 1; i < rounds; ++i) y = divided(divided(y, -1), -2);
  b.store(y, b.output("out"));
  return b.status();
}

// Two parts of one softmax, each with its largest score and its sum of exponentials, repeated 8 times.
Status build_RingAttentionUpdateV2(Builder& b) {
  const std::string layout = b.text("inputLayout"), softmax = b.text("inputSoftmaxLayout");
  const Value outs[2] = {b.cast(b.tensor("prevAttnOut"), Dtype::kF32),
                         b.cast(b.tensor("curAttnOut"), Dtype::kF32)};
  const Value tops[2] = {b.tensor("prevSoftmaxMax"), b.tensor("curSoftmaxMax")};
  const Value sums[2] = {b.tensor("prevSoftmaxSum"), b.tensor("curSoftmaxSum")};
  const bool sbh = layout == "SBH";
  b.require(sbh ? softmax.empty() || softmax == "SBH" : layout == "TND" && softmax == "TND",
            "inputLayout '{}' with inputSoftmaxLayout '{}'", layout, softmax);
  if (b.failed() ||
      !b.require(outs[0].rank == 3 && outs[0].shape() == outs[1].shape() && tops[0].rank == (sbh ? 4 : 3) &&
                     tops[0].shape() == tops[1].shape() && tops[0].shape() == sums[0].shape() &&
                     tops[0].shape() == sums[1].shape() && tops[0].dims[tops[0].rank - 1] >= 1,
                 "parts {} and {}, softmax {} and {}", to_string(outs[0]), to_string(outs[1]),
                 to_string(tops[0]), to_string(sums[0])))
    return b.status();
  const auto first = [&](const Value& x) { return b.cast(b.select(x, x.rank - 1, 0), Dtype::kF32); };
  const Value top = b.op("max", {first(tops[0]), first(tops[1])});
  Value share[2], total;
  for (int i = 0; i < 2; ++i) {
    share[i] = b.op("mul", {first(sums[i]), b.op("exp", {b.op("sub", {first(tops[i]), top})})});
    total = i ? b.op("add", {total, share[i]}) : share[i];
  }
  const int64_t heads = tops[0].dims[1], width = outs[0].dims[2];
  if (b.failed() ||
      !b.require(heads > 0 && (!sbh || width % heads == 0), "{} heads in {}", heads, to_string(outs[0])))
    return b.status();
  Value y;
  for (int i = 0; i < 2; ++i) {
    Value factor = b.op("div", {share[i], total}), x = outs[i];
    if (sbh) {  // [batch, heads, length] for [length, batch, heads, width]
      factor = b.permute(factor, {2, 0, 1});
      x = b.reshape(x, {x.dims[0], x.dims[1], heads, width / heads});
    }
    const Value part = b.op("mul", {x, b.unsqueeze(factor, factor.rank)});
    y = i ? b.op("add", {y, part}) : part;
  }
  if (b.failed()) return b.status();
  b.store(b.reshape(y, outs[0].shape()), b.output("attnOut"));
  for (const auto& [value, name] : {std::pair{top, "softmaxMaxOut"}, {total, "softmaxSumOut"}})
    b.store(b.expand(b.unsqueeze(value, value.rank), tops[0].shape()), b.output(name));
  return b.status();
}

// Queries, keys and values of [batch, tokens, 3 * heads * width], the queries divided by the root of width.
Status build_TransformBiasRescaleQkv(Builder& b) {
  const Value x = b.tensor("qkv"), bias = b.tensor("qkvBias");
  const int64_t heads = b.integer("numHeads");
  if (b.failed() || !b.require(x.rank == 3 && heads > 0 && heads < INT32_MAX &&
                                   x.dims[2] % (3 * heads) == 0 && x.dims[2] > 0,
                               "{} for {} heads", to_string(x), heads))
    return b.status();
  const int64_t width = x.dims[2] / 3 / heads;
  const Value sum = b.op("add", {b.cast(x, Dtype::kF32), b.cast(bias, Dtype::kF32)});
  if (b.failed() || !b.require(sum.shape() == x.shape(), "bias {} for {}", to_string(bias), to_string(x)))
    return b.status();
  const Value parts = b.permute(b.reshape(sum, {x.dims[0], x.dims[1], 3, heads, width}), {2, 0, 3, 1, 4});
  const double root = std::sqrt(static_cast<double>(width));
  b.store(with_scalar(b, "div", b.select(parts, 0, 0), Scalar::of(root)), b.output("qOut"));
  b.store(b.select(parts, 0, 1), b.output("kOut"));
  b.store(b.select(parts, 0, 2), b.output("vOut"));
  return b.status();
}

}  // namespace isthmus::cann
