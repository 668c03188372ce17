// SPDX-License-Identifier: Apache-2.0
#include "ops/portable/loops.h"

namespace isthmus {

Loops make_loops(const isthmus_tensor_arg_t* operands, std::span<const int32_t> ranks) {
  const int count = static_cast<int>(ranks.size()), rank = ranks[count - 1];
  const isthmus_tensor_arg_t& out = operands[count - 1];
  Loops loops{};  // innermost first while merging
  for (int d = rank - 1; d >= 0; --d) {
    if (out.dims[d] == 1) continue;
    int64_t step[kMaxLoopOperands];
    bool merge = loops.rank > 0;
    const int64_t last = loops.rank - 1;
    for (int k = 0; k < count; ++k) {
      const int own = d - (rank - ranks[k]);
      step[k] = own < 0 || operands[k].dims[own] == 1 ? 0 : operands[k].strides[own];
      if (merge && step[k] != loops.strides[k][last] * loops.dims[last]) merge = false;
    }
    if (merge) {
      loops.dims[last] *= out.dims[d];
      continue;
    }
    loops.dims[loops.rank] = out.dims[d];
    for (int k = 0; k < count; ++k) loops.strides[k][loops.rank] = step[k];
    ++loops.rank;
  }
  if (loops.rank == 0) loops.dims[0] = loops.rank = 1;  // one element
  for (int64_t a = 0, b = loops.rank - 1; a < b; ++a, --b) {
    std::swap(loops.dims[a], loops.dims[b]);
    for (int k = 0; k < count; ++k) std::swap(loops.strides[k][a], loops.strides[k][b]);
  }
  return loops;
}

int64_t loop_elements(const Loops& loops) {
  int64_t n = 1;
  for (int d = 0; d < loops.rank; ++d) n *= loops.dims[d];
  return n;
}

}  // namespace isthmus
