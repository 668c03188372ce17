// SPDX-License-Identifier: Apache-2.0
// One row of what runs where, for executables and engines.
#pragma once

#include <vector>

#include "graph/executable.h"
#include "isthmus/graph.h"

namespace isthmus::api {

// The strings of *row point into rows.
Status write_report(const std::vector<Executable::ReportRow>& rows, int32_t index, isthmus_report_row_t* row);

}  // namespace isthmus::api
