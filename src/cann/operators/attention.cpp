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

// What the modes say about places: each row sees so many keys before and after its own.
struct Band {
  bool any = false, past = true;  // past: there is a limit before
  bool from_start = false;        // places are counted from the left end
  int64_t before = 0, after = 0;
};
Band band_of(Builder& b, const Attention& a, int64_t rows, int64_t keys) {
  const bool counted = a.sparse_mode == 4 || (a.sparse_mode == 0 && a.mask.present());
  if (!counted) return {a.sparse_mode >= 2, false, a.sparse_mode == 2, 0, 0};
  if (a.before < 0 || a.after < 0)
    b.fail(unimplemented("preTokens {} and nextTokens {}: none may be negative", a.before, a.after));
  const int64_t far = rows + keys;
  const bool hides = a.sparse_mode == 4 || a.before < rows || a.after < keys;
  return {hides, true, a.sparse_mode == 0, std::min(a.before, far), std::min(a.after, far)};
}

// The band as a truth for each row and key; absent where there is none.
Value seen_in(Builder& b, const Band& band, int64_t rows, int64_t keys) {
  if (!band.any) return {};
  const int64_t start = band.from_start ? 0 : keys - rows;
  const Value all = b.filled(Scalar::of(int64_t{1}), Dtype::kBool, {rows, keys});
  const Value seen = b.op("trilu", {all}, {{"upper", int64_t{0}}, {"k", start + band.after}});
  return band.past ? b.op("trilu", {seen}, {{"k", start - band.before}}) : seen;
}

void store_log_sums(Builder& b, const Attention& a, const HeadViews& views) {
  if (!a.key_lengths.empty()) b.fail(unimplemented("softmaxLse with lengths"));
  b.store(b.op("reduce_log_sum_exp", {scores(b, a, views)}, {{"axes", std::vector<int64_t>{3}}}), a.lse);
}

}  // namespace

Value by_heads(Builder& b, Value x, const std::string& layout, int64_t heads) {
  if (b.failed()) return {};
  if (!b.require(x.rank == static_cast<int>(layout.size()), "{} for layout {}", to_string(x), layout))
    return {};
  if (layout == "BSH") {
    if (!b.require(heads > 0 && x.dims[2] % heads == 0, "{} for {} heads", to_string(x), heads)) return {};
    x = b.reshape(x, {x.dims[0], x.dims[1], heads, x.dims[2] / heads});
    return b.transpose(x, 1, 2);
  }
  if (layout == "SBH") return by_heads(b, b.transpose(x, 0, 1), "BSH", heads);
  if (layout == "BSND") return b.transpose(x, 1, 2);
  if (layout == "BNSD") return x;
  if (layout == "NSD") return b.unsqueeze(x, 0);
  b.fail(unimplemented("layout {}", layout));
  return {};
}

HeadViews head_views(Builder& b, const Attention& a) {
  const std::string layout = parse(a.layout).query;
  const int64_t key_heads = a.key_heads > 0 ? a.key_heads : a.heads;
  HeadViews views{by_heads(b, a.query, layout, a.heads), by_heads(b, a.key, layout, key_heads),
                  by_heads(b, a.value, layout, key_heads)};
  if (!b.failed())
    b.require(views.key.dims[1] > 0 && views.query.dims[1] % views.key.dims[1] == 0, "{} heads over {}",
              views.query.dims[1], views.key.dims[1]);
  return views;
}

Value scores(Builder& b, const Attention& a, const HeadViews& views) {
  const Value &query = views.query, &key = views.key;
  if (b.failed()) return {};
  const int64_t batch = query.dims[0], heads = query.dims[1], rows = query.dims[2], shared = key.dims[1];
  const Value all =
      b.reshape(b.cast(query, Dtype::kF32), {batch, shared, heads / shared * rows, query.dims[3]});
  Value y = b.op("matmul", {all, b.cast(key, Dtype::kF32)}, {{"transpose_b", int64_t{1}}});
  y = b.reshape(with_scalar(b, "mul", y, Scalar::of(a.scale)), {batch, heads, rows, key.dims[2]});
  const Value never = b.constant(Scalar::of(-std::numeric_limits<double>::infinity()), Dtype::kF32);
  const Value mask = join(b, a, query, key);
  if (mask.dtype == Dtype::kBool)
    y = b.op("where", {mask, y, never});
  else if (mask.present())
    y = b.op("add", {y, b.cast(mask, Dtype::kF32)});
  const Value seen = seen_in(b, band_of(b, a, rows, key.dims[2]), rows, key.dims[2]);
  return seen.present() ? b.op("where", {seen, y, never}) : y;
}

