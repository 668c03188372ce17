// SPDX-License-Identifier: Apache-2.0
// Why wrong bits are wrong, where trying something else tells.
#pragma once

#include "conform/operator_case.h"

namespace isthmus::conform {

// A sentence on the likely cause, or empty: what only the differing elements have in common, which other
// call would have given these results, or what makes the case right. `found` is the case's result, which
// differs.
std::string diagnose(const DevicePtr& device, const OpDef& def, const SampleCase& sample,
                     const std::vector<HostTensor>& expected, const CaseOptions& options,
                     const CaseResult& found);

}  // namespace isthmus::conform
