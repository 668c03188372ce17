// SPDX-License-Identifier: Apache-2.0
#include "ops/shape_rules.h"

#include <algorithm>

namespace isthmus {

Result<Shape> broadcast_shapes(const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()));
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t from_end = out.size() - i;
    const Dim x = from_end <= a.size() ? a[a.size() - from_end] : Dim(1);
    const Dim y = from_end <= b.size() ? b[b.size() - from_end] : Dim(1);
    if (x == y || y.is(1))
      out[i] = x;
    else if (x.is(1))
      out[i] = y;
    else
      return invalid_argument("{} and {} do not broadcast: {} against {}", shape_to_string(a),
                              shape_to_string(b), x.to_string(), y.to_string());
  }
  return out;
}

Result<int> check_axis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank)
    return invalid_argument("axis {} is outside [{}, {}) of an input of rank {}", axis, -rank, rank, rank);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Result<std::vector<int>> check_axes(std::span<const int64_t> axes, int rank) {
  std::vector<int> out;
  for (int64_t axis : axes) {
    ASSIGN_OR_RETURN(int checked, check_axis(axis, rank));
    out.push_back(checked);
  }
  std::sort(out.begin(), out.end());
  if (std::adjacent_find(out.begin(), out.end()) != out.end())
    return invalid_argument("an axis is named twice");
  return out;
}

Result<int64_t> fixed_dim(const Dim& dim, std::string_view what) {
  if (!dim.fixed()) return invalid_argument("{} has to be a fixed number, not {}", what, dim.to_string());
  return dim.offset;
}

Status infer_same(const InferCall& call) {
  call.outputs[0] = call.inputs[0];
  return ok();
}

Shape shape_of(std::span<const int64_t> dims) { return Shape(dims.begin(), dims.end()); }

}  // namespace isthmus
