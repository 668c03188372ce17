// SPDX-License-Identifier: Apache-2.0
// Loss of sequences that are not aligned, and its gradient. Paths go through the labels of a target with
// blanks between them: [blank, first, blank, second, …, blank], one label on or two in each step of time.
#include <algorithm>
#include <cmath>
#include <limits>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

using IntList = std::vector<int64_t>;
constexpr double kNothing = -std::numeric_limits<double>::infinity();

struct Paths {
  int64_t times = 0, batch = 0, classes = 0, width = 0;  // width: 2 * longest target + 1
  IntList inputs, targets;                               // lengths
  Value log;                                             // [times, batch, classes]
  Value label;                                           // I64 [batch, width]
  Value at_label;                                        // log of each label: [times, batch, width]
  Value may_skip;  // [batch, width]: 0 where the label before last differs, else -inf
};

Value nothing(Builder& b, const Value& like, const IntList& dims) {
  return b.filled(Scalar::of(kNothing), like.dtype, dims);
}

// The logarithm of the sum of three rows' exponentials: of a place, its neighbour, and the next one where
// that may be. Behind: neighbours are those before (1) or after it (-1).
Value step(Builder& b, const Paths& p, const Value& row, const Value& skip, int way) {
  const Value edge = nothing(b, row, {p.batch, 2});
  const Value wide = way > 0 ? b.op("concat", {edge, row}, {{"axis", int64_t{1}}})
                             : b.op("concat", {row, edge}, {{"axis", int64_t{1}}});
  if (b.failed()) return {};
  const auto shifted = [&](int64_t by) {
    return b.slice(wide, 1, way > 0 ? 2 - by : by, p.width + (way > 0 ? 2 - by : by));
  };
  const Value far = b.op("add", {shifted(2), skip});
  const Value all = b.op("concat", {b.unsqueeze(row, 0), b.unsqueeze(shifted(1), 0), b.unsqueeze(far, 0)},
                         {{"axis", int64_t{0}}});
  return b.op("reduce_log_sum_exp", {all}, {{"axes", IntList{0}}, {"keep_dims", int64_t{0}}});
}

Paths paths_of(Builder& b) {
  Paths p;
  const Value given = b.tensor("logProbs"), target = b.cast(b.tensor("targets"), Dtype::kI64);
  p.inputs = b.ints("inputLengths"), p.targets = b.ints("targetLengths");
  const int64_t blank = b.integer("blank");
  if (b.failed() || !b.require(given.rank == 3, "'logProbs' is {}", to_string(given))) return p;
  constexpr int64_t kMost = 1 << 12;  // every step of time is some steps of the plan
  p.times = given.dims[0], p.batch = given.dims[1], p.classes = given.dims[2];
  if (!b.require(p.times > 0 && p.times <= kMost && p.batch > 0 && p.batch <= 1 << 16,
                 "{} steps of {} sequences", p.times, p.batch) ||
      !b.require(blank >= 0 && blank < p.classes, "the blank is {} of {} classes", blank, p.classes) ||
      !b.require(static_cast<int64_t>(p.inputs.size()) == p.batch && p.targets.size() == p.inputs.size(),
                 "{} and {} lengths of {} sequences", p.inputs.size(), p.targets.size(), p.batch))
    return p;
  int64_t longest = 0, together = 0;
  for (size_t n = 0; n < p.inputs.size(); ++n) {
    if (!b.require(p.inputs[n] > 0 && p.inputs[n] <= p.times && p.targets[n] >= 0 && p.targets[n] <= kMost,
                   "sequence {} has {} steps and {} labels", n, p.inputs[n], p.targets[n]))
      return p;
    longest = std::max(longest, p.targets[n]);
    together += p.targets[n];
  }
  const bool joined = target.rank == 1;
  if (!b.require(joined ? target.dims[0] >= together
                        : target.rank == 2 && target.dims[0] == p.batch && target.dims[1] >= longest,
                 "'targets' is {}", to_string(target)))
    return p;
  p.width = 2 * longest + 1;
  // Where each label stands; outside, where gather reads 0, beyond the end of a target.
  IntList place, blanks;
  int64_t first = 0;
  for (int64_t n = 0; n < p.batch; ++n) {
    for (int64_t s = 0; s < p.width; ++s) {
      const bool label = s % 2 == 1 && s / 2 < p.targets[static_cast<size_t>(n)];
      place.push_back(label ? first + s / 2 : target.elements());
      blanks.push_back(label ? 0 : blank);
    }
    first += joined ? p.targets[static_cast<size_t>(n)] : target.dims[1];
  }
  const Dtype dtype = wide(floating(given.dtype));
  p.log = b.cast(given, dtype);
  const Value flat = b.reshape(target, {target.elements()});
  p.label = b.op("add", {b.op("gather", {flat, b.constant(Dtype::kI64, {p.batch, p.width}, place)}),
                         b.constant(Dtype::kI64, {p.batch, p.width}, blanks)});
  if (b.failed()) return p;
  p.at_label = b.op("gather_elements", {p.log, b.expand(p.label, {p.times, p.batch, p.width})},
                    {{"axis", int64_t{2}}});
  // Blanks are skipped, and no label that comes again at once.
  p.may_skip = nothing(b, p.log, {p.batch, p.width});
  if (p.width > 2 && !b.failed()) {
    const Value same = b.op("equal", {b.slice(p.label, 1, 2, p.width), b.slice(p.label, 1, 0, p.width - 2)});
    const Value zero = b.constant(Scalar::of(0.0), dtype), none = b.constant(Scalar::of(kNothing), dtype);
    const Value later = b.op("where", {same, none, zero});
    p.may_skip = b.op("concat", {nothing(b, p.log, {p.batch, 2}), later}, {{"axis", int64_t{1}}});
  }
  return p;
}

