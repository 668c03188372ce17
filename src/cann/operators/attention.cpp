// SPDX-License-Identifier: Apache-2.0
// Rotary embedding and attention.
#include "cann/operators/attention.h"

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

// The layouts of queries and of results: "BSND", "BNSD_BSND". Heads, rows and numbers of a head (B, N, S, D).
struct Layout {
  std::string query, result;
};
Layout parse(const std::string& text) {
  const size_t middle = text.find('_');
  return {text.substr(0, middle), text.substr(middle == std::string::npos ? 0 : middle + 1)};
}

// x as [batch, heads, rows, numbers], a view.
Value by_heads(Builder& b, Value x, const std::string& layout, int64_t heads) {
  if (b.failed()) return {};
  if (!b.require(x.rank == static_cast<int>(layout.size()), "{} for layout {}", to_string(x), layout))
    return {};
  if (layout == "BSH") {
    if (!b.require(heads > 0 && x.dims[2] % heads == 0, "{} for {} heads", to_string(x), heads)) return {};
    x = b.reshape(x, {x.dims[0], x.dims[1], heads, x.dims[2] / heads});
    return b.transpose(x, 1, 2);
  }
  if (layout == "BSND") return b.transpose(x, 1, 2);
  if (layout == "BNSD") return x;
  if (layout == "NSD") return b.unsqueeze(x, 0);
  b.fail(unimplemented("layout {}", layout));
  return {};
}

// [batch or 1, heads or 1, rows, keys] added to the scores as it is, or where it is true.
Value to_scores(Builder& b, Value mask, const Value& scores) {
  while (!b.failed() && mask.rank < 4) mask = b.unsqueeze(mask, mask.rank == 3 ? 1 : 0);
  if (b.failed()) return {};
  b.require(mask.dims[2] >= scores.dims[2] && mask.dims[3] >= scores.dims[3], "the mask {} for scores {}",
            to_string(mask), to_string(scores));
  return b.slice(b.slice(mask, 2, 0, scores.dims[2]), 3, 0, scores.dims[3]);
}

// Where a row must not look, beyond the mask: keys after its own position (from the left or the right end).
Value ordered(Builder& b, const Value& scores, bool right) {
  const int64_t rows = scores.dims[2], keys = scores.dims[3];
  const Value ones = b.filled(Scalar::of(int64_t{1}), Dtype::kBool, {rows, keys});
  return b.op("trilu", {ones}, {{"upper", int64_t{1}}, {"k", 1 + (right ? keys - rows : 0)}});
}

Value hidden(Builder& b, const Value& scores, const Value& where) {
  return b.op("where",
              {where, b.constant(Scalar::of(-std::numeric_limits<double>::infinity()), Dtype::kF32), scores});
}

}  // namespace

void attend(Builder& b, const Attention& a) {
  const Layout layout = parse(a.layout);
  const Value query = by_heads(b, a.query, layout.query, a.heads);
  const int64_t key_heads = a.key_heads > 0 ? a.key_heads : a.heads;
  const Value key = by_heads(b, a.key, layout.query, key_heads);
  const Value value = by_heads(b, a.value, layout.query, key_heads);
  if (b.failed()) return;
  const int64_t batch = query.dims[0], heads = query.dims[1], rows = query.dims[2], keys = key.dims[2];
  if (!b.require(heads % key.dims[1] == 0 && key.dims[0] == batch && value.dims[2] == keys &&
                     key.dims[3] == query.dims[3] && value.dims[1] == key.dims[1] && value.dims[0] == batch,
                 "queries {}, keys {}, values {} do not fit together", to_string(query), to_string(key),
                 to_string(value)))
    return;
  // Scores in F32, so that nothing is narrower than what the caller gave. Heads that share keys are more
  // rows.
  const int64_t groups = heads / key.dims[1];
  const auto grouped = [&](const Value& x) {
    return b.reshape(x, {batch, key.dims[1], groups * rows, x.dims[3]});
  };
  const Value wide_key = b.cast(key, Dtype::kF32), wide_value = b.cast(value, Dtype::kF32);
  Value scores =
      b.op("matmul", {grouped(b.cast(query, Dtype::kF32)), wide_key}, {{"transpose_b", int64_t{1}}});
  if (a.scale != 1) scores = with_scalar(b, "mul", scores, Scalar::of(a.scale));
  if (b.failed()) return;
  scores = b.reshape(scores, {batch, heads, rows, keys});
  if (a.bias.present()) scores = b.op("add", {scores, b.cast(to_scores(b, a.bias, scores), Dtype::kF32)});
  if (a.mask.present() && a.sparse_mode < 2)
    scores = hidden(b, scores, b.cast(to_scores(b, a.mask, scores), Dtype::kBool));
  if (a.sparse_mode == 2 || a.sparse_mode == 3)
    scores = hidden(b, scores, ordered(b, scores, a.sparse_mode == 3));
  if (!a.key_lengths.empty()) {
    std::vector<int64_t> beyond;
    for (int64_t length : a.key_lengths)
      for (int64_t i = 0; i < keys; ++i) beyond.push_back(i >= length);
    const auto lengths = static_cast<int64_t>(a.key_lengths.size());
    if (!b.require(lengths == batch || lengths == 1, "{} lengths for a batch of {}", lengths, batch)) return;
    bool any = false;
    for (int64_t number : beyond) any |= number != 0;
    if (any) scores = hidden(b, scores, b.constant(Dtype::kBool, {lengths, 1, 1, keys}, beyond));
  }
  if (a.lse.present())
    b.store(b.op("reduce_log_sum_exp", {scores}, {{"axes", std::vector<int64_t>{3}}}), a.lse);
  const Value weights = grouped(b.op("softmax", {scores}, {{"axis", int64_t{-1}}}));
  const Value mixed = b.reshape(b.op("matmul", {weights, wide_value}), {batch, heads, rows, value.dims[3]});
  b.store(mixed, by_heads(b, a.out, layout.result, a.heads));
}

