// SPDX-License-Identifier: Apache-2.0
// Loops over an output's elements with the strides of every operand, for elementwise portable kernels;
// loops.cl is the kernel's side.
#pragma once

#include <span>
#include <utility>

#include "isthmus/plugin.h"

namespace isthmus {

inline constexpr int kMaxLoopOperands = 4;

// Passed to the kernel by value: the same struct stands in loops.cl.
struct Loops {
  int64_t dims[ISTHMUS_MAX_RANK];                       // outermost first
  int64_t strides[kMaxLoopOperands][ISTHMUS_MAX_RANK];  // in elements; 0 where an operand is broadcast
  int64_t rank;
};

// operands: inputs that broadcast to the output, then the output, with their ranks. Neighbouring dimensions
// are merged where every operand allows it.
Loops make_loops(const isthmus_tensor_arg_t* operands, std::span<const int32_t> ranks);
int64_t loop_elements(const Loops& loops);

}  // namespace isthmus
