// SPDX-License-Identifier: Apache-2.0
// One sample of an operator on a chip, with everything around its operands watched.
#pragma once

#include <string>

#include "ops/prepared_op.h"
#include "ops/samples.h"

namespace isthmus::conform {

// How a case is tried.
enum class Mode {
  kPlain,
  kRanged,     // prepared for larger dims than it runs with
  kReplayed,   // captured over other contents, then replayed
  kUnaligned,  // every operand one element into its memory
  kRefilled,   // after runs, prepared alike, of other contents at the same addresses
  kRepeated,   // many times over memory that holds other bytes each time
  kHeld,       // put on a stream that the host holds up, where its contents come later
};
const char* mode_name(Mode mode);  // "prepared for larger dims"; empty for kPlain

struct CaseResult {
  std::string implementation;
  bool tried = true;                // false: the mode means nothing for this case, or on this chip
  std::vector<HostTensor> results;  // outputs, then state inputs as they were left
  int run = 0;                      // whose results: of many, the first that differs
  std::string difference;           // where they differ from the expected; empty when every bit is equal
};

struct CaseOptions {
  Mode mode = Mode::kPlain;
  // The same sample with other contents, for the modes that need them; without it they are not tried.
  const SampleCase* other = nullptr;
  int repeats = 8;  // of kRepeated
  // Fast ones promise no bits, so none are compared.
  isthmus_numerics_t numerics = ISTHMUS_NUMERICS_EXACT;
};

// Prepares and runs a case, and compares every bit with `expected` (of SampleCase::run_reference).
// kUnimplemented: the chip refuses, with its reason. Any other error is a fault that shows without
// comparing: bytes written outside of outputs and workspace, an input changed, a call that waits.
Result<CaseResult> run_case(const DevicePtr& device, const OpDef& def, const SampleCase& sample,
                            const std::vector<HostTensor>& expected, const CaseOptions& options);

}  // namespace isthmus::conform