namespace {

// y = x * cos + (x with its pairs turned) * sin
Status rotate(Builder& b, const Value& x, const Value& cos, const Value& sin, bool neighbours,
              const Value& place) {
  if (b.failed() || !b.require(x.rank > 0 && x.dims[x.rank - 1] % 2 == 0, "{} has no pairs", to_string(x)))
    return b.status();
  const int64_t d = x.dims[x.rank - 1];
  const auto part = [&](const Value& v, int which) {
    return neighbours ? b.slice(v, -1, which, d, 2) : b.slice(v, -1, which * d / 2, (which + 1) * d / 2);
  };
  const Dtype dtype = wide(Builder::promote(x.dtype, cos.dtype));
  const auto times = [&](const Value& v, const Value& factor, int which) {
    return binary(b, "mul", v, part(factor, which), dtype);
  };
  if (!b.require(cos.rank > 0 && cos.dims[cos.rank - 1] == d && sin.rank > 0 && sin.dims[sin.rank - 1] == d,
                 "cos {} and sin {} for {}", to_string(cos), to_string(sin), to_string(x)))
    return b.status();
  const Value first = part(x, 0), second = part(x, 1);
  b.store(b.op("sub", {times(first, cos, 0), times(second, sin, 0)}), part(place, 0));
  b.store(b.op("add", {times(second, cos, 1), times(first, sin, 1)}), part(place, 1));
  return b.status();
}

}  // namespace

Status build_RotaryPositionEmbedding(Builder& b) {
  const int64_t mode = b.integer("mode");
  if (!b.require(mode == 0 || mode == 1, "mode {}; 0 and 1 are supported", mode)) return b.status();
  return rotate(b, b.tensor("x"), b.tensor("cos"), b.tensor("sin"), mode == 1, b.output());
}

Status build_FusedInferAttentionScoreV2(Builder& b) {
  for (const char* absent :
       {"deqScale1", "quantScale1", "deqScale2", "quantScale2", "quantOffset2", "antiquantScale",
        "antiquantOffset", "blockTable", "queryPaddingSize", "kvPaddingSize", "keyAntiquantScale",
        "keyAntiquantOffset", "valueAntiquantScale", "valueAntiquantOffset", "keySharedPrefix",
        "valueSharedPrefix", "actualSharedPrefixLen"})
    if (b.has(absent)) b.fail(unimplemented("'{}' is not supported", absent));
  const std::vector<Value> keys = b.tensor_list("key"), values = b.tensor_list("value");
  if (b.failed() || !b.require(keys.size() == 1 && values.size() == 1,
                               "{} keys and {} values, one is supported", keys.size(), values.size()))
    return b.status();
  Attention a;
  a.query = b.tensor("query");
  a.key = keys[0];
  a.value = values[0];
  a.bias = b.optional("pseShift");
  a.mask = b.optional("attenMask");
  a.heads = b.integer("numHeads");
  a.key_heads = b.integer("numKeyValueHeads");
  a.scale = b.number("scaleValue");
  a.layout = b.text("inputLayout");
  a.sparse_mode = b.integer("sparseMode");
  a.key_lengths = b.ints("actualSeqLengthsKv");
  a.out = b.output("attentionOut");
  if (b.boolean("softmaxLseFlag")) a.lse = b.output("softmaxLse");
  if (b.failed()) return b.status();
  attend(b, a);
  return b.status();
}

}  // namespace isthmus::cann
