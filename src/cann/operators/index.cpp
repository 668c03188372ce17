// SPDX-License-Identifier: Apache-2.0
// Gather, scatter and sort.
#include <algorithm>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

Status gather(Builder& b, const char* table, const char* index, int64_t dim) {
  const Value x = b.tensor(table), i = as_index(b, b.tensor(index));
  if (b.failed()) return b.status();
  b.store(b.op("gather", {x, i}, {{"axis", int64_t{b.axis(dim, x.rank)}}}), b.output());
  return b.status();
}

}  // namespace

Status build_GatherV2(Builder& b) { return gather(b, "self", "index", b.integer("dim")); }
Status build_IndexSelect(Builder& b) { return gather(b, "self", "index", b.integer("dim")); }
Status build_Embedding(Builder& b) { return gather(b, "weight", "indices", 0); }

Status build_Gather(Builder& b) {
  const Value x = b.tensor("self"), i = as_index(b, b.tensor("index"));
  if (b.failed()) return b.status();
  b.store(b.op("gather_elements", {x, i}, {{"axis", int64_t{b.axis(b.integer("dim"), x.rank)}}}), b.output());
  return b.status();
}

Status build_Scatter(Builder& b) {
  static constexpr const char* kReductions[] = {"none", "add", "mul"};
  const Value x = b.tensor("self"), i = as_index(b, b.tensor("index")), source = b.tensor("src");
  const int64_t reduce = b.integer("reduce");
  if (b.failed() || !b.require(reduce >= 0 && reduce <= 2, "reduce is {}", reduce)) return b.status();
  // Where the source is larger, only the part that index covers counts.
  Value part = b.cast(source, x.dtype);
  for (int d = 0; d < i.rank && d < part.rank; ++d) part = b.slice(part, d, 0, i.dims[d]);
  b.store(b.op("scatter_elements", {x, i, part},
               {{"axis", int64_t{b.axis(b.integer("dim"), x.rank)}},
                {"reduction", std::string(kReductions[reduce])}}),
          b.output());
  return b.status();
}
Status build_InplaceScatter(Builder& b) { return build_Scatter(b); }

Status build_InplaceIndexCopy(Builder& b) {
  const Value x = b.tensor("selfRef"), index = as_index(b, b.tensor("index"));
  if (b.failed()) return b.status();
  // In place: nothing else may lie there.
  const Value source = b.apart(b.cast(b.tensor("source"), x.dtype), x);
  b.ops("index_copy", {x, b.apart(b.reshape(index, {index.elements()}), x), source},
        {{"axis", int64_t{b.axis(b.integer("dim"), x.rank)}}});
  return b.status();
}

Status build_InplaceIndexFillTensor(Builder& b) {
  const Value place = b.output("selfRef");
  const Scalar value = b.scalar("value");
  std::vector<int64_t> index = b.ints("index");
  if (b.failed()) return b.status();
  const int axis = b.axis(b.integer("dim"), place.rank);
  const int64_t n = place.rank ? place.dims[axis] : 1;
  for (int64_t& i : index) {
    if (!b.require(i >= -n && i < n, "index {} of a dimension of {}", i, n)) return b.status();
    i = i < 0 ? i + n : i;
  }
  std::sort(index.begin(), index.end());
  index.erase(std::unique(index.begin(), index.end()), index.end());
  for (size_t i = 0; i < index.size();) {  // runs of neighbours at once
    size_t end = i + 1;
    while (end < index.size() && index[end] == index[end - 1] + 1) ++end;
    const Value part = place.rank ? b.slice(place, axis, index[i], index[end - 1] + 1) : place;
    b.store(b.filled(value, part.dtype, part.shape()), part);
    i = end;
  }
  return b.status();
}

Status build_InplaceMaskedFillScalar(Builder& b) {
  const Value x = b.tensor("selfRef"), mask = b.cast(b.tensor("mask"), Dtype::kBool);
  const Scalar value = b.scalar("value");
  if (b.failed()) return b.status();
  b.store(b.op("where", {mask, b.constant(value, x.dtype), x}), b.output("selfRef"));
  return b.status();
}

Status build_Argsort(Builder& b) {
  const Value x = b.tensor("self");
  if (b.failed()) return b.status();
  const std::vector<Value> sorted =
      b.ops("sort", {b.cast(x, numeric(x.dtype))},
            {{"axis", b.integer("dim")}, {"descending", int64_t{b.boolean("descending")}}});
  if (!b.failed()) b.store(sorted[1], b.output());
  return b.status();
}

}  // namespace isthmus::cann
