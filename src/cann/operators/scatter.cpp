// SPDX-License-Identifier: Apache-2.0
// Writing, adding and filling at indices; search in sorted rows.
#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

std::vector<int64_t> front(int axis, int rank) {
  std::vector<int64_t> order = {axis};
  for (int i = 0; i < rank; ++i)
    if (i != axis) order.push_back(i);
  return order;
}

// self with slices at the indices along dim written over or added to, in the order of the indices.
Status write_slices(Builder& b, Value source, const char* reduction) {
  const Value x = b.tensor("self"), index = as_index(b, b.tensor("index"));
  if (b.failed()) return b.status();
  const int axis = b.axis(b.integer("dim"), x.rank);
  if (!b.require(x.rank > 0 && index.rank <= 1, "index {} for {}", to_string(index), to_string(x)))
    return b.status();
  const std::vector<int64_t> order = front(axis, x.rank);
  std::vector<int64_t> shape = x.shape();
  shape[static_cast<size_t>(axis)] = index.elements();
  if (source.rank == 0) source = b.expand(source, shape);
  if (!b.require(source.shape() == shape, "{} to write into {} at {} places", to_string(source), to_string(x),
                 index.elements()))
    return b.status();
  const Value updates = b.permute(b.cast(source, x.dtype), order);
  b.store(b.op("scatter_nd", {b.permute(x, order), b.reshape(index, {index.elements(), 1}), updates},
               {{"reduction", std::string(reduction)}}),
          b.permute(b.output(), order));
  return b.status();
}

Status write_elements(Builder& b, Value source, const char* reduction) {
  const Value x = b.tensor("self"), index = as_index(b, b.tensor("index"));
  if (b.failed()) return b.status();
  source = b.cast(source, x.dtype);
  if (source.rank == 0) source = b.expand(source, index.shape());
  for (int d = 0; d < index.rank && d < source.rank; ++d) source = b.slice(source, d, 0, index.dims[d]);
  b.store(b.op("scatter_elements", {x, index, source},
               {{"axis", int64_t{b.axis(b.integer("dim"), x.rank)}}, {"reduction", std::string(reduction)}}),
          b.output());
  return b.status();
}

const char* reduction(Builder& b) {
  static constexpr const char* kNames[] = {"none", "add", "mul"};
  const int64_t reduce = b.integer("reduce");
  return b.require(reduce >= 0 && reduce <= 2, "reduce is {}", reduce) ? kNames[reduce] : "none";
}

Value value_like_self(Builder& b, const char* parameter) {
  const Value x = b.tensor("self");
  return b.failed() ? Value{} : b.constant(b.scalar(parameter), x.dtype);
}

// How many elements of the sorted row are below x (not above it, from the right).
Status search(Builder& b, const char* row, const Value& x) {
  Value sorted = b.tensor(row);
  const bool right = b.boolean("right");
  if (b.failed()) return b.status();
  const Dtype dtype = numeric(Builder::promote(sorted.dtype, x.dtype));
  sorted = b.cast(sorted, dtype);
  if (!b.require(sorted.rank >= 1 && (sorted.rank == 1 || sorted.rank == x.rank) && x.rank < kMaxRank,
                 "{} in {}", to_string(x), to_string(sorted)))
    return b.status();
  if (sorted.rank > 1) sorted = b.unsqueeze(sorted, -2);
  const Value below = b.op(right ? "less_equal" : "less", {sorted, b.unsqueeze(b.cast(x, dtype), x.rank)});
  b.store(b.op("reduce_sum", {b.cast(below, Dtype::kI64)},
               {{"axes", std::vector<int64_t>{-1}}, {"keep_dims", int64_t{0}}}),
          b.output());
  return b.status();
}

}  // namespace

Status build_IndexCopy(Builder& b) { return write_slices(b, b.tensor("source"), "none"); }
Status build_IndexAdd(Builder& b) {
  Value source = b.tensor("source");
  const Scalar alpha = b.scalar("alpha");
  if (!b.failed() && !alpha.is_one()) source = with_scalar(b, "mul", source, alpha);
  return write_slices(b, source, "add");
}
Status build_IndexAddV2(Builder& b) { return build_IndexAdd(b); }
Status build_IndexFill(Builder& b) { return write_slices(b, value_like_self(b, "value"), "none"); }
Status build_InplaceIndexFill(Builder& b) { return build_IndexFill(b); }

Status build_ScatterValue(Builder& b) { return write_elements(b, value_like_self(b, "value"), reduction(b)); }
Status build_InplaceScatterValue(Builder& b) { return build_ScatterValue(b); }
Status build_ScatterAdd(Builder& b) { return write_elements(b, b.tensor("src"), "add"); }

Status build_ScatterNdUpdate(Builder& b) {
  const Value x = b.tensor("varRef"), index = as_index(b, b.tensor("indices"));
  const Value updates = b.tensor("updates");
  if (b.failed()) return b.status();
  b.store(b.op("scatter_nd", {x, index, b.cast(updates, x.dtype)}), b.output("varRef"));
  return b.status();
}

// As PyTorch: the elements in a row.
Status build_Take(Builder& b) {
  const Value x = b.tensor("self");
  b.store(b.op("gather", {b.reshape(x, {x.elements()}), as_index(b, b.tensor("index"))}), b.output());
  return b.status();
}

Status build_GatherV3(Builder& b) {
  const Value x = b.tensor("self");
  if (b.failed() || !b.require(b.integer("batchDims") == 0, "batchDims is {}", b.integer("batchDims")))
    return b.status();
  b.store(b.op("gather", {x, as_index(b, b.tensor("index"))},
               {{"axis", int64_t{b.axis(b.integer("dim"), x.rank)}}}),
          b.output());
  return b.status();
}

Status build_InplaceMaskedFillTensor(Builder& b) {
  const Value x = b.tensor("selfRef"), mask = b.cast(b.tensor("mask"), Dtype::kBool);
  const Value value = b.tensor("value");
  if (b.failed() || !b.require(value.elements() == 1, "'value' is {}", to_string(value))) return b.status();
  b.store(b.op("where", {mask, b.reshape(b.cast(value, x.dtype), {}), x}), b.output("selfRef"));
  return b.status();
}

Status build_SearchSorted(Builder& b) {
  b.require(!b.has("sorter"), "a 'sorter' is not taken");
  return search(b, "sortedSequence", b.tensor("self"));
}
Status build_SearchSorteds(Builder& b) {
  b.require(!b.has("sorter"), "a 'sorter' is not taken");
  const Value sorted = b.tensor("sortedSequence");
  const Scalar x = b.scalar("self");
  return b.failed() ? b.status()
                    : search(b, "sortedSequence", b.constant(x, numeric(Builder::promote(sorted.dtype, x))));
}
Status build_Bucketize(Builder& b) { return search(b, "boundaries", b.tensor("self")); }

}  // namespace isthmus::cann
