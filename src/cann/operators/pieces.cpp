// SPDX-License-Identifier: Apache-2.0
// Parts of tensors by several bounds at once, and tensors cut into chunks.
#include <algorithm>

#include "cann/operators/common.h"

namespace isthmus::cann {

// Each tensor cut along dim into so many chunks, zeros being added to the last; the chunks of one number
// joined.
Status build_ChunkCat(Builder& b) {
  const std::vector<Value> tensors = b.tensor_list("tensors");
  const Value place = b.output();
  const int64_t chunks = b.integer("numChunks");
  if (b.failed() || !b.require(!tensors.empty() && chunks > 0 && chunks < int64_t{1} << 31,
                               "{} tensors in {} chunks", tensors.size(), chunks))
    return b.status();
  const int axis = b.axis(b.integer("dim"), tensors[0].rank);
  if (b.failed() || !b.require(place.rank == axis + 2 && place.dims[axis] == chunks,
                               "{} chunks along {} into {}", chunks, axis, to_string(place)))
    return b.status();
  int64_t at = 0;
  for (Value x : tensors) {
    if (b.failed() || !b.require(x.rank > axis && std::equal(x.dims, x.dims + axis, place.dims),
                                 "{} among the tensors", to_string(x)))
      return b.status();
    x = b.cast(x, place.dtype);
    std::vector<int64_t> pads(2 * static_cast<size_t>(x.rank), 0), shape(x.dims, x.dims + axis);
    const int64_t each = (x.dims[axis] + chunks - 1) / chunks;
    pads[static_cast<size_t>(x.rank + axis)] = each * chunks - x.dims[axis];
    int64_t width = each;
    for (int d = axis + 1; d < x.rank; ++d) width *= x.dims[d];
    shape.push_back(chunks), shape.push_back(width);
    if (!b.require(at + width <= place.dims[axis + 1], "the chunks have more than {} elements",
                   place.dims[axis + 1]))
      return b.status();
    if (x.elements() > 0)
      b.store(b.reshape(b.op("pad", {x}, {{"pads", pads}}), shape), b.slice(place, axis + 1, at, at + width));
    at += width;
  }
  b.require(at == place.dims[axis + 1], "the chunks have {} elements, the output {}", at,
            place.dims[axis + 1]);
  return b.status();
}

// Bounds by numbers, one for each dimension; bits of the masks say of which number: no bound counts (begin,
// end), it stands for all dimensions not named (ellipsis), for a new one (new axis), or for one that goes
// (shrink).
Status build_StridedSlice(Builder& b) {
  Value x = b.tensor("self");
  const std::vector<int64_t> begin = b.ints("begin"), end = b.ints("end"), strides = b.ints("strides");
  const auto mask = [&](const char* parameter) {
    const int64_t bits = b.integer(parameter);
    return [bits](size_t i) { return i < 63 && (bits >> i & 1) != 0; };
  };
  const auto no_begin = mask("beginMask"), no_end = mask("endMask"), ellipsis = mask("ellipsisMask");
  const auto fresh = mask("newAxisMask"), shrinks = mask("shrinkAxisMask");
  const size_t count = begin.size();
  if (b.failed() ||
      !b.require(end.size() == count && (strides.empty() || strides.size() == count) && count <= 2 * kMaxRank,
                 "{} begins, {} ends and {} strides", count, end.size(), strides.size()))
    return b.status();
  int64_t named = 0;
  for (size_t i = 0; i < count; ++i) named += !ellipsis(i) && !fresh(i);
  if (!b.require(named <= x.rank, "{} bounds for {}", named, to_string(x))) return b.status();
  int64_t at = 0;
  bool skipped = false;
  for (size_t i = 0; i < count && !b.failed(); ++i) {
    if (ellipsis(i)) {
      if (!b.require(!skipped, "the bits of 'ellipsisMask' are {}", b.integer("ellipsisMask"))) break;
      at += b.tensor("self").rank - named;
      skipped = true;
      continue;
    }
    if (fresh(i)) {
      x = b.unsqueeze(x, at++);
      continue;
    }
    const int64_t n = x.dims[at], step = strides.empty() ? 1 : strides[i];
    if (!b.require(step != 0 && step > -(int64_t{1} << 31) && step < int64_t{1} << 31, "a stride of {}",
                   step))
      break;
    const auto bound = [&](int64_t v, int64_t low, int64_t high) {
      return std::clamp(v < 0 ? v + n : v, low, high);
    };
    if (shrinks(i)) {
      x = b.select(x, at, begin[i]);
      continue;
    }
    if (step > 0) {
      const int64_t from = no_begin(i) ? 0 : bound(begin[i], 0, n), to = no_end(i) ? n : bound(end[i], 0, n);
      x = b.slice(x, at, from, std::max(from, to), step);
    } else {  // the same places of the dimension turned round
      const int64_t from = no_begin(i) ? n - 1 : bound(begin[i], -1, n - 1),
                    to = no_end(i) ? -1 : bound(end[i], -1, n - 1);
      x = b.slice(b.flip(x, at), at, n - 1 - from, std::max(n - 1 - from, n - 1 - to), -step);
    }
    ++at;
  }
  b.store(x, b.output());
  return b.status();
}

}  // namespace isthmus::cann
