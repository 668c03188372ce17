// SPDX-License-Identifier: Apache-2.0
// Rules shapes share: broadcasting, axes, and the usual ways an output follows from an input.
#pragma once

#include <span>

#include "ops/op_def.h"

namespace isthmus {

// The shape a and b broadcast to, ONNX and NumPy style: aligned at the end, a dimension of 1 repeats. A
// symbol broadcasts with itself and with 1 only.
Result<Shape> broadcast_shapes(const Shape& a, const Shape& b);

// Axis counted from the end when negative; an error outside [-rank, rank).
Result<int> check_axis(int64_t axis, int rank);
// The same for a list: sorted, no repeats; empty stays empty.
Result<std::vector<int>> check_axes(std::span<const int64_t> axes, int rank);

// A dimension that has to be a number at preparation.
Result<int64_t> fixed_dim(const Dim& dim, std::string_view what);

// The output is like the first input.
Status infer_same(const InferCall& call);

// Row-major dims of a rank, for messages and samples: the fixed numbers of a shape.
Shape shape_of(std::span<const int64_t> dims);

}  // namespace isthmus
