// SPDX-License-Identifier: Apache-2.0
// Checks in a child process, so that a chip that hangs or crashes is a result and not the end.
#pragma once

#include "conform/check.h"

namespace isthmus::conform {

struct CheckResult : Outcome {
  std::string group, name;
  double seconds = 0;
};

// In the child: runs the checks from number `from` on, and says on `out` when each begins and what came of
// it, one JSON object a line.
void run_checks(const DevicePtr& device, const std::vector<Check>& checks, size_t from, std::FILE* out);

// In the parent: starts `command` with the number of the first check as last argument, as often as it takes.
// Its standard output is read; what it says on standard error passes. A check without an answer for
// limit_seconds is a hang: the child is killed and the next one goes on behind it. An error when no child
// comes to its first check. on_result may change the result.
Result<std::vector<CheckResult>> run_in_children(const std::vector<std::string>& command,
                                                 const std::vector<Check>& checks, double limit_seconds,
                                                 const std::function<void(CheckResult&)>& on_result);

}  // namespace isthmus::conform
