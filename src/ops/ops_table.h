// SPDX-License-Identifier: Apache-2.0
// The generated list of functions that declare operators; see cmake/table.cmake.
#pragma once

#include <vector>

namespace isthmus {

struct OpDef;
using OpDefsFunction = std::vector<OpDef> (*)();
extern const OpDefsFunction kOpsTable[];  // ends with nullptr

}  // namespace isthmus