void attend(Builder& b, const Attention& a) {
  const HeadViews views = head_views(b, a);
  const auto& [query, key, value] = views;
  if (b.failed() || !b.require(a.scale != 0, "the scale is 0")) return;
  const Value mask = join(b, a, query, key);
  Attributes attributes{{"scale", a.scale}};
  const int64_t rows = query.dims[2], keys = key.dims[2];
  if (const Band band = band_of(b, a, rows, keys); band.any) {
    attributes.set("after", band.after);
    if (band.past) attributes.set("before", band.before);
    attributes.set("align", std::string(band.from_start ? "start" : "end"));
  }
  for (int64_t length : a.query_lengths)
    if (length != rows)
      b.fail(unimplemented("a length of {} among {} rows in 'actualSeqLengths'; all are supported", length,
                           rows));
  for (int64_t length : a.key_lengths)
    if (!b.require(length >= 0 && length <= keys, "a length of {} among {} keys", length, keys)) return;
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
  b.store(y, by_heads(b, a.out, parse(a.layout).result, a.heads));
  if (a.lse.present()) store_log_sums(b, a, views);
}

void refuse(Builder& b, std::initializer_list<const char*> parameters) {
  for (const char* parameter : parameters)
    if (b.declares(parameter) && b.has(parameter)) b.fail(unimplemented("'{}' is not supported", parameter));
}

namespace {

// A tensor, or the one of a list.
Value only(Builder& b, const char* parameter) {
  const std::vector<Value> values = b.tensor_list(parameter);
  b.require(values.size() == 1, "{} tensors in '{}', one is supported", values.size(), parameter);
  return values.empty() ? Value{} : values[0];
}
// The first of these names that the operator has.
const char* first_of(Builder& b, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (b.declares(name)) return name;
  return nullptr;
}

}  // namespace

Attention read_attention(Builder& b) {
  Attention a;
  a.query = b.tensor("query");
  a.key = only(b, "key");
  a.value = only(b, "value");
  if (const char* bias = first_of(b, {"pseShift", "realShift"})) a.bias = b.optional(bias);
  a.mask = b.optional("attenMask");
  a.heads = b.integer(first_of(b, {"numHeads", "headNum"}));
  if (b.declares("numKeyValueHeads")) a.key_heads = b.integer("numKeyValueHeads");
  a.scale = b.number("scaleValue");
  a.layout = b.text("inputLayout");
  if (b.declares("sparseMode")) {
    a.sparse_mode = b.integer("sparseMode");
    a.before = b.integer("preTokens");
    a.after = b.integer("nextTokens");
    b.require(a.sparse_mode >= 0 && a.sparse_mode <= 4, "sparseMode {}; 0 to 4 are supported", a.sparse_mode);
  }
  if (const char* lengths = first_of(b, {"actualSeqLengthsKv", "actualSeqLengths"}))
    a.key_lengths = b.ints(lengths);
  if (b.declares("actualSeqLengthsKv")) a.query_lengths = b.ints("actualSeqLengths");
  if (b.declares("softmaxLseFlag") && b.boolean("softmaxLseFlag")) a.lse = b.output("softmaxLse");
  if (b.declares("attentionOut")) a.out = b.output("attentionOut");  // a gradient has none
  return a;
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
  refuse(b, {"deqScale1", "quantScale1", "deqScale2", "quantScale2", "quantOffset2", "antiquantScale",
             "antiquantOffset", "blockTable", "queryPaddingSize", "kvPaddingSize", "keyAntiquantScale",
             "keyAntiquantOffset", "valueAntiquantScale", "valueAntiquantOffset", "keySharedPrefix",
             "valueSharedPrefix", "actualSharedPrefixLen"});
  const Attention a = read_attention(b);
  if (!b.failed()) attend(b, a);
  return b.status();
}

}  // namespace isthmus::cann
