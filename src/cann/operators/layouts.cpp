// SPDX-License-Identifier: Apache-2.0
// Parts, orders and patterns: mostly views and stores.
#include <cmath>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

// 0, 1, … as I64.
Value numbers(Builder& b, int64_t count) {
  const Value ones = b.filled(Scalar::of(int64_t{1}), Dtype::kI64, {count});
  return b.op("cumulative_sum", {ones}, {{"axis", int64_t{0}}, {"exclusive", int64_t{1}}});
}

// start + i * (end - start) / (count - 1), from the nearer end as PyTorch.
Value evenly(Builder& b, double start, double end, int64_t count) {
  const Dtype dtype = Dtype::kF32;
  const double step = count > 1 ? (end - start) / static_cast<double>(count - 1) : 0;
  const Value i = numbers(b, count);
  const Value from_start = b.op("add", {b.op("mul", {b.cast(i, dtype), b.constant(Scalar::of(step), dtype)}),
                                        b.constant(Scalar::of(start), dtype)});
  const Value back = b.op("sub", {b.constant(Scalar::of(count - 1), Dtype::kI64), i});
  const Value from_end =
      b.op("sub", {b.constant(Scalar::of(end), dtype),
                   b.op("mul", {b.cast(back, dtype), b.constant(Scalar::of(step), dtype)})});
  return b.op("where", {with_scalar(b, "less", i, Scalar::of(count / 2)), from_start, from_end});
}

Status check_count(Builder& b, const Value& place, int64_t count) {
  b.require(place.elements() == count, "{} elements for an output of {}", count, to_string(place));
  return b.status();
}

}  // namespace

Status build_SplitWithSize(Builder& b) {
  const Value x = b.tensor("self");
  const std::vector<int64_t> sizes = b.ints("splitSizes");
  const std::vector<Value> places = b.output_list("out");
  if (b.failed()) return b.status();
  const int dim = b.axis(b.integer("dim"), x.rank);
  if (!b.require(places.size() == sizes.size(), "{} sizes for {} outputs", sizes.size(), places.size()))
    return b.status();
  int64_t at = 0;
  for (size_t i = 0; i < sizes.size() && !b.failed(); ++i) {
    if (!b.require(sizes[i] >= 0 && sizes[i] <= x.dims[dim] - at, "parts of {} along {} of {}",
                   dims_to_string(sizes), dim, to_string(x)))
      break;
    b.store(b.slice(x, dim, at, at + sizes[i]), places[i]);
    at += sizes[i];
  }
  return b.status();
}

Status build_Flip(Builder& b) {
  Value x = b.tensor("self");
  for (int64_t dim : b.ints("dims")) x = b.flip(x, b.axis(dim, x.rank));
  b.store(x, b.output());
  return b.status();
}

Status build_Eye(Builder& b) {
  const Value place = b.output();
  if (b.failed() || !b.require(place.rank == 2, "the identity in {}", to_string(place))) return b.status();
  const Value row = b.reshape(numbers(b, place.dims[0]), {place.dims[0], 1});
  b.store(b.op("equal", {row, numbers(b, place.dims[1])}), place);
  return b.status();
}

Status build_OneHot(Builder& b) {
  const Value x = b.tensor("self"), on = b.tensor("onValue"), off = b.tensor("offValue"), place = b.output();
  if (b.failed()) return b.status();
  const int64_t count = b.integer("numClasses");
  const int axis = b.axis(b.integer("axis"), x.rank + 1);
  if (b.failed() || !b.require(place.rank == x.rank + 1 && place.dims[axis] == count, "{} classes in {}",
                               count, to_string(place)))
    return b.status();
  std::vector<int64_t> shape(static_cast<size_t>(place.rank), 1);
  shape[static_cast<size_t>(axis)] = count;
  const Value hit =
      b.op("equal", {b.unsqueeze(b.cast(x, Dtype::kI64), axis), b.reshape(numbers(b, count), shape)});
  b.store(
      b.op("where", {hit, b.cast(b.reshape(on, {}), place.dtype), b.cast(b.reshape(off, {}), place.dtype)}),
      place);
  return b.status();
}

