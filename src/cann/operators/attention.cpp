// SPDX-License-Identifier: Apache-2.0
// Rotary embedding and attention.
#include "cann/operators/attention.h"

#include <algorithm>
#include <limits>

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

// What concerns scores [batch, heads, rows, keys], as far as it does: masks may be larger.
Value for_scores(Builder& b, Value mask, const Value& query, const Value& key) {
  while (!b.failed() && mask.rank < 4) mask = b.unsqueeze(mask, mask.rank == 3 ? 1 : 0);
  if (b.failed() ||
      !b.require(mask.dims[2] >= query.dims[2] && mask.dims[3] >= key.dims[2],
                 "the mask {} for {} rows of {} keys", to_string(mask), query.dims[2], key.dims[2]))
    return {};
  return b.slice(b.slice(mask, 2, 0, query.dims[2]), 3, 0, key.dims[2]);
}

// The mask as dense_attention takes it: numbers to add, or true where a row may look.
Value join(Builder& b, const Attention& a, const Value& query, const Value& key) {
  const Value bias = a.bias.present() ? for_scores(b, a.bias, query, key) : Value{};
  if (!a.mask.present() || a.sparse_mode > 1) return bias;
  const Value hidden = b.cast(for_scores(b, a.mask, query, key), Dtype::kBool);
  if (!bias.present()) return b.op("logical_not", {hidden});
  const Scalar never = Scalar::of(-std::numeric_limits<double>::infinity());
  return b.op("where", {hidden, b.constant(never, bias.dtype), bias});
}

// The logarithm of the sum of e^score of each row.
void store_log_sums(Builder& b, const Attention& a, const Value& query, const Value& key, const Value& mask) {
  if (a.sparse_mode > 1 || !a.key_lengths.empty()) b.fail(unimplemented("softmaxLse with bands or lengths"));
  if (b.failed()) return;
  const int64_t batch = query.dims[0], heads = query.dims[1], rows = query.dims[2], shared = key.dims[1];
  const Value all =
      b.reshape(b.cast(query, Dtype::kF32), {batch, shared, heads / shared * rows, query.dims[3]});
  Value scores = b.op("matmul", {all, b.cast(key, Dtype::kF32)}, {{"transpose_b", int64_t{1}}});
  scores = b.reshape(with_scalar(b, "mul", scores, Scalar::of(a.scale)), {batch, heads, rows, key.dims[2]});
  const Scalar never = Scalar::of(-std::numeric_limits<double>::infinity());
  if (mask.dtype == Dtype::kBool)
    scores = b.op("where", {mask, scores, b.constant(never, Dtype::kF32)});
  else if (mask.present())
    scores = b.op("add", {scores, b.cast(mask, Dtype::kF32)});
  b.store(b.op("reduce_log_sum_exp", {scores}, {{"axes", std::vector<int64_t>{3}}}), a.lse);
}

}  // namespace

void attend(Builder& b, const Attention& a) {
  const Layout layout = parse(a.layout);
  const Value query = by_heads(b, a.query, layout.query, a.heads);
  const int64_t key_heads = a.key_heads > 0 ? a.key_heads : a.heads;
  const Value key = by_heads(b, a.key, layout.query, key_heads);
  const Value value = by_heads(b, a.value, layout.query, key_heads);
  if (b.failed() || !b.require(a.scale != 0, "the scale is 0")) return;
  const Value mask = join(b, a, query, key);
  Attributes attributes{{"scale", a.scale}};
  if (a.sparse_mode == 2 || a.sparse_mode == 3 || a.sparse_mode == 4) {
    const auto bound = [](int64_t tokens) { return std::clamp<int64_t>(tokens, 0, int64_t{1} << 40); };
    attributes.set("after", a.sparse_mode == 4 ? bound(a.after) : 0);
    if (a.sparse_mode == 4) attributes.set("before", bound(a.before));
    attributes.set("align", std::string(a.sparse_mode == 2 ? "start" : "end"));
  }
  Value lengths;
  if (!a.key_lengths.empty()) {
    std::vector<int64_t> each = a.key_lengths;
    if (each.size() == 1) each.resize(static_cast<size_t>(query.dims[0]), each[0]);
    if (!b.require(static_cast<int64_t>(each.size()) == query.dims[0], "{} lengths for a batch of {}",
                   each.size(), query.dims[0]))
      return;
    lengths = b.constant(Dtype::kI32, {query.dims[0]}, each);
  }
  const Value y = b.op("dense_attention", {query, key, value, mask, lengths}, std::move(attributes));
  b.store(y, by_heads(b, a.out, layout.result, a.heads));
  if (a.lse.present()) store_log_sums(b, a, query, key, mask);
}

namespace {

Status rotate(Builder& b, const Value& x, const Value& cos, const Value& sin, bool neighbours,
              const Value& place) {
  if (b.failed()) return b.status();
  const Dtype dtype = floating(Builder::promote(x.dtype, Builder::promote(cos.dtype, sin.dtype)));
  b.store(b.op("rotate_pairs", {b.cast(x, dtype), b.cast(cos, dtype), b.cast(sin, dtype)},
               {{"style", std::string(neighbours ? "interleaved" : "neox")}}),
          place);
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
  a.before = b.integer("preTokens");
  a.after = b.integer("nextTokens");
  a.key_lengths = b.ints("actualSeqLengthsKv");
  a.out = b.output("attentionOut");
  if (b.boolean("softmaxLseFlag")) a.lse = b.output("softmaxLse");
  if (b.failed()) return b.status();
  attend(b, a);
  return b.status();
}

}  // namespace isthmus::cann
