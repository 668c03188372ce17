// SPDX-License-Identifier: Apache-2.0
// Loops over rows: over all dimensions but one axis, whose steps kernels take beside them.
#pragma once

#include <array>

#include "ops/portable/loops.h"

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

}  // namespace isthmus