Status build_Linspace(Builder& b) {
  const Value place = b.output();
  const int64_t count = b.integer("steps");
  if (b.failed() || !check_count(b, place, count).ok() || count == 0) return b.status();
  b.store(evenly(b, b.number("start"), b.number("end"), count), place);
  return b.status();
}

Status build_LogSpace(Builder& b) {
  const Value place = b.output();
  const int64_t count = b.integer("steps");
  if (b.failed() || !check_count(b, place, count).ok() || count == 0) return b.status();
  const Value exponent = evenly(b, b.number("start"), b.number("end"), count);
  b.store(from_scalar(b, "pow", Scalar::of(b.number("base")), exponent), place);
  return b.status();
}

Status build_Range(Builder& b) {
  const Scalar start = b.scalar("start"), step = b.scalar("step");
  const Value place = b.output();
  if (b.failed()) return b.status();
  const bool whole = !is_float(start.dtype) && !is_float(step.dtype);
  const Dtype dtype = whole ? Dtype::kI64 : Dtype::kF32;
  const Value scaled = b.op("mul", {b.cast(numbers(b, place.elements()), dtype), b.constant(step, dtype)});
  b.store(b.op("add", {scaled, b.constant(start, dtype)}), place);
  return b.status();
}

Status build_InplaceFillTensor(Builder& b) {
  const Value value = b.tensor("value"), place = b.output();
  if (b.failed() || !b.require(value.elements() == 1, "'value' is {}", to_string(value))) return b.status();
  b.store(b.expand(b.reshape(value, {}), place.shape()), place);
  return b.status();
}

Status build_InplaceFillDiagonal(Builder& b) {
  const Value place = b.output();
  const Scalar value = b.scalar("fillValue");
  if (b.failed() || !b.require(place.rank == 2 && !(b.boolean("wrap") && place.dims[0] > place.dims[1]),
                               "only the diagonal of a matrix that is not taller than wide, or without wrap"))
    return b.status();
  const Value diagonal = b.diagonal(place);
  b.store(b.filled(value, place.dtype, diagonal.shape()), diagonal);
  return b.status();
}

Status build_RepeatInterleaveInt(Builder& b) {
  Value x = b.tensor("self"), place = b.output();
  const int64_t repeats = b.integer("repeats");
  if (b.failed() || !check_count(b, place, elements_of(b, {x.elements(), repeats})).ok()) return b.status();
  x = b.reshape(x, {x.elements(), 1});
  const Value repeated = b.expand(x, {x.dims[0], repeats});
  if (place.dense())
    b.store(repeated, b.reshape(place, {x.dims[0], repeats}));
  else
    b.store(b.reshape(repeated, place.shape()), place);
  return b.status();
}

Status build_ConfusionTranspose(Builder& b) {
  Value x = b.tensor("x");
  const std::vector<int64_t> order = b.ints("perm"), shape = b.ints("shape");
  if (b.boolean("transposeFirst"))
    x = b.reshape(b.permute(x, order), shape);
  else
    x = b.permute(b.reshape(x, shape), order);
  b.store(x, b.output());
  return b.status();
}

Status build_ChannelShuffle(Builder& b) {
  const Value x = b.tensor("self");
  const int64_t groups = b.integer("groups");
  if (b.failed() || !b.require(x.rank >= 3 && x.rank < kMaxRank && groups > 0 && x.dims[1] % groups == 0,
                               "{} groups of channels of {}", groups, to_string(x)))
    return b.status();
  std::vector<int64_t> split = x.shape();
  split[1] = groups;
  split.insert(split.begin() + 2, x.dims[1] / groups);
  b.store(b.reshape(b.transpose(b.reshape(x, split), 1, 2), x.shape()), b.output());
  return b.status();
}

}  // namespace isthmus::cann
