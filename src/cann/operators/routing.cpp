// SPDX-License-Identifier: Apache-2.0
// Mixtures of experts: which experts a token goes to.
#include <limits>

#include "cann/operators/rows.h"

namespace isthmus::cann {
namespace {

struct Chosen {
  Value weights, experts;
};

Chosen best(Builder& b, const Value& x, int64_t k) {
  const std::vector<Value> found = b.ops("top_k", {x}, {{"k", k}, {"axis", int64_t{-1}}});
  if (b.failed()) return {};
  return {found[0], b.cast(found[1], Dtype::kI32)};
}

Value gates(Builder& b) {
  const Value x = b.cast(b.tensor("x"), Dtype::kF32);
  for (const char* absent : {"finished"})
    if (b.has(absent)) b.fail(unimplemented("'{}' is not supported", absent));
  return x;
}

Value divided_by_sum(Builder& b, const Value& x, double eps) {
  Value sum = b.op("reduce_sum", {x}, {{"axes", std::vector<int64_t>{-1}}});
  if (eps != 0) sum = with_scalar(b, "add", sum, Scalar::of(eps));
  return b.op("div", {x, sum});
}

}  // namespace

// rowIdx numbers the chosen ones column by column: column * rows + row.
Status build_MoeGatingTopKSoftmax(Builder& b) {
  const Value x = gates(b), rows = b.output("rowIdxOut");
  const Chosen chosen = best(b, b.op("softmax", {x}), b.integer("k"));
  if (b.failed() || !b.require(x.rank >= 2 && rows.rank == x.rank, "gates are {}, rowIdxOut {}", to_string(x),
                               to_string(rows)))
    return b.status();
  b.store(chosen.weights, b.output("yOut"));
  b.store(chosen.experts, b.output("expertIdxOut"));
  const int64_t k = rows.dims[rows.rank - 1], count = k > 0 ? rows.elements() / k : 0;
  if (!b.failed())
    b.store(b.reshape(b.transpose(b.reshape(count_up(b, k * count), {k, count}), 0, 1), rows.shape()), rows);
  return b.status();
}

// renorm 1: the best gates first, then the softmax of them.
Status build_MoeGatingTopKSoftmaxV2(Builder& b) {
  const Value x = gates(b);
  const int64_t k = b.integer("k");
  const int64_t renorm = b.integer("renorm");
  if (!b.require(renorm == 0 || renorm == 1, "renorm {}", renorm)) return b.status();
  if (renorm == 1) {
    b.require(!b.boolean("outputSoftmaxResultFlag"), "the softmax of all gates with renorm 1");
    const Chosen chosen = best(b, x, k);
    b.store(b.op("softmax", {chosen.weights}), b.output("yOut"));
    b.store(chosen.experts, b.output("expertIdxOut"));
    return b.status();
  }
  const Value softmax = b.op("softmax", {x});
  const Chosen chosen = best(b, softmax, k);
  b.store(chosen.weights, b.output("yOut"));
  b.store(chosen.experts, b.output("expertIdxOut"));
  if (b.boolean("outputSoftmaxResultFlag") && b.output("softmaxOut").present())
    b.store(softmax, b.output("softmaxOut"));
  return b.status();
}

namespace {

// What is ranked with everything outside of the best kGroup groups at -infinity. A group counts by its best
// expert or (selectMode 1) by the sum of its two best.
Value of_best_groups(Builder& b, const Value& ranked, int64_t count, int64_t best_count, int64_t mode) {
  if (b.failed() || count <= 1) return ranked;
  const int64_t rows = ranked.dims[0], experts = ranked.rank == 2 ? ranked.dims[1] : 0;
  if (!b.require((mode == 0 || mode == 1) && experts % count == 0 && experts / count >= 1 + mode &&
                     best_count >= 1 && best_count <= count,
                 "{} of {} groups of {}, groupSelectMode {}", best_count, count, to_string(ranked), mode))
    return {};
  const Value groups = b.reshape(ranked, {rows, count, experts / count});
  const std::vector<int64_t> last = {-1};
  Value of_group;
  if (mode == 0)
    of_group = b.op("reduce_max", {groups}, {{"axes", last}, {"keep_dims", int64_t{0}}});
  else
    of_group = b.op("reduce_sum", {best(b, groups, 2).weights}, {{"axes", last}, {"keep_dims", int64_t{0}}});
  const Value chosen = best(b, of_group, best_count).experts;
  if (b.failed()) return {};
  const Value nothing = b.filled(Scalar::of(int64_t{0}), Dtype::kI32, {rows, count});
  const Value ones = b.filled(Scalar::of(int64_t{1}), Dtype::kI32, {rows, best_count});
  const Value kept =
      b.cast(b.op("scatter_elements", {nothing, chosen, ones}, {{"axis", int64_t{1}}}), Dtype::kBool);
  const Value below = b.constant(Scalar::of(-std::numeric_limits<double>::infinity()), Dtype::kF32);
  return b.reshape(b.op("where", {b.unsqueeze(kept, 2), groups, below}), {rows, experts});
}

}  // namespace

// Softmax or sigmoid; the best by that plus a bias, of the best groups; weights that may be divided by their
// sum.
Status build_MoeGatingTopK(Builder& b) {
  const Value x = gates(b);
  const int64_t kind = b.integer("normType"), renorm = b.integer("renorm");
  if (b.failed() || !b.require(kind == 0 || kind == 1, "normType {}", kind) ||
      !b.require(renorm == 0 || renorm == 1, "renorm {}", renorm))
    return b.status();
  const Value score = b.op(kind == 0 ? "softmax" : "sigmoid", {x});
  Value ranked = b.has("bias") ? b.op("add", {score, b.cast(b.tensor("bias"), Dtype::kF32)}) : score;
  ranked =
      of_best_groups(b, ranked, b.integer("groupCount"), b.integer("kGroup"), b.integer("groupSelectMode"));
  const Chosen chosen = best(b, ranked, b.integer("k"));
  Value weights = b.op("gather_elements", {score, chosen.experts}, {{"axis", int64_t{-1}}});
  if (kind == 1 || renorm == 1) weights = divided_by_sum(b, weights, b.number("eps"));
  b.store(with_scalar(b, "mul", weights, Scalar::of(b.number("routedScalingFactor"))), b.output("yOut"));
  b.store(chosen.experts, b.output("expertIdxOut"));
  if (b.boolean("outFlag") && b.output("out").present()) b.store(score, b.output("out"));
  return b.status();
}

// Where each expert's rows end in rows sorted by expert: how many are not above it.
Status build_MoeComputeExpertTokens(Builder& b) {
  const Value rows = b.tensor("sortedExperts"), place = b.output();
  const int64_t count = b.integer("numExperts");
  if (b.failed() || !b.require(rows.rank == 1 && count > 0 && place.elements() == count, "{} experts of {}",
                               count, to_string(rows)))
    return b.status();
  const Value expert = b.op("max", {numbers_in(b, rows), whole_number(b, 0)});
  b.store(b.op("cumulative_sum", {histogram(b, expert, count)}), place);
  return b.status();
}

}  // namespace isthmus::cann
