// SPDX-License-Identifier: Apache-2.0
// Copies, casts, fills, and other shapes: nearly all of them views and stores.
#include <cmath>

#include <algorithm>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

Status triangle(Builder& b, bool upper) {
  const Value x = b.tensor("self");
  if (b.failed() || !b.require(x.rank >= 2, "a triangle of a tensor of rank {}", x.rank)) return b.status();
  b.store(b.op("trilu", {x}, {{"upper", int64_t{upper}}, {"k", b.integer("diagonal")}}), b.output());
  return b.status();
}

Status fill(Builder& b, const Scalar& value) {
  const Value place = b.output();
  if (b.failed()) return b.status();
  b.store(b.filled(value, place.dtype, place.shape()), place);
  return b.status();
}

// Stores x into place shifted along dims[i...], each of them in two parts.
void roll(Builder& b, const Value& x, const Value& place, const std::vector<int64_t>& shifts,
          const std::vector<int64_t>& dims, size_t i) {
  if (b.failed()) return;
  if (i == dims.size()) return b.store(x, place);
  const int axis = b.axis(dims[i], x.rank);
  if (b.failed()) return;
  const int64_t n = x.dims[axis];
  if (n == 0) return;
  const int64_t shift = (shifts[i] % n + n) % n;
  roll(b, b.slice(x, axis, 0, n - shift), b.slice(place, axis, shift, n), shifts, dims, i + 1);
  if (shift) roll(b, b.slice(x, axis, n - shift, n), b.slice(place, axis, 0, shift), shifts, dims, i + 1);
}

// pad: before and after, last dimension first.
Status pad(Builder& b, const char* parameter, const char* mode, double value) {
  const Value x = b.tensor("self");
  const std::vector<int64_t> pad = b.ints(parameter);
  if (b.failed() || !b.require(pad.size() % 2 == 0 && pad.size() <= 2 * static_cast<size_t>(x.rank),
                               "{} numbers in '{}' for a tensor of rank {}", pad.size(), parameter, x.rank))
    return b.status();
  std::vector<int64_t> pads(2 * static_cast<size_t>(x.rank), 0);
  const auto rank = static_cast<size_t>(x.rank);
  for (size_t i = 0; i < pad.size() / 2; ++i) {
    pads[rank - 1 - i] = pad[2 * i];
    pads[2 * rank - 1 - i] = pad[2 * i + 1];
  }
  b.store(b.op("pad", {x}, {{"pads", pads}, {"mode", std::string(mode)}, {"value", value}}), b.output());
  return b.status();
}

}  // namespace

Status build_Cast(Builder& b) {
  const Dtype dtype = b.dtype("dtype");
  b.store(b.cast(b.tensor("self"), dtype), b.output());
  return b.status();
}

Status build_InplaceCopy(Builder& b) {
  const Value place = b.output();
  if (b.failed()) return b.status();
  b.store(b.expand(b.tensor("src"), place.shape()), place);
  return b.status();
}

Status build_InplaceFillScalar(Builder& b) { return fill(b, b.scalar("value")); }
Status build_InplaceZero(Builder& b) { return fill(b, Scalar::of(int64_t{0})); }
Status build_InplaceOne(Builder& b) { return fill(b, Scalar::of(int64_t{1})); }

Status build_Cat(Builder& b) {
  const std::vector<Value> tensors = b.tensor_list("tensors");
  const Value place = b.output();
  if (b.failed() || !b.require(!tensors.empty(), "there is nothing to concatenate")) return b.status();
  const int axis = b.axis(b.integer("dim"), place.rank);
  int64_t at = 0;
  for (const Value& x : tensors) {
    if (b.failed()) break;
    if (x.rank == 1 && x.dims[0] == 0) continue;  // as PyTorch, whatever the others' rank
    if (!b.require(x.rank == place.rank, "{} among tensors of rank {}", to_string(x), place.rank)) break;
    if (!b.require(at + x.dims[axis] <= place.dims[axis], "the tensors have more than {} elements along {}",
                   place.dims[axis], axis))
      break;
    b.store(x, b.slice(place, axis, at, at + x.dims[axis]));
    at += x.dims[axis];
  }
  b.require(b.failed() || at == place.dims[axis], "the tensors have {} elements along {}, the output {}", at,
            axis, place.rank ? place.dims[axis] : 0);
  return b.status();
}

Status build_Stack(Builder& b) {
  const std::vector<Value> tensors = b.tensor_list("tensors");
  const Value place = b.output();
  if (b.failed()) return b.status();
  const int axis = b.axis(b.integer("dim"), place.rank);
  if (!b.require(place.rank > 0 && static_cast<int64_t>(tensors.size()) == place.dims[axis],
                 "{} tensors for {}", tensors.size(), to_string(place)))
    return b.status();
  for (size_t i = 0; i < tensors.size(); ++i)
    b.store(tensors[i], b.select(place, axis, static_cast<int64_t>(i)));
  return b.status();
}

Status build_Permute(Builder& b) {
  b.store(b.permute(b.tensor("self"), b.ints("dims")), b.output());
  return b.status();
}

