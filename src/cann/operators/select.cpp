// SPDX-License-Identifier: Apache-2.0
// Operators whose results have a size that depends on data: the program gives places of the greatest size,
// and its tensors have the real one after phase two.
#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

enum { kValues, kInverse, kCounts, kCount };  // of unique

// The slices of x along an axis, each once; the outputs are there or not, and empty ones are not asked for.
Status unique_slices(Builder& b, const Value& x, int64_t along, bool consecutive) {
  const Value values = b.output("valueOut"), inverse = b.output("inverseOut");
  const Value counts = b.declares("countsOut") ? b.output("countsOut") : Value{};
  if (b.failed()) return b.status();
  const int axis = b.axis(along, x.rank);
  const std::vector<Value> all =
      b.ops("unique", {x}, {{"axis", int64_t{axis}}, {"consecutive", int64_t{consecutive}}});
  if (b.failed()) return b.status();
  // The result is dense, also where slices do not lie one behind the other.
  bool outermost = true;
  for (int d = 0; d < axis; ++d) outermost &= x.dims[d] == 1;
  const Value front =
      outermost ? all[kValues] : b.op("keep_front", {all[kValues], all[kCount]}, {{"axis", int64_t{axis}}});
  b.store_sized(front, values, axis, all[kCount]);
  if (inverse.elements() > 0) b.store(b.reshape(all[kInverse], inverse.shape()), inverse);
  if (counts.present() && counts.elements() > 0) b.store_sized(all[kCounts], counts, 0, all[kCount]);
  return b.status();
}

Status unique_elements(Builder& b, bool consecutive) {
  const Value x = b.tensor("self");
  return b.failed() ? b.status() : unique_slices(b, b.reshape(x, {x.elements()}), 0, consecutive);
}

}  // namespace

Status build_MaskedSelect(Builder& b) {
  const Value x = b.tensor("self"), mask = b.cast(b.tensor("mask"), Dtype::kBool);
  const std::vector<Value> selected = b.ops("masked_select", {x, mask});
  if (!b.failed()) b.store_sized(selected[0], b.output(), 0, selected[1]);
  return b.status();
}

Status build_Nonzero(Builder& b) {
  const std::vector<Value> found = b.ops("nonzero", {b.tensor("self")});
  if (!b.failed()) b.store_sized(found[0], b.output(), 0, found[1]);
  return b.status();
}
Status build_NonzeroV2(Builder& b) {
  const std::vector<Value> found = b.ops("nonzero", {b.tensor("self")});
  if (b.failed()) return b.status();
  const Value columns = b.transpose(found[0], 0, 1);
  b.store_sized(b.op("keep_front", {columns, found[1]}, {{"axis", int64_t{1}}}), b.output(), 1, found[1]);
  return b.status();
}

Status build_Unique(Builder& b) { return unique_elements(b, false); }
Status build_Unique2(Builder& b) { return unique_elements(b, false); }
Status build_UniqueConsecutive(Builder& b) {
  constexpr int64_t kNoDim = 1000;  // what stands for none
  if (b.integer("dim") == kNoDim) return unique_elements(b, true);
  return unique_slices(b, b.tensor("self"), b.integer("dim"), true);
}
Status build_UniqueDim(Builder& b) { return unique_slices(b, b.tensor("self"), b.integer("dim"), false); }

}  // namespace isthmus::cann
