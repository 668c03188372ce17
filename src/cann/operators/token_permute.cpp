// SPDX-License-Identifier: Apache-2.0
// Mixtures of experts in training: rows permuted by a map of which expert gets which, and gradients of the
// ways there and back.
#include "cann/operators/rows.h"

namespace isthmus::cann {
namespace {

bool unpadded(Builder& b) {
  return b.require(!b.boolean("paddedMode"), "paddedMode is not supported") && !b.failed();
}

// Sums of rows by number into n rows, in F32.
Value added_rows(Builder& b, const Value& rows, const Value& numbers, int64_t n) {
  if (b.failed()) return {};
  const Value zeros = b.filled(Scalar::of(0.0), Dtype::kF32, {n, rows.dims[1]});
  return b.op("scatter_nd", {zeros, b.unsqueeze(numbers, 1), b.cast(rows, Dtype::kF32)},
              {{"reduction", std::string("add")}});
}

// The pairs of a routing map [tokens, experts], expert by expert: `count` of those that are set, or with
// dropAndPad as many for each expert, the set ones first.
struct Pairs {
  Value token, expert;  // of each row
  Value in_map;         // token * experts + expert
};
Pairs pairs_of(Builder& b, Value map, int64_t count, bool pad) {
  if (b.failed() ||
      !b.require(map.rank == 2 && map.dims[0] > 0 && map.dims[1] > 0, "a routing map of {}", to_string(map)))
    return {};
  const int64_t tokens = map.dims[0], experts = map.dims[1];
  map = b.transpose(b.cast(b.cast(map, Dtype::kBool), Dtype::kI32), 0, 1);
  Pairs pairs;
  Value at;  // in the map, expert by expert
  if (pad) {
    const int64_t room = count / experts;
    if (!b.require(count % experts == 0 && room <= tokens, "{} rows for {} experts of {} tokens", count,
                   experts, tokens))
      return {};
    const std::vector<Value> sorted = b.ops("sort", {map}, {{"descending", int64_t{1}}});
    if (b.failed()) return {};
    pairs.token = flat(b, b.slice(sorted[1], 1, 0, room));
    pairs.expert = flat(b, b.expand(b.unsqueeze(count_up(b, experts), 1), {experts, room}));
  } else {
    if (!b.require(count <= tokens * experts, "{} rows of {} tokens and {} experts", count, tokens, experts))
      return {};
    const std::vector<Value> sorted = b.ops("sort", {flat(b, map)}, {{"descending", int64_t{1}}});
    if (b.failed()) return {};
    at = b.slice(sorted[1], 0, 0, count);
    pairs.token = b.op("mod", {at, whole_number(b, tokens)});
    pairs.expert = b.op("div", {at, whole_number(b, tokens)});
  }
  pairs.in_map = b.op("add", {b.op("mul", {pairs.token, whole_number(b, experts)}), pairs.expert});
  return pairs;
}

}  // namespace

Status build_MoeTokenPermuteGrad(Builder& b) {
  const Value gradient = b.tensor("permutedOutputGrad"), places = numbers_in(b, b.tensor("sortedIndices")),
              out = b.output();
  const int64_t choices = b.integer("numTopk");
  if (!unpadded(b) ||
      !b.require(gradient.rank == 2 && out.rank == 2 && choices > 0 && out.dims[1] == gradient.dims[1] &&
                     places.elements() / choices == out.dims[0] && places.elements() % choices == 0,
                 "{} rows of {}, {} for each, in {}", places.elements(), to_string(gradient), choices,
                 to_string(out)))
    return b.status();
  const Value back = b.cast(rows_of(b, gradient, places), Dtype::kF32);
  b.store(sum_over(b, b.reshape(back, {out.dims[0], choices, out.dims[1]}), 1), out);
  return b.status();
}

Status build_MoeTokenUnpermuteGrad(Builder& b) {
  const Value rows = b.optional("permutedTokens"), gradient = b.tensor("unpermutedTokensGrad"),
              places = numbers_in(b, b.tensor("sortedIndices")), probabilities = b.optional("probs"),
              out = b.output("permutedTokensGradOut");
  if (!unpadded(b)) return b.status();
  const int64_t choices = probabilities.present() && probabilities.rank == 2 ? probabilities.dims[1] : 1;
  if (!b.require(gradient.rank == 2 && choices > 0 && places.elements() == gradient.dims[0] * choices &&
                     out.rank == 2 && out.dims[1] == gradient.dims[1],
                 "{} by {} in {}", to_string(gradient), to_string(places), to_string(out)))
    return b.status();
  const Value from = inverse(b, places, out.dims[0]);  // the (row, choice) of each row of out
  const Value row = b.op("div", {from, whole_number(b, choices)});
  Value y = b.cast(rows_of(b, gradient, row), Dtype::kF32);
  if (probabilities.present()) {
    const Value weight = rows_of(b, b.cast(flat(b, probabilities), Dtype::kF32), from);
    y = b.op("mul", {y, b.unsqueeze(weight, 1)});
    const Value place = b.output("probsGradOut");
    if (b.failed() || !b.require(rows.present() && rows.rank == 2 && rows.dims[1] == gradient.dims[1],
                                 "the gradient of probs needs permutedTokens, which is {}", to_string(rows)))
      return b.status();
    const Value back = b.reshape(b.cast(rows_of(b, rows, places), Dtype::kF32),
                                 {gradient.dims[0], choices, gradient.dims[1]});
    const Value products = b.op("mul", {back, b.unsqueeze(b.cast(gradient, Dtype::kF32), 1)});
    if (place.present()) b.store(sum_over(b, products, 2), place);
  }
  b.store(y, out);
  return b.status();
}

Status build_MoeTokenPermuteWithRoutingMap(Builder& b) {
  const Value tokens = b.tensor("tokens"), map = b.tensor("routingMap"), probabilities = b.optional("probs"),
              out = b.output("permuteTokensOut"), index = b.output("sortedIndicesOut");
  const bool pad = b.boolean("dropAndPad");
  if (b.failed() ||
      !b.require(tokens.rank == 2 && out.rank == 2 && map.rank == 2 && map.dims[0] == tokens.dims[0] &&
                     (!probabilities.present() || probabilities.shape() == map.shape()),
                 "tokens {}, routing map {}, probs {}, out {}", to_string(tokens), to_string(map),
                 to_string(probabilities), to_string(out)))
    return b.status();
  const Pairs pairs = pairs_of(b, map, out.dims[0], pad);
  b.store(rows_of(b, tokens, pairs.token), out);
  const Value place = b.output("permuteProbsOut");
  if (probabilities.present() && place.present())
    b.store(rows_of(b, flat(b, probabilities), pairs.in_map), place);
  if (pad) {
    b.store(pairs.token, index);
    return b.status();
  }
  const std::vector<Value> places = b.ops("sort", {pairs.token});
  if (b.failed()) return b.status();
  b.store(places[1], index);
  return b.status();
}

// The rows of a token are added in the order of their experts.
Status build_MoeTokenPermuteWithRoutingMapGrad(Builder& b) {
  const Value gradient = b.tensor("permutedTokenOutputGrad"), map = b.tensor("routingMap"),
              out = b.output("tokensGradOut");
  const bool pad = b.boolean("dropAndPad");
  if (b.failed() ||
      !b.require(gradient.rank == 2 && map.rank == 2 && out.rank == 2 && out.dims[0] == map.dims[0] &&
                     out.dims[1] == gradient.dims[1] && b.integer("numExperts") == map.dims[1] &&
                     b.integer("tokensNum") == map.dims[0],
                 "{} by a map of {} in {}", to_string(gradient), to_string(map), to_string(out)))
    return b.status();
  const Pairs pairs = pairs_of(b, map, gradient.dims[0], pad);
  const Value token = pad ? numbers_in(b, b.tensor("sortedIndices")) : pairs.token;
  if (b.failed() || !b.require(token.elements() == gradient.dims[0], "sortedIndices are {} for {}",
                               to_string(token), to_string(gradient)))
    return b.status();
  b.store(added_rows(b, gradient, token, out.dims[0]), out);
  const Value weights = b.optional("permutedProbsOutputGrad"), place = b.output("probsGradOut");
  if (!weights.present() || !place.present()) return b.status();
  const Value at = b.op("add", {b.op("mul", {token, whole_number(b, map.dims[1])}), pairs.expert});
  const Value zeros = b.filled(Scalar::of(0.0), weights.dtype, {map.elements()});
  b.store(b.reshape(b.op("scatter_elements", {zeros, at, flat(b, weights)}), map.shape()), place);
  return b.status();
}

Status build_MoeTokenUnpermuteWithRoutingMap(Builder& b) {
  const Value rows = b.tensor("permutedTokens"), given = numbers_in(b, b.tensor("sortedIndices")),
              map = b.optional("routingMap"), probabilities = b.optional("probs"),
              out = b.output("unpermutedTokensOut"), kept = b.output("permuteProbsOut");
  if (b.failed() ||
      !b.require(rows.rank == 2 && out.rank == 2 && out.dims[1] == rows.dims[1] &&
                     given.elements() == rows.dims[0] && rows.dims[0] > 0 && out.dims[0] > 0,
                 "{} by {} in {}", to_string(rows), to_string(given), to_string(out)) ||
      !b.require(
          !probabilities.present() || (probabilities.rank == 2 && probabilities.dims[0] == out.dims[0]),
          "probs {} of {}", to_string(probabilities), to_string(out)))
    return b.status();
  const int64_t count = rows.dims[0], n = out.dims[0], width = out.dims[1];
  Value y = b.cast(rows, Dtype::kF32), weight;
  if (b.boolean("dropAndPad")) {
    // Each expert has as many rows, of which `given` names the tokens.
    if (probabilities.present()) {
      const int64_t experts = probabilities.dims[1];
      if (!b.require(experts > 0 && count % experts == 0, "{} rows of {} experts", count, experts))
        return b.status();
      const Value expert =
          flat(b, b.expand(b.unsqueeze(count_up(b, experts), 1), {experts, count / experts}));
      const Value at = b.op("add", {b.op("mul", {given, whole_number(b, experts)}), expert});
      weight = rows_of(b, flat(b, probabilities), at);
      y = b.op("mul", {y, b.unsqueeze(b.cast(weight, Dtype::kF32), 1)});
    }
    b.store(added_rows(b, y, given, n), out);
    const std::vector<Value> sorted = b.ops("sort", {given});
    if (b.failed()) return b.status();
    b.store(sorted[1], b.output("outIndexOut"));
    b.store(sorted[0], b.output("permuteTokenIdOut"));
  } else {
    if (!b.require(count % n == 0, "{} rows of {} tokens", count, n)) return b.status();
    y = b.reshape(rows_of(b, y, given), {n, count / n, width});
    if (probabilities.present()) {
      if (!b.require(map.present() && map.shape() == probabilities.shape() && count <= map.elements(),
                     "routing map {} for probs {}", to_string(map), to_string(probabilities)))
        return b.status();
      const Value set = flat(b, b.cast(b.cast(map, Dtype::kBool), Dtype::kI32));
      const std::vector<Value> sorted = b.ops("sort", {set}, {{"descending", int64_t{1}}});
      if (b.failed()) return b.status();
      weight = rows_of(b, flat(b, probabilities), b.slice(sorted[1], 0, 0, count));
      y = b.op("mul", {y, b.reshape(b.cast(weight, Dtype::kF32), {n, count / n, 1})});
    }
    b.store(sum_over(b, y, 1), out);
  }
  if (weight.present() && kept.present()) b.store(weight, kept);
  return b.status();
}

// What came rank by rank, and within each expert by expert, goes expert by expert.
Status build_MoeReRouting(Builder& b) {
  const Value tokens = b.tensor("tokens"), counts = b.cast(b.tensor("expertTokenNumPerRank"), Dtype::kI64);
  const Value scales = b.optional("perTokenScales");
  b.require(b.integer("expertTokenNumType") == 1, "expertTokenNumType {}; 1, counts, is supported",
            b.integer("expertTokenNumType"));
  b.require(b.integer("idxType") == 0, "idxType {}; 0, where rows came from, is supported",
            b.integer("idxType"));
  if (b.failed() ||
      !b.require(tokens.rank >= 1 && counts.rank == 2 && counts.elements() > 0 &&
                     (!scales.present() || (scales.rank >= 1 && scales.dims[0] == tokens.dims[0])),
                 "tokens {}, counts {}, scales {}", to_string(tokens), to_string(counts), to_string(scales)))
    return b.status();
  const int64_t n = tokens.dims[0], blocks = counts.elements();
  const auto starts = [&](const Value& lengths) {
    return b.op("cumulative_sum", {flat(b, lengths)}, {{"exclusive", int64_t{1}}});
  };
  const Value source = b.reshape(starts(counts), counts.shape());
  const Value target = starts(b.transpose(counts, 0, 1));
  const Value ahead = b.op("sub", {flat(b, b.transpose(source, 0, 1)), target});
  // Which block a row belongs to: how many begin at or before it.
  const Value begun =
      b.op("scatter_elements", {whole_numbers(b, 0, {n}), target, whole_numbers(b, 1, {blocks})},
           {{"reduction", std::string("add")}});
  const Value block = b.op("sub", {b.op("cumulative_sum", {begun}), whole_number(b, 1)});
  const Value row = b.op("add", {count_up(b, n), rows_of(b, ahead, block)});
  b.store(rows_of(b, tokens, row), b.output("permuteTokensOut"));
  const Value place = b.output("permutePerTokenScalesOut");
  if (scales.present() && place.present()) b.store(rows_of(b, scales, row), place);
  b.store(row, b.output("permuteTokenIdxOut"));
  b.store(sum_over(b, counts, 0), b.output("expertTokenNumOut"));
  return b.status();
}

// xNorm is the softmax or the sigmoid of all gates; the chosen ones were divided by their sum if need be.
Status build_MoeGatingTopKBackward(Builder& b) {
  const Value score = b.cast(b.tensor("xNorm"), Dtype::kF32),
              gradient = b.cast(b.tensor("gradY"), Dtype::kF32);
  const Value experts = b.cast(b.tensor("expertIdx"), Dtype::kI64);
  const int64_t kind = b.integer("normType");
  if (b.failed() ||
      !b.require(score.rank == 2 && gradient.rank == 2 && experts.shape() == gradient.shape() &&
                     score.dims[0] == gradient.dims[0],
                 "gates {}, gradient {}, experts {}", to_string(score), to_string(gradient),
                 to_string(experts)) ||
      !b.require(kind == 0 || kind == 1, "normType {}", kind))
    return b.status();
  const auto sum = [&](const Value& x) { return b.unsqueeze(sum_over(b, x, 1), 1); };
  Value chosen = with_scalar(b, "mul", gradient, Scalar::of(b.number("routedScalingFactor")));
  if (kind == 1 || b.integer("renorm") == 1) {
    const Value x = b.op("gather_elements", {score, experts}, {{"axis", int64_t{1}}});
    const Value total = with_scalar(b, "add", sum(x), Scalar::of(b.number("eps")));
    const Value mean = b.op("div", {sum(b.op("mul", {chosen, x})), total});
    chosen = b.op("div", {b.op("sub", {chosen, mean}), total});
  }
  const Value zeros = b.filled(Scalar::of(0.0), Dtype::kF32, score.shape());
  const Value all = b.op("scatter_elements", {zeros, experts, chosen}, {{"axis", int64_t{1}}});
  const Value weighted = b.op("mul", {all, score});
  const Value slope = kind == 1 ? b.op("mul", {weighted, from_scalar(b, "sub", Scalar::of(1.0), score)})
                                : b.op("sub", {weighted, b.op("mul", {score, sum(weighted)})});
  b.store(slope, b.output());
  return b.status();
}

}  // namespace isthmus::cann
