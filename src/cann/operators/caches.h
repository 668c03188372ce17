// SPDX-License-Identifier: Apache-2.0
// Caches as rows of slots.
#pragma once

#include "cann/aclnn/builder.h"

namespace isthmus::cann {

// Writes rows [n, width] over those of a dense argument, seen as rows of that width, at the slots (I64);
// those below 0 or beyond the end are not written.
void write_rows(Builder& b, const Value& cache, const Value& rows, const Value& slots);

}  // namespace isthmus::cann
