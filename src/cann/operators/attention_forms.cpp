// SPDX-License-Identifier: Apache-2.0
// Other forms of rotary embedding and attention, and what stands between experts.
#include "cann/operators/attention.h"

#include <limits>

#include "cann/operators/common.h"

namespace isthmus::cann {

Status build_FusedInferAttentionScoreV2(Builder& b);  // attention.cpp

namespace {

Value turned(Builder& b, const Value& x, const Value& cos, const Value& sin, bool interleaved) {
  return b.op("rotate_pairs", {x, b.cast(cos, x.dtype), b.cast(sin, x.dtype)},
              {{"style", std::string(interleaved ? "interleaved" : "neox")}});
}

Status turn_both(Builder& b, bool interleaved) {
  const Value cos = b.tensor("cos"), sin = b.tensor("sin");
  for (const char* parameter : {"queryRef", "keyRef"})
    b.store(turned(b, b.tensor(parameter), cos, sin, interleaved), b.output(parameter));
  return b.status();
}

// One query, keys and values without caches in blocks or quantising.
Status attend_plain(Builder& b) {
  const Attention a = read_attention(b);
  if (!b.failed()) attend(b, a);
  return b.status();
}

Value product(Builder& b, const Value& x, const Value& weight, const char* bias) {
  Value y = b.op("matmul", {b.cast(x, Dtype::kF32), b.cast(weight, Dtype::kF32)});
  if (b.has(bias)) y = b.op("add", {y, b.cast(b.tensor(bias), Dtype::kF32)});
  return y;
}

// The activation by its name; the gated ones halve the last dimension.
Value activated(Builder& b, const Value& x, const std::string& name) {
  for (const auto& [given, op] :
       {std::pair{"gelu", "gelu"}, {"fastgelu", "quick_gelu"}, {"relu", "relu"}, {"silu", "silu"}})
    if (name == given) return b.op(op, {x});
  for (const auto& [given, op] : {std::pair{"swiglu", "swiglu"}, {"geglu", "geglu"}, {"reglu", "reglu"}}) {
    if (name != given) continue;
    const auto [left, right] = halves(b, x, -1);
    return b.op(op, {left, right});
  }
  b.fail(unimplemented("activation {}", name));
  return {};
}

}  // namespace

Status build_ApplyRotaryPosEmb(Builder& b) { return turn_both(b, false); }
Status build_ApplyRotaryPosEmbV2(Builder& b) {
  const std::string mode = b.text("rotaryMode");
  b.require(mode == "half" || mode == "interleave", "rotaryMode {}", mode);
  return turn_both(b, mode == "interleave");
}
Status build_RotaryPositionEmbeddingV2(Builder& b) {
  refuse(b, {"rotate"});
  const int64_t mode = b.integer("mode");
  b.require(mode == 0 || mode == 1, "mode {}; 0 and 1 are supported", mode);
  b.store(turned(b, b.tensor("x"), b.tensor("cos"), b.tensor("sin"), mode == 1), b.output());
  return b.status();
}
// The even numbers of a head before the odd ones, then turned as halves.
Status build_InterleaveRope(Builder& b) {
  const Value x = b.tensor("x");
  if (b.failed() || !b.require(x.rank >= 1 && x.rank < kMaxRank && x.dims[x.rank - 1] % 2 == 0, "pairs of {}",
                               to_string(x)))
    return b.status();
  std::vector<int64_t> pairs = x.shape();
  pairs.back() /= 2;
  pairs.push_back(2);
  const Value apart = b.reshape(b.transpose(b.reshape(x, pairs), -1, -2), x.shape());
  b.store(turned(b, apart, b.tensor("cos"), b.tensor("sin"), false), b.output("y"));
  return b.status();
}

Status build_PromptFlashAttentionV3(Builder& b) {
  refuse(b, {"deqScale1", "quantScale1", "deqScale2", "quantScale2", "quantOffset2"});
  return attend_plain(b);
}
Status build_IncreFlashAttentionV4(Builder& b) {
  refuse(b, {"dequantScale1", "quantScale1", "dequantScale2", "quantScale2", "quantOffset2", "antiquantScale",
             "antiquantOffset", "blockTable", "kvPaddingSize"});
  return attend_plain(b);
}
Status build_FusedInferAttentionScoreV3(Builder& b) {
  refuse(b, {"queryRope", "keyRope", "keyRopeAntiquantScale"});
  return build_FusedInferAttentionScoreV2(b);
}

// Parts of one softmax weighted by their sums of exponentials.
Status build_AttentionUpdate(Builder& b) {
  const std::vector<Value> sums = b.tensor_list("lse"), parts = b.tensor_list("localOut");
  const int64_t type = b.integer("updateType");
  b.require(type == 0 || type == 1, "updateType {}", type);
  if (b.failed() || !b.require(!sums.empty() && sums.size() == parts.size(), "{} sums for {} parts",
                               sums.size(), parts.size()))
    return b.status();
  Value largest = b.cast(sums[0], Dtype::kF32);
  for (const Value& sum : sums) largest = b.op("max", {largest, b.cast(sum, Dtype::kF32)});
  Value total, out;
  for (size_t i = 0; i < sums.size(); ++i) {
    const Value weight = b.op("exp", {b.op("sub", {b.cast(sums[i], Dtype::kF32), largest})});
    const Value part = b.op("mul", {b.cast(parts[i], Dtype::kF32), b.unsqueeze(weight, weight.rank)});
    total = i ? b.op("add", {total, weight}) : weight;
    out = i ? b.op("add", {out, part}) : part;
  }
  if (b.failed()) return b.status();
  b.store(b.op("div", {out, b.unsqueeze(total, total.rank)}), b.output("out"));
  const Value place = b.output("lseOut");
  if (place.present() && place.elements() > 0) b.store(b.op("add", {b.op("log", {total}), largest}), place);
  return b.status();
}

Status build_FFNV2(Builder& b) {
  refuse(b, {"expertTokens", "scale", "offset", "deqScale1", "deqScale2", "antiquantScale1",
             "antiquantScale2", "antiquantOffset1", "antiquantOffset2"});
  const Value hidden =
      activated(b, product(b, b.tensor("x"), b.tensor("weight1"), "bias1"), b.text("activation"));
  b.store(product(b, hidden, b.tensor("weight2"), "bias2"), b.output("y"));
  return b.status();
}

// Rows sorted by expert, stable; sortedIndices says where each (token, choice) went.
Status build_MoeTokenPermute(Builder& b) {
  const Value tokens = b.tensor("tokens"), experts = b.tensor("indices"),
              place = b.output("permuteTokensOut");
  b.require(!b.boolean("paddedMode"), "paddedMode is not supported");
  if (b.failed() || !b.require(tokens.rank == 2 && experts.rank <= 2 && experts.rank >= 1 &&
                                   tokens.dims[0] == experts.dims[0],
                               "tokens {} for experts {}", to_string(tokens), to_string(experts)))
    return b.status();
  const int64_t choices = experts.rank == 2 ? experts.dims[1] : 1, count = experts.elements();
  const std::vector<Value> sorted = b.ops("sort", {b.reshape(experts, {count})});
  if (b.failed()) return b.status();
  const std::vector<Value> places = b.ops("sort", {sorted[1]});
  if (b.failed()) return b.status();
  const Value rows =
      b.slice(b.op("div", {sorted[1], b.constant(Scalar::of(choices), Dtype::kI64)}), 0, 0, place.dims[0]);
  b.store(b.op("gather", {tokens, rows}), place);
  b.store(places[1], b.output("sortedIndicesOut"));
  return b.status();
}
Status build_MoeTokenUnpermute(Builder& b) {
  const Value rows = b.tensor("permutedTokens"), places = as_index(b, b.tensor("sortedIndices"));
  b.require(!b.boolean("paddedMode"), "paddedMode is not supported");
  const Value probabilities = b.optional("probs");
  if (b.failed()) return b.status();
  const int64_t choices = probabilities.present() && probabilities.rank == 2 ? probabilities.dims[1] : 1;
  if (!b.require(rows.rank == 2 && places.rank == 1 && choices > 0 && places.dims[0] % choices == 0,
                 "{} by {}", to_string(rows), to_string(places)))
    return b.status();
  const Value back = b.cast(b.op("gather", {rows, places}), Dtype::kF32);
  Value y = b.reshape(back, {places.dims[0] / choices, choices, rows.dims[1]});
  if (probabilities.present())
    y = b.op("mul", {y, b.reshape(b.cast(probabilities, Dtype::kF32), {y.dims[0], choices, 1})});
  b.store(b.op("reduce_sum", {y}, {{"axes", std::vector<int64_t>{1}}, {"keep_dims", int64_t{0}}}),
          b.output());
  return b.status();
}

// As vLLM samples: first the k largest of each row, then of those the smallest set that has the mass p.
Status build_ApplyTopKTopP(Builder& b) {
  const Value logits = b.cast(b.tensor("logits"), Dtype::kF32);
  if (b.failed() || !b.require(logits.rank == 2, "logits are {}", to_string(logits))) return b.status();
  const int64_t n = logits.dims[1];
  const std::vector<Value> sorted = b.ops("sort", {logits});
  if (b.failed()) return b.status();
  const Value nothing = b.constant(Scalar::of(-std::numeric_limits<double>::infinity()), Dtype::kF32);
  Value kept = sorted[0];
  if (b.has("k")) {
    const Value first = from_scalar(b, "sub", Scalar::of(n), b.cast(b.tensor("k"), Dtype::kI64));
    const Value from = with_scalar(b, "max", first, Scalar::of(int64_t{0}));  // k beyond n keeps all
    const Value smallest = b.op("gather_elements", {kept, b.unsqueeze(from, 1)}, {{"axis", int64_t{1}}});
    kept = b.op("where", {b.op("less", {kept, smallest}), nothing, kept});
  }
  if (b.has("p")) {
    const Value mass = b.op("cumulative_sum", {b.op("softmax", {kept})}, {{"axis", int64_t{1}}});
    const Value rest = from_scalar(b, "sub", Scalar::of(1.0), b.cast(b.tensor("p"), Dtype::kF32));
    const Value cut = b.op("less_equal", {mass, b.unsqueeze(rest, 1)});
    const Value ones = b.filled(Scalar::of(int64_t{1}), Dtype::kI64, {n});
    const Value last = with_scalar(b, "equal", b.op("cumulative_sum", {ones}), Scalar::of(n));
    kept = b.op("where", {b.op("logical_and", {cut, b.op("logical_not", {last})}), nothing, kept});
  }
  b.store(b.op("scatter_elements", {logits, sorted[1], kept}, {{"axis", int64_t{1}}}), b.output());
  return b.status();
}

}  // namespace isthmus::cann
