// SPDX-License-Identifier: Apache-2.0
// Attention for training: FlashAttentionScore gives, beside the result, each row's largest score and the sum
// of e^(score - largest), eight times each; its gradient starts from them.
//
// With dropout, dropMask holds a bit for each score, 1 where it stays.
#include <algorithm>
#include <limits>

#include "cann/operators/attention.h"
#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

Attention read_training(Builder& b) {
  refuse(b, {"paddingMask"});
  if (!b.ints("prefix").empty()) b.fail(unimplemented("'prefix' is not supported"));
  Attention a = read_attention(b);
  if (b.failed()) return a;
  // Only the query's heads are given; keys may have fewer.
  const bool apart = a.layout != "BSH" && a.layout != "SBH";
  if (!b.require(a.heads > 0 && a.query.rank >= 3 && a.key.rank == a.query.rank, "{} heads of {} over {}",
                 a.heads, to_string(a.query), to_string(a.key)))
    return a;
  const int64_t numbers = apart ? 1 : a.query.dims[2] / a.heads;
  a.key_heads = apart || numbers == 0 ? a.heads : std::max<int64_t>(a.key.dims[2] / numbers, 1);
  return a;
}

// Without a band, preTokens and nextTokens hide nothing as long as they reach over everything.
void check_reach(Builder& b, const Attention& a, const HeadViews& views) {
  if (b.failed() || a.sparse_mode > 1) return;
  if (a.before < views.query.dims[2] || a.after < views.key.dims[2])
    b.fail(
        unimplemented("sparseMode {} with preTokens {} and nextTokens {}", a.sparse_mode, a.before, a.after));
}

// 1 / keepProb where dropMask keeps a score, else 0; absent without dropout.
Value kept(Builder& b, const Value& like) {
  const double keep = b.number("keepProb");
  if (b.failed() || !b.require(keep > 0 && (keep >= 1 || b.has("dropMask")), "keepProb {} {}", keep,
                               b.has("dropMask") ? "with a dropMask" : "without a dropMask"))
    return {};
  if (!b.has("dropMask") || keep >= 1) return {};
  const Value stays = b.reshape(unpacked_bits(b, b.tensor("dropMask"), like.elements()), like.shape());
  return with_scalar(b, "mul", b.cast(stays, Dtype::kF32), Scalar::of(1 / keep));
}

// The rows of all heads that share keys: [batch, key heads, heads / key heads * rows, last].
Value grouped(Builder& b, const Value& x, int64_t shared) {
  if (b.failed()) return {};
  return b.reshape(b.cast(x, Dtype::kF32), {x.dims[0], shared, x.dims[1] / shared * x.dims[2], x.dims[3]});
}

const Attributes kLastAxis{{"axes", std::vector<int64_t>{3}}};  // kept, of size 1

}  // namespace

Status build_FlashAttentionScore(Builder& b) {
  const Attention a = read_training(b);
  const Value largest = b.output("softmaxMaxOut"), sums = b.output("softmaxSumOut");
  const HeadViews views = head_views(b, a);
  check_reach(b, a, views);
  const Value s = scores(b, a, views);
  if (b.failed()) return b.status();
  // Rows that see nothing have the lowest number and a sum of 0.
  const Scalar lowest = Scalar::of(static_cast<double>(std::numeric_limits<float>::lowest()));
  const Value m = b.op("max", {b.op("reduce_max", {s}, kLastAxis), b.constant(lowest, Dtype::kF32)});
  const Value e = b.op("exp", {b.op("sub", {s, m})}), l = b.op("reduce_sum", {e}, kLastAxis);
  if (largest.elements() > 0) b.store(b.expand(m, largest.shape()), largest);
  if (sums.elements() > 0) b.store(b.expand(l, sums.shape()), sums);
  const Value scale = kept(b, s);
  if (!scale.present()) {
    attend(b, a);
    return b.status();
  }
  const Value p = b.op("mul", {b.op("div", {e, l}), scale});
  const Value y = b.op("matmul", {grouped(b, p, views.key.dims[1]), b.cast(views.value, Dtype::kF32)});
  const Value place = by_heads(b, a.out, a.layout, a.heads);
  if (!b.failed()) b.store(b.reshape(y, place.shape()), place);
  return b.status();
}

Status build_FlashAttentionScoreGrad(Builder& b) {
  const Attention a = read_training(b);
  const HeadViews views = head_views(b, a);
  check_reach(b, a, views);
  const Value dy = by_heads(b, b.tensor("dy"), a.layout, a.heads);
  const Value largest = b.tensor("softmaxMax"), sums = b.tensor("softmaxSum");
  if (b.failed() || !b.require(largest.rank == 4 && largest.dims[3] >= 1 && sums.shape() == largest.shape(),
                               "'softmaxMax' is {}, 'softmaxSum' {}", to_string(largest), to_string(sums)))
    return b.status();
  const int64_t shared = views.key.dims[1];
  const Value s = scores(b, a, views);
  const Value l = b.op("max", {b.slice(sums, 3, 0, 1), b.constant(Scalar::of(1e-37), Dtype::kF32)});
  const Value p = b.op("div", {b.op("exp", {b.op("sub", {s, b.slice(largest, 3, 0, 1)})}), l});
  if (b.failed()) return b.status();
  const Value scale = kept(b, p);
  const Value used = scale.present() ? b.op("mul", {p, scale}) : p;
  const Value dy_rows = grouped(b, dy, shared);
  Value dp = b.op("matmul", {dy_rows, b.cast(views.value, Dtype::kF32)}, {{"transpose_b", int64_t{1}}});
  if (b.failed()) return b.status();
  dp = b.reshape(dp, p.shape());
  if (scale.present()) dp = b.op("mul", {dp, scale});
  // The sum over a row of dy * attentionIn, without the rounding of the latter.
  const Value along = b.op("reduce_sum", {b.op("mul", {p, dp})}, kLastAxis);
  const Value ds = b.op("mul", {p, b.op("sub", {dp, along})});
  const Value ds_rows = grouped(b, with_scalar(b, "mul", ds, Scalar::of(a.scale)), shared);
  const auto store = [&](const Value& gradient, const char* parameter, int64_t heads) {
    const Value place = by_heads(b, b.output(parameter), a.layout, heads);
    if (!b.failed() && place.elements() > 0) b.store(b.reshape(gradient, place.shape()), place);
  };
  const Attributes turned{{"transpose_a", int64_t{1}}};
  store(b.op("matmul", {ds_rows, b.cast(views.key, Dtype::kF32)}), "dqOut", a.heads);
  store(b.op("matmul", {ds_rows, grouped(b, views.query, shared)}, turned), "dkOut", a.key_heads);
  store(b.op("matmul", {grouped(b, used, shared), dy_rows}, turned), "dvOut", a.key_heads);
  const Value bias = b.output("dpseOut");
  if (b.failed() || bias.elements() == 0) return b.status();
  if (bias.shape() != ds.shape()) return unimplemented("a gradient of 'realShift' {}", to_string(bias));
  b.store(ds, bias);
  return b.status();
}

}  // namespace isthmus::cann
