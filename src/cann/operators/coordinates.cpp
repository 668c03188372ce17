// SPDX-License-Identifier: Apache-2.0
// Reading and writing at coordinates, an index tensor for each dimension, as PyTorch's x[i, :, j].
#include <algorithm>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

// x[indices] with the indexed dimensions of x first.
struct Coordinates {
  Value x;                    // [indexed..., others...]
  std::vector<int64_t> dims;  // which dimension of x each of these is
  Value indices;              // I64 or I32 [shape..., indexed]
  // The result's dims lie [shape..., others...]; `order` brings them where PyTorch has them: the shape stands
  // where the indexed dimensions stood when these are neighbours, else first.
  std::vector<int64_t> order;
};

std::vector<int64_t> inverse_of(const std::vector<int64_t>& order) {
  std::vector<int64_t> inverse(order.size());
  for (size_t i = 0; i < order.size(); ++i) inverse[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  return inverse;
}

Coordinates read_coordinates(Builder& b, const Value& x) {
  Coordinates c;
  const std::vector<Value> list = b.tensor_list("indices");
  if (b.failed() ||
      !b.require(static_cast<int>(list.size()) <= x.rank, "{} indices for {}", list.size(), to_string(x)))
    return c;
  std::vector<int64_t> indexed, others, shape;
  std::vector<Value> given;
  Dtype dtype = Dtype::kI32;
  for (int d = 0; d < x.rank; ++d) {
    const Value index = d < static_cast<int>(list.size()) ? list[static_cast<size_t>(d)] : Value{};
    // An empty tensor stands for "all". One that is meant gives an empty result, for which nothing is read.
    if (!index.present() || index.elements() == 0) {
      others.push_back(d);
      continue;
    }
    if (!b.require(!is_float(index.dtype) && index.dtype != Dtype::kBool && index.dtype != Dtype::kU8,
                   "index {} is {}; masks are given as coordinates", d, to_string(index)))
      return c;
    if (index.dtype != Dtype::kI32) dtype = Dtype::kI64;
    shape = b.broadcast(shape, index.shape());
    indexed.push_back(d);
    given.push_back(index);
  }
  if (b.failed() || !b.require(!given.empty(), "no index is given")) return c;
  for (Value& index : given) index = b.unsqueeze(b.expand(b.cast(index, dtype), shape), -1);
  c.indices = given.size() == 1 ? given[0] : b.op("concat", given, {{"axis", int64_t{-1}}});
  const auto before = static_cast<size_t>(
      indexed.back() - indexed.front() == static_cast<int64_t>(indexed.size()) - 1 ? indexed.front() : 0);
  for (size_t i = 0; i < before; ++i) c.order.push_back(static_cast<int64_t>(shape.size() + i));
  for (size_t i = 0; i < shape.size(); ++i) c.order.push_back(static_cast<int64_t>(i));
  for (size_t i = before; i < others.size(); ++i) c.order.push_back(static_cast<int64_t>(shape.size() + i));
  indexed.insert(indexed.end(), others.begin(), others.end());
  c.dims = indexed;
  c.x = b.permute(x, indexed);
  return c;
}

// The dims x[indices] has with the shape of the indices first.
std::vector<int64_t> dims_of_result(const Coordinates& c) {
  std::vector<int64_t> dims = c.indices.shape();
  const int64_t depth = dims.back();
  dims.pop_back();
  dims.insert(dims.end(), c.x.dims + depth, c.x.dims + c.x.rank);
  return dims;
}

}  // namespace

Status build_Index(Builder& b) {
  const Value x = b.tensor("self"), place = b.output();
  if (b.failed() || place.elements() == 0) return b.status();
  const Coordinates c = read_coordinates(b, x);
  if (!b.failed()) b.store(b.permute(b.op("gather_nd", {c.x, c.indices}), c.order), place);
  return b.status();
}

Status build_IndexPutImpl(Builder& b) {
  const Value x = b.tensor("selfRef"), values = b.tensor("values");
  if (b.failed() || x.elements() == 0 || values.elements() == 0) return b.status();
  bool nowhere = true;  // as with a mask that is false everywhere
  for (const Value& index : b.tensor_list("indices")) nowhere &= index.elements() == 0;
  if (nowhere) return b.status();
  const Coordinates c = read_coordinates(b, x);
  if (b.failed()) return b.status();
  const std::vector<int64_t> dims = dims_of_result(c);
  std::vector<int64_t> shown;  // as PyTorch has them, which values broadcast to
  for (int64_t axis : c.order) shown.push_back(dims[static_cast<size_t>(axis)]);
  const Value updates = b.permute(b.expand(b.cast(values, x.dtype), shown), inverse_of(c.order));
  const bool add = b.boolean("accumulate");
  const Value y =
      b.op("scatter_nd", {c.x, c.indices, updates}, {{"reduction", std::string(add ? "add" : "none")}});
  b.store(y, b.permute(b.output("selfRef"), c.dims));
  return b.status();
}

}  // namespace isthmus::cann
