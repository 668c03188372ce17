// SPDX-License-Identifier: Apache-2.0
// The generated list of functions that declare model families; see cmake/table.cmake.
#pragma once

namespace isthmus {

struct ModelFamily;
using ModelFamilyFunction = ModelFamily (*)();
extern const ModelFamilyFunction kFamilyTable[];  // ends with nullptr

}  // namespace isthmus
