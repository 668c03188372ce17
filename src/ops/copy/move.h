// SPDX-License-Identifier: Apache-2.0
// The host's side of move.cl.
#pragma once

#include "ops/portable/loops.h"
#include "ops/portable/portable.h"

namespace isthmus {

// Launches the plan's first entry, `move`: the elements of x in row-major order become those of y.
inline Status move_elements(const PortableRun& run, const isthmus_tensor_arg_t& x, int32_t x_rank,
                            const isthmus_tensor_arg_t& y, int32_t y_rank) {
  const Loops from = make_loops(&x, std::span(&x_rank, 1)), to = make_loops(&y, std::span(&y_rank, 1));
  const int64_t n = loop_elements(to);
  KernelArguments arguments;
  arguments.operand(x).operand(y).value(from).value(to).value(n);
  return run.launch(0, Grid::items(n), arguments);
}

}  // namespace isthmus
