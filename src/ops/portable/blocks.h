// SPDX-License-Identifier: Apache-2.0
// The definitions that blocks.cl reads a block format by.
#pragma once

#include "base/dtype.h"
#include "ops/portable/portable.h"

namespace isthmus {

inline void define_blocks(PortablePlan& plan, Dtype format) {
  int64_t number = 0;
  for (const Dtype block : dtypes::blocks) plan.define("FORMAT_" + std::string(dtype_name(block)), ++number);
  plan.define("FORMAT", "FORMAT_" + std::string(dtype_name(format)));
}

}  // namespace isthmus