// 0 in the row of each sequence's places that hold, -inf elsewhere.
template <typename F>
Value places(Builder& b, const Paths& p, F holds) {
  std::vector<double> numbers;
  for (int64_t n = 0; n < p.batch; ++n)
    for (int64_t s = 0; s < p.width; ++s) numbers.push_back(holds(static_cast<size_t>(n), s) ? 0 : kNothing);
  return b.constant(p.log.dtype, {p.batch, p.width}, numbers);
}

Value log_sum(Builder& b, const Value& x) {
  return b.op("reduce_log_sum_exp", {x}, {{"axes", IntList{-1}}, {"keep_dims", int64_t{0}}});
}

}  // namespace

// zeroInfinity is the gradient's: it must see which losses are infinite.
Status build_CtcLoss(Builder& b) {
  const Paths p = paths_of(b);
  const Value alpha_place = b.output("logAlphaOut"), loss_place = b.output("negLogLikelihoodOut");
  if (b.failed() ||
      !b.require(alpha_place.rank == 3 && alpha_place.dims[0] == p.batch && alpha_place.dims[1] == p.times &&
                     alpha_place.dims[2] >= p.width && loss_place.elements() == p.batch,
                 "{} and {} for {} paths", to_string(loss_place), to_string(alpha_place), p.width))
    return b.status();
  Value ends = nothing(b, p.log, {p.batch, p.width}), alpha;
  for (int64_t t = 0; t < p.times && !b.failed(); ++t) {
    const Value log = b.select(p.at_label, 0, t);
    const Value before =
        t == 0 ? places(b, p, [&](size_t n, int64_t s) { return s == 0 || (s == 1 && p.targets[n] > 0); })
               : step(b, p, alpha, p.may_skip, 1);
    alpha = b.op("add", {before, log});
    if (b.failed()) break;
    b.store(alpha, b.slice(b.select(alpha_place, 1, t), 1, 0, p.width));
    if (std::find(p.inputs.begin(), p.inputs.end(), t + 1) == p.inputs.end()) continue;
    const Value last = places(b, p, [&](size_t n, int64_t s) {
      return p.inputs[n] == t + 1 && (s == 2 * p.targets[n] || s == 2 * p.targets[n] - 1);
    });
    ends = b.op("max", {ends, b.op("add", {alpha, last})});
  }
  const Value loss = b.op("neg", {log_sum(b, ends)});
  if (!b.failed()) b.store(b.reshape(loss, loss_place.shape()), loss_place);
  return b.status();
}

// e^logProbs less what part of all paths goes through a class at a time.
Status build_CtcLossBackward(Builder& b) {
  const Paths p = paths_of(b);
  const Value place = b.output();
  if (b.failed()) return b.status();
  const Value g = b.cast(b.tensor("gradOut"), p.log.dtype),
              loss = b.cast(b.tensor("negLogLikelihood"), p.log.dtype);
  Value alpha = b.cast(b.tensor("logAlpha"), p.log.dtype);
  if (b.failed() ||
      !b.require(g.elements() == p.batch && loss.elements() == p.batch && alpha.rank == 3 &&
                     alpha.dims[0] == p.batch && alpha.dims[1] == p.times && alpha.dims[2] >= p.width,
                 "a gradient {} of {} with {}", to_string(g), to_string(loss), to_string(alpha)))
    return b.status();
  alpha = b.slice(alpha, 2, 0, p.width);
  // From the end: skipping is up to the label two further on.
  Value skip = nothing(b, p.log, {p.batch, p.width});
  if (p.width > 2)
    skip = b.op("concat", {b.slice(p.may_skip, 1, 2, p.width), nothing(b, p.log, {p.batch, 2})},
                {{"axis", int64_t{1}}});
  const Value column = b.reshape(loss, {p.batch, 1}), rows = b.reshape(g, {p.batch, 1});
  const Value zero = b.constant(Scalar::of(0.0), p.log.dtype);
  Value beta;
  for (int64_t t = p.times - 1; t >= 0 && !b.failed(); --t) {
    const Value log = b.select(p.at_label, 0, t);
    // A sequence begins at its own end; before that there is nothing.
    Value after = places(b, p, [&](size_t n, int64_t s) {
      return p.inputs[n] == t + 1 && (s == 2 * p.targets[n] || s == 2 * p.targets[n] - 1);
    });
    if (beta.present()) after = b.op("max", {after, step(b, p, beta, skip, -1)});
    beta = b.op("add", {after, log});
    const Value path = b.op("sub", {b.op("add", {b.op("add", {b.select(alpha, 1, t), beta}), column}), log});
    const Value known = b.op("is_finite", {path});
    const Value part = b.op("where", {known, b.op("exp", {path}), zero});
    const Value all =
        b.op("scatter_elements", {b.filled(Scalar::of(0.0), part.dtype, {p.batch, p.classes}), p.label, part},
             {{"axis", int64_t{1}}, {"reduction", std::string("add")}});
    Value slope = b.op("mul", {b.op("sub", {b.op("exp", {b.select(p.log, 0, t)}), all}), rows});
    std::vector<int64_t> inside;
    for (size_t n = 0; n < p.inputs.size(); ++n) inside.push_back(t < p.inputs[n]);
    slope = b.op("where", {b.constant(Dtype::kBool, {p.batch, 1}, inside), slope, zero});
    if (b.boolean("zeroInfinity")) slope = b.op("where", {b.op("is_inf", {column}), zero, slope});
    if (!b.failed()) b.store(slope, b.select(place, 0, t));
  }
  return b.status();
}

}  // namespace isthmus::cann
