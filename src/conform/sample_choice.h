// SPDX-License-Identifier: Apache-2.0
// Which samples of an operator a run tries.
#pragma once

#include <vector>

#include "ops/op_def.h"

namespace isthmus::conform {

struct NumberedSample {
  Sample sample;
  size_t number = 0;  // 1 for the operator's first; also the key of its contents
};

// All declared samples; quick: some from all over the list, and for every dtype of an operand, every
// attribute with a value of its own, awkward numbers and strides at least one. Then the sweep over sizes, for
// operators whose operands may all have one dimension of the same size: every remainder that a vector of up
// to 64 elements leaves at its end.
std::vector<NumberedSample> choose_samples(const OpDef& def, bool quick);

}  // namespace isthmus::conform
