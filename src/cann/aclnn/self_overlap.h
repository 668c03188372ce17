// SPDX-License-Identifier: Apache-2.0
// Whether two elements of one view lie at the same place, so that it cannot be written.
#pragma once

#include "cann/aclnn/value.h"

namespace isthmus::cann {

// Exact, but for large views whose dimensions interleave, which count as apart.
bool overlaps_itself(const Value& view);

}  // namespace isthmus::cann
