// SPDX-License-Identifier: Apache-2.0
// Elements combined, put, counted or repeated at places that are data.
#include <cmath>

#include <algorithm>
#include <limits>

#include "cann/operators/rows.h"

namespace isthmus::cann {
namespace {

Value reduce(Builder& b, const char* op, const Value& x, std::vector<int64_t> axes) {
  return b.op(op, {x}, {{"axes", std::move(axes)}, {"keep_dims", int64_t{0}}});
}

// What changes nothing when it is combined: 0, 1, the lowest and the highest number.
Scalar neutral(const std::string& reduction, Dtype dtype) {
  if (reduction == "add") return Scalar::of(int64_t{0});
  if (reduction == "mul") return Scalar::of(int64_t{1});
  const bool lowest = reduction == "max";
  if (is_float(dtype)) {
    const double infinity = std::numeric_limits<double>::infinity();
    return Scalar::of(lowest ? -infinity : infinity);
  }
  const int bits = 8 * static_cast<int>(dtype_bytes(dtype, 1));
  if (dtype_info(dtype).kind == DtypeKind::kUnsigned) return Scalar::of(lowest ? int64_t{0} : int64_t{-1});
  const int64_t highest = std::numeric_limits<int64_t>::max() >> (64 - bits);
  return Scalar::of(lowest ? -highest - 1 : highest);
}

// sum / count, rounded down for whole numbers.
Value mean(Builder& b, const Value& sum, const Value& count) {
  if (is_float(sum.dtype)) return b.op("div", {sum, count});
  return b.op("div", {b.op("sub", {sum, b.op("mod", {sum, count})}), count});
}

Status scatter_reduce(Builder& b) {
  static constexpr const char* kNames[] = {"none", "add", "mul", "max", "min", "add"};
  constexpr int64_t kMean = 5;
  const Value place = b.output(), index = as_index(b, b.tensor("index"));
  Value x = b.tensor("self"), source = b.tensor("src");
  const int64_t how = b.integer("reduce");
  if (b.failed() || !b.require(how >= 0 && how <= kMean, "reduce is {}", how) ||
      !b.require(how == 0 || x.dtype != Dtype::kBool, "truth values are not combined"))
    return b.status();
  const int axis = b.axis(b.integer("dim"), x.rank);
  const bool with_self = b.boolean("includeSelf");
  x = b.cast(x, how == 0 ? x.dtype : wide(x.dtype));
  source = b.cast(source, x.dtype);
  for (int d = 0; d < index.rank && d < source.rank; ++d) source = b.slice(source, d, 0, index.dims[d]);
  const std::string reduction = kNames[how];
  const auto scatter = [&](const Value& into, const Value& what, const std::string& by) {
    return b.op("scatter_elements", {into, index, what}, {{"axis", int64_t{axis}}, {"reduction", by}});
  };
  const auto everywhere = [&](int64_t number, const Value& like) {
    return b.filled(Scalar::of(number), x.dtype, like.shape());
  };
  if (!with_self && how != 0)
    x = scatter(x, b.filled(neutral(reduction, x.dtype), x.dtype, index.shape()), "none");
  Value y = scatter(x, source, reduction);
  if (how == kMean && !b.failed()) {
    const Value first = everywhere(1, x);
    const Value from = with_self ? first : scatter(first, everywhere(0, index), "none");
    y = mean(b, y, b.op("max", {scatter(from, everywhere(1, index), "add"), first}));
  }
  b.store(y, place);
  return b.status();
}

// Which of the numbered repeats each of `count` places belongs to.
Value owners(Builder& b, const Value& repeats, int64_t count) {
  return group_of_rows(b, b.op("cumulative_sum", {numbers_in(b, repeats)}), count);
}

// x's slices along the axis, each as often as repeats says; the place says how many there are together.
Status repeat(Builder& b, Value x, int64_t dim, const Value& repeats) {
  const Value place = b.output();
  if (b.failed()) return b.status();
  const int axis = b.axis(dim, x.rank);
  if (!b.require(x.rank > 0 && place.rank == x.rank && repeats.elements() == x.dims[axis],
                 "{} repeats of {} into {}", repeats.elements(), to_string(x), to_string(place)))
    return b.status();
  b.store(b.op("gather", {x, owners(b, repeats, place.dims[axis])}, {{"axis", int64_t{axis}}}), place);
  return b.status();
}

}  // namespace

Status build_ScatterReduce(Builder& b) { return scatter_reduce(b); }
Status build_InplaceScatterReduce(Builder& b) { return scatter_reduce(b); }

Status build_InplacePut(Builder& b) {
  const Value x = b.tensor("selfRef"), index = as_index(b, b.tensor("index"));
  const Value source = b.cast(b.tensor("source"), x.dtype);
  if (b.failed() ||
      !b.require(source.elements() == index.elements(), "{} at {}", to_string(source), to_string(index)))
    return b.status();
  const int64_t n = index.elements();
  const std::string reduction = b.boolean("accumulate") ? "add" : "none";
  const Value y =
      b.op("scatter_elements", {b.reshape(x, {x.elements()}), b.reshape(index, {n}), b.reshape(source, {n})},
           {{"reduction", reduction}});
  if (!b.failed()) b.store(b.reshape(y, x.shape()), b.output("selfRef"));
  return b.status();
}

// The n-th true place takes the n-th element of the source.
Status build_InplaceMaskedScatter(Builder& b) {
  const Value x = b.tensor("selfRef"), source = b.cast(b.tensor("source"), x.dtype);
  if (b.failed()) return b.status();
  const Value mask = b.expand(b.cast(b.tensor("mask"), Dtype::kBool), x.shape());
  if (b.failed()) return b.status();
  const Value flat = b.reshape(mask, {x.elements()});
  const Value number = b.op("cumulative_sum", {b.cast(flat, Dtype::kI64)}, {{"exclusive", int64_t{1}}});
  const Value taken = b.op("gather", {b.reshape(source, {source.elements()}), number});
  if (!b.failed()) b.store(b.op("where", {mask, b.reshape(taken, x.shape()), x}), b.output("selfRef"));
  return b.status();
}

Status build_RepeatInterleave(Builder& b) {
  const Value x = b.tensor("self"), repeats = b.tensor("repeats");
  return b.failed() ? b.status() : repeat(b, b.reshape(x, {x.elements()}), 0, repeats);
}
Status build_RepeatInterleaveWithDim(Builder& b) {
  return repeat(b, b.tensor("self"), b.integer("dim"), b.tensor("repeats"));
}
Status build_RepeatInterleaveTensor(Builder& b) {
  const Value repeats = b.tensor("repeats"), place = b.output();
  if (b.failed()) return b.status();
  b.store(b.reshape(owners(b, repeats, place.elements()), place.shape()), place);
  return b.status();
}
Status build_RepeatInterleaveGrad(Builder& b) {
  Value g = b.tensor("grad");
  const Value repeats = b.tensor("repeats"), place = b.output();
  if (b.failed()) return b.status();
  const int axis = b.axis(b.integer("dim"), g.rank);
  if (!b.require(g.rank > 0 && place.rank == g.rank && repeats.elements() == place.dims[axis],
                 "a gradient {} of {} with {} repeats", to_string(g), to_string(place), repeats.elements()))
    return b.status();
  g = b.cast(b.transpose(g, 0, axis), wide(g.dtype));
  std::vector<int64_t> shape = g.shape();
  const Value owner = owners(b, repeats, g.dims[0]);
  shape[0] = place.dims[axis];
  const Value zeros = b.filled(Scalar::of(int64_t{0}), g.dtype, shape);
  const Value y = b.op("scatter_nd", {zeros, b.unsqueeze(owner, 1), g}, {{"reduction", std::string("add")}});
  if (!b.failed()) b.store(y, b.transpose(place, 0, axis));
  return b.status();
}

// Equal intervals from min to max; of the elements themselves when both are the same. max belongs to the
// last.
Status build_Histc(Builder& b) {
  Value x = b.tensor("self");
  const Value place = b.output();
  const Scalar min = b.scalar("min"), max = b.scalar("max");
  const int64_t bins = b.integer("bins");
  if (b.failed() ||
      !b.require(bins > 0 && place.elements() == bins, "{} intervals in {}", bins, to_string(place)))
    return b.status();
  x = b.cast(b.reshape(x, {x.elements()}), x.dtype == Dtype::kF64 ? x.dtype : Dtype::kF32);
  if (b.failed()) return b.status();
  Value low = b.constant(min, x.dtype), high = b.constant(max, x.dtype);
  if (min.f == max.f) {
    low = reduce(b, "reduce_min", x, {}), high = reduce(b, "reduce_max", x, {});
    const Value same = b.op("equal", {low, high}), one = b.constant(Scalar::of(1.0), x.dtype);
    const Value wider = b.op("where", {same, one, b.constant(Scalar::of(0.0), x.dtype)});
    low = b.op("sub", {low, wider}), high = b.op("add", {high, wider});
  }
  const Value inside = b.op("logical_and", {b.op("greater_equal", {x, low}), b.op("less_equal", {x, high})});
  const Value steps = with_scalar(b, "mul", b.op("sub", {x, low}), Scalar::of(bins));
  const Value bin = b.cast(b.op("div", {steps, b.op("sub", {high, low})}), Dtype::kI64);
  const Value last = with_scalar(b, "min", bin, Scalar::of(bins - 1));
  const Value index = b.op("where", {inside, last, b.constant(Scalar::of(bins), Dtype::kI64)});
  const Value ones = b.filled(Scalar::of(int64_t{1}), Dtype::kI64, x.shape());
  const Value zeros = b.filled(Scalar::of(int64_t{0}), Dtype::kI64, {bins});
  b.store(b.op("scatter_elements", {zeros, index, ones}, {{"reduction", std::string("add")}}), place);
  return b.status();
}

Status build_Bincount(Builder& b) {
  const Value x = b.cast(b.tensor("self"), Dtype::kI64), place = b.output(), weights = b.optional("weights");
  if (b.failed() ||
      !b.require(x.rank == 1 && place.rank == 1, "{} counted into {}", to_string(x), to_string(place)))
    return b.status();
  Value ones = b.filled(Scalar::of(int64_t{1}), Dtype::kI64, x.shape());
  if (weights.present()) ones = b.cast(weights, wide(floating(weights.dtype)));
  const Value outside = b.constant(Scalar::of(place.dims[0]), Dtype::kI64);
  const Value index = b.op("where", {with_scalar(b, "less", x, Scalar::of(int64_t{0})), outside, x});
  const Value zeros = b.filled(Scalar::of(int64_t{0}), ones.dtype, place.shape());
  b.store(b.op("scatter_elements", {zeros, index, ones}, {{"reduction", std::string("add")}}), place);
  return b.status();
}

// Sums or means of rows, bag after bag; offsets say where each begins.
Status build_EmbeddingBag(Builder& b) {
  enum Mode : int64_t { kSum = 0, kMean = 1 };
  const Value table = b.tensor("weight"), index = as_index(b, b.tensor("indices"));
  Value offsets = b.cast(b.tensor("offsets"), Dtype::kI64);
  const int64_t mode = b.integer("mode"), padding = b.integer("paddingIdx");
  const Value place = b.output("output"), owner_place = b.output("offset2bag"), sizes = b.output("bagSize");
  if (b.failed() ||
      !b.require(mode == kSum || mode == kMean, "mode is {}; sums (0) and means (1) are supported", mode) ||
      !b.require(table.rank == 2 && index.rank == 1 && offsets.rank == 1 && place.rank == 2,
                 "bags of {} at {} of {}", to_string(index), to_string(offsets), to_string(table)))
    return b.status();
  if (b.boolean("includeLastOffset")) offsets = b.slice(offsets, 0, 0, offsets.dims[0] - 1);
  const int64_t n = index.dims[0], bags = offsets.dims[0];
  if (b.failed() || !b.require(place.dims[0] == bags && place.dims[1] == table.dims[1], "{} bags into {}",
                               bags, to_string(place)))
    return b.status();
  const Value owner = b.op("sub", {group_of_rows(b, offsets, n), whole_number(b, 1)});
  const Value counts = with_scalar(b, "not_equal", b.cast(index, Dtype::kI64), Scalar::of(padding));
  Value rows = b.op("gather", {table, index});
  if (b.failed()) return b.status();
  rows = b.cast(rows, wide(floating(rows.dtype)));
  if (b.has("perSampleWeights"))
    rows = b.op("mul", {rows, b.reshape(b.cast(b.tensor("perSampleWeights"), rows.dtype), {n, 1})});
  rows = b.op("where", {b.unsqueeze(counts, 1), rows, b.constant(Scalar::of(0.0), rows.dtype)});
  const Attributes added = {{"reduction", std::string("add")}};
  const Value nothing = b.filled(Scalar::of(0.0), rows.dtype, place.shape());
  Value sum = b.op("scatter_nd", {nothing, b.unsqueeze(owner, 1), rows}, added);
  const Value none = b.filled(Scalar::of(int64_t{0}), Dtype::kI64, {bags});
  const Value size = b.op("scatter_elements", {none, owner, b.cast(counts, Dtype::kI64)}, added);
  if (mode == kMean) {
    const Value divisor = with_scalar(b, "max", size, Scalar::of(int64_t{1}));
    sum = b.op("div", {sum, b.unsqueeze(b.cast(divisor, sum.dtype), 1)});
  }
  if (b.failed()) return b.status();
  b.store(sum, place);
  if (owner_place.elements() == n) b.store(owner, owner_place);
  if (sizes.elements() == bags) b.store(size, sizes);
  return b.status();
}

}  // namespace isthmus::cann
