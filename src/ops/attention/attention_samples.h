// SPDX-License-Identifier: Apache-2.0
// Conformance cases of attention.
#pragma once

#include <vector>

#include "ops/op_def.h"

namespace isthmus {

std::vector<Sample> attention_samples();

}  // namespace isthmus
