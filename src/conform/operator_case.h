// SPDX-License-Identifier: Apache-2.0
// One sample of an operator on a chip, with everything around its operands watched.
#pragma once

#include <string>

#include "ops/prepared_op.h"
#include "ops/samples.h"

namespace isthmus::conform {

// What a case is tried with: dims as prepared, dims smaller than those prepared for, or captured and
// replayed.
enum class Mode { kPlain, kRanged, kReplayed };

struct CaseResult {
  std::string implementation;
  bool tried = true;  // false: the mode means nothing for this case
};

// Prepares and runs a case, and compares every bit with `expected` (of SampleCase::run_reference).
// kUnimplemented: the chip refuses, with its reason. Any other error is a fault: wrong bits, bytes written
// outside of outputs and workspace, an input changed. Fast numerics promise no bits, so none are compared.
Result<CaseResult> run_case(const DevicePtr& device, const OpDef& def, const SampleCase& sample,
                            const std::vector<HostTensor>& expected, Mode mode,
                            isthmus_numerics_t numerics = ISTHMUS_NUMERICS_EXACT);

}  // namespace isthmus::conform