Status build_Repeat(Builder& b) {
  Value x = b.tensor("self");
  const std::vector<int64_t> repeats = b.ints("repeats");
  Value place = b.output();
  if (b.failed() || !b.require(static_cast<int>(repeats.size()) >= x.rank && repeats.size() <= kMaxRank,
                               "{} repeats of a tensor of rank {}", repeats.size(), x.rank))
    return b.status();
  while (x.rank < static_cast<int>(repeats.size())) x = b.unsqueeze(x, 0);
  // A repeated dimension is two of the output: how often, and the elements.
  std::vector<int64_t> split, source, result;
  for (size_t i = 0; i < repeats.size(); ++i) {
    const int64_t n = x.dims[i], r = repeats[i];
    if (!b.require(r >= 0, "repeats are {}", dims_to_string(repeats))) return b.status();
    result.push_back(elements_of(b, {n, r}));
    if (r != 1 && n != 1) split.push_back(r), source.push_back(1);
    split.push_back(n == 1 ? r : n), source.push_back(n);
  }
  if (!b.require(place.shape() == result, "the result is {}, but the output {}", dims_to_string(result),
                 dims_to_string(place.shape())))
    return b.status();
  if (split.size() <= kMaxRank)
    b.store(b.expand(b.reshape(x, source), split), b.reshape(place, split));
  else
    b.store(b.op("tile", {x}, {{"repeats", repeats}}), place);
  return b.status();
}

Status build_RepeatInterleaveIntWithDim(Builder& b) {
  const Value x = b.tensor("self"), place = b.output();
  const int64_t repeats = b.integer("repeats");
  if (b.failed()) return b.status();
  const int axis = b.axis(b.integer("dim"), x.rank);
  if (!b.require(repeats >= 0 && x.rank > 0 && place.rank == x.rank &&
                     elements_of(b, {x.dims[axis], repeats}) == place.dims[axis] && x.rank < kMaxRank,
                 "{} repeats of {} do not give {}", repeats, to_string(x), to_string(place)))
    return b.status();
  std::vector<int64_t> split = x.shape();
  split.insert(split.begin() + axis + 1, repeats);
  b.store(b.expand(b.unsqueeze(x, axis + 1), split), b.reshape(place, split));
  return b.status();
}

Status build_Slice(Builder& b) {
  b.store(
      b.slice(b.tensor("self"), b.integer("dim"), b.integer("start"), b.integer("end"), b.integer("step")),
      b.output());
  return b.status();
}

Status build_Roll(Builder& b) {
  Value x = b.tensor("self"), place = b.output();
  const std::vector<int64_t> shifts = b.ints("shifts");
  std::vector<int64_t> dims = b.ints("dims");
  if (b.failed()) return b.status();
  if (dims.empty()) {  // of all elements in a row
    x = b.reshape(x, {x.elements()});
    if (!b.require(place.dense() && shifts.size() == 1,
                   "a roll of all elements takes one shift and a dense output"))
      return b.status();
    place = b.reshape(place, {place.elements()});
    dims = {0};
  }
  if (!b.require(shifts.size() == dims.size() && dims.size() <= 6 && x.shape() == place.shape(),
                 "shifts {} along {} of {}", dims_to_string(shifts), dims_to_string(dims), to_string(x)))
    return b.status();
  roll(b, x, place, shifts, dims, 0);
  return b.status();
}

Status build_ConstantPadNd(Builder& b) { return pad(b, "pad", "constant", b.number("value")); }
Status build_ReflectionPad1d(Builder& b) { return pad(b, "padding", "reflect", 0); }
Status build_ReflectionPad2d(Builder& b) { return pad(b, "padding", "reflect", 0); }
Status build_ReflectionPad3d(Builder& b) { return pad(b, "padding", "reflect", 0); }
Status build_ReplicationPad1d(Builder& b) { return pad(b, "padding", "edge", 0); }
Status build_ReplicationPad2d(Builder& b) { return pad(b, "padding", "edge", 0); }
Status build_ReplicationPad3d(Builder& b) { return pad(b, "padding", "edge", 0); }

Status build_Tril(Builder& b) { return triangle(b, false); }
Status build_InplaceTril(Builder& b) { return triangle(b, false); }
Status build_Triu(Builder& b) { return triangle(b, true); }
Status build_InplaceTriu(Builder& b) { return triangle(b, true); }

Status build_Arange(Builder& b) {
  const Scalar start = b.scalar("start"), end = b.scalar("end"), step = b.scalar("step");
  const Value place = b.output();
  if (b.failed() || !b.require(step.f != 0, "the step is 0")) return b.status();
  const int64_t count = place.elements();
  const double steps = std::ceil((end.f - start.f) / step.f);
  if (!b.require(static_cast<double>(count) == std::max(steps, 0.0), "{} elements from {} to {} by {}", count,
                 start.f, end.f, step.f))
    return b.status();
  const bool whole = !is_float(start.dtype) && !is_float(step.dtype);
  // Numbered on the device, so that a plan holds no long constants: sums of ones.
  const Value ones = b.filled(Scalar::of(int64_t{1}), Dtype::kI64, {count});
  const Value number = b.op("cumulative_sum", {ones}, {{"axis", int64_t{0}}, {"exclusive", int64_t{1}}});
  const Dtype dtype = whole ? Dtype::kI64 : place.dtype == Dtype::kF64 ? Dtype::kF64 : Dtype::kF32;
  const Value scaled = b.op("mul", {b.cast(number, dtype), b.constant(step, dtype)});
  b.store(b.reshape(b.op("add", {scaled, b.constant(start, dtype)}), place.shape()), place);
  return b.status();
}

}  // namespace isthmus::cann
