// SPDX-License-Identifier: Apache-2.0
// Rows in portable kernels: loops over all dimensions but one axis, whose steps kernels take beside them, and
// how many work items share a row.
#pragma once

#include <array>

#include "ops/portable/loops.h"
#include "ops/portable/portable.h"

namespace isthmus {

// Operands that have the same dimensions but for the axis, each of the given rank. Without elements along the
// axis of the first there are still rows.
template <size_t kCount>
Loops row_loops(std::array<isthmus_tensor_arg_t, kCount> operands, int32_t rank, int32_t axis) {
  std::array<int32_t, kCount> ranks;
  ranks.fill(rank);
  for (isthmus_tensor_arg_t& operand : operands) operand.dims[axis] = 1;
  return make_loops(operands.data(), ranks);
}

// The host's side of lanes.cl.
struct RowShape {
  int64_t width = 16, items = 1, rows = 8;  // elements of an item at a time, items of a row, rows of a group
  // Rows of about so many elements.
  RowShape(int vector_floats, int64_t elements) {
    if (vector_floats >= 8) {
      rows = elements <= 256 ? 32 : 8;
      return;
    }
    width = 4;
    items = elements <= 256 ? 16 : 128;
    rows = 128 / items;
  }
  void define(PortablePlan& plan) const {
    plan.define("WIDTH", width).define("ROW_ITEMS", items).define("ROWS", rows);
  }
  Grid grid(int64_t count) const {
    return Grid::of_groups((count + rows - 1) / rows, 1, 1, static_cast<uint32_t>(rows * items));
  }
};

}  // namespace isthmus
