// SPDX-License-Identifier: Apache-2.0
// Builder's views: other dims, strides and offsets over the same memory.
#include <algorithm>

#include "cann/aclnn/builder.h"

namespace isthmus::cann {
namespace {

int64_t element_bytes(const Value& x) { return dtype_bytes(x.dtype, 1); }

}  // namespace

// Runs of dimensions that lie as one are split.
bool find_strides(const Value& x, std::span<const int64_t> dims, int64_t* strides) {
  int from = 0;
  size_t to = 0;
  while (from < x.rank || to < dims.size()) {
    // A group: as few dimensions of both sides as have equally many elements.
    int64_t old_elements = 1, new_elements = 1;
    const int first = from;
    const size_t first_to = to;
    if (from < x.rank) old_elements = x.dims[from++];
    if (to < dims.size()) new_elements = dims[to++];
    while (old_elements != new_elements) {
      if (old_elements < new_elements) {
        if (from == x.rank) return false;
        old_elements *= x.dims[from++];
      } else {
        if (to == dims.size()) return false;
        new_elements *= dims[to++];
      }
    }
    int64_t step = 0;
    int last = -1;  // innermost of the group with more than one element
    for (int i = from - 1; i >= first; --i) {
      if (x.dims[i] == 1) continue;
      if (last >= 0 && x.strides[i] != x.strides[last] * x.dims[last]) return false;
      if (last < 0) step = x.strides[i];
      last = i;
    }
    if (last < 0) step = 1;
    for (size_t i = to; i-- > first_to;) {
      strides[i] = step;
      step *= dims[i];
    }
  }
  return true;
}

Value Builder::permute(const Value& x, const std::vector<int64_t>& order) {
  if (!require(static_cast<int>(order.size()) == x.rank, "{} dimensions for a tensor of rank {}",
               order.size(), x.rank))
    return {};
  Value y = x;
  unsigned seen = 0;
  for (int i = 0; i < x.rank; ++i) {
    const int from = axis(order[static_cast<size_t>(i)], x.rank);
    if (!require((seen >> from & 1) == 0, "dimension {} is named twice in {}", from, dims_to_string(order)))
      return {};
    seen |= 1u << from;
    y.dims[i] = x.dims[from];
    y.strides[i] = x.strides[from];
  }
  return y;
}

Value Builder::transpose(const Value& x, int64_t a, int64_t b) {
  const int i = axis(a, x.rank), j = axis(b, x.rank);
  if (failed() || x.rank < 2) return x;
  Value y = x;
  std::swap(y.dims[i], y.dims[j]);
  std::swap(y.strides[i], y.strides[j]);
  return y;
}

Value Builder::reshape(const Value& x, const std::vector<int64_t>& dims) {
  if (failed()) return {};
  int64_t elements = 1, step = 1;  // step: as if no dimension were 0, for strides
  bool possible = dims.size() <= kMaxRank;
  for (int64_t dim : dims) {
    possible = possible && dim >= 0 && !__builtin_mul_overflow(step, std::max<int64_t>(dim, 1), &step);
    elements = possible ? elements * dim : 0;
  }
  if (!require(possible && elements == x.elements(), "{} elements as {}", x.elements(), dims_to_string(dims)))
    return {};
  Value y = x;
  y.rank = static_cast<int>(dims.size());
  std::copy(dims.begin(), dims.end(), y.dims);
  if (elements == 0 || x.dense()) {
    contiguous_strides(y.dims, y.rank, y.strides);
  } else if (!find_strides(x, dims, y.strides)) {
    return reshape(copy(x), dims);
  }
  return y;
}

Value Builder::slice(const Value& x, int64_t along, int64_t begin, int64_t end, int64_t step) {
  const int i = axis(along, x.rank);
  if (failed() || !require(x.rank > 0, "a slice of a tensor of rank 0")) return {};
  if (!require(step > 0, "step {} of a slice", step)) return {};
  const int64_t n = x.dims[i];
  if (begin < 0) begin += n;
  if (end < 0) end += n;
  begin = std::clamp<int64_t>(begin, 0, n);
  end = std::clamp<int64_t>(end, begin, n);
  Value y = x;
  y.dims[i] = end == begin ? 0 : (end - begin - 1) / step + 1;
  y.offset += begin == n ? 0 : begin * x.strides[i] * element_bytes(x);
  if (y.dims[i] > 1) y.strides[i] *= step;
  return y;
}

Value Builder::select(const Value& x, int64_t along, int64_t index) {
  const int i = axis(along, x.rank);
  if (failed() || !require(x.rank > 0 && index >= -x.dims[i] && index < x.dims[i],
                           "index {} of a dimension of {}", index, x.rank ? x.dims[i] : 0))
    return {};
  return squeeze(slice(x, i, index, index == -1 ? x.dims[i] : index + 1), i);
}

Value Builder::unsqueeze(const Value& x, int64_t along) {
  const int i = axis(along, x.rank + 1);
  if (failed() || !require(x.rank < kMaxRank, "a dimension more than {}", kMaxRank)) return {};
  Value y = x;
  std::copy_backward(y.dims + i, y.dims + x.rank, y.dims + x.rank + 1);
  std::copy_backward(y.strides + i, y.strides + x.rank, y.strides + x.rank + 1);
  y.dims[i] = 1;
  y.strides[i] = i + 1 <= x.rank ? y.dims[i + 1] * y.strides[i + 1] : 1;
  ++y.rank;
  return y;
}

Value Builder::squeeze(const Value& x, int64_t along) {
  const int i = axis(along, x.rank);
  if (failed() || x.rank == 0) return x;
  if (!require(x.dims[i] == 1, "dimension {} has {} elements and cannot be left out", i, x.dims[i]))
    return {};
  Value y = x;
  std::copy(y.dims + i + 1, y.dims + x.rank, y.dims + i);
  std::copy(y.strides + i + 1, y.strides + x.rank, y.strides + i);
  --y.rank;
  return y;
}

Value Builder::expand(const Value& x, const std::vector<int64_t>& dims) {
  if (failed()) return {};
  const int more = static_cast<int>(dims.size()) - x.rank;
  if (!require(more >= 0 && dims.size() <= kMaxRank, "{} does not broadcast to {}", to_string(x),
               dims_to_string(dims)))
    return {};
  Value y = x;
  y.rank = static_cast<int>(dims.size());
  int64_t elements = 1;
  for (int i = 0; i < y.rank; ++i) {
    const int64_t old = i < more ? 1 : x.dims[i - more];
    const int64_t now = dims[static_cast<size_t>(i)];
    const bool possible = now >= 0 && !__builtin_mul_overflow(elements, std::max<int64_t>(now, 1), &elements);
    if (!require(possible && (old == now || old == 1), "{} does not broadcast to {}", to_string(x),
                 dims_to_string(dims)))
      return {};
    y.dims[i] = now;
    y.strides[i] = old == now && i >= more ? x.strides[i - more] : 0;
  }
  return y;
}

Value Builder::diagonal(const Value& x) {
  if (failed() || !require(x.rank >= 2, "a diagonal of a tensor of rank {}", x.rank)) return {};
  Value y = x;
  const int i = x.rank - 2;
  y.dims[i] = std::min(x.dims[i], x.dims[i + 1]);
  y.strides[i] = x.strides[i] + x.strides[i + 1];
  --y.rank;
  return y;
}

Value Builder::flip(const Value& x, int64_t along) {
  const int i = axis(along, x.rank);
  if (failed() || x.rank == 0 || x.dims[i] == 0) return x;
  Value y = x;
  y.offset += (x.dims[i] - 1) * x.strides[i] * element_bytes(x);
  y.strides[i] = -x.strides[i];
  return y;
}

void Builder::store_sized(const Value& value, const Value& place, int axis, const Value& count) {
  if (failed() || !require(place.dense(), "an output whose size depends on data is {}; it must be dense",
                           to_string(place)))
    return;
  if (place.elements() > 0) store(value, place);
  sized_.push_back({place, count, axis});
}

void Builder::store(const Value& value, const Value& place) {
  if (failed() || !place.present()) return;
  if (!require(value.present(), "there is no result to store")) return;
  stores_.push_back({value, place});
}

}  // namespace isthmus::cann
