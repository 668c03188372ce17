// SPDX-License-Identifier: Apache-2.0
#include "conform/check.h"

#include <array>
#include <iterator>

namespace isthmus::conform {

const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed: return "passed";
    case Verdict::kFailed: return "failed";
    case Verdict::kNever: return "never";
    case Verdict::kNotYet: return "not yet";
    case Verdict::kUnexpected: return "unexpected pass";
  }
  return "";
}

Outcome outcome_of(const Status& status) { return status.ok() ? passed() : failed(status.to_string()); }

std::vector<Check> all_checks(bool quick, double soak_seconds) {
  std::vector<Check> all;
  for (std::vector<Check>& group : std::array{runtime_checks(), misuse_checks(), operator_checks(quick),
                                              model_checks(), soak_checks(soak_seconds), speed_checks(quick)})
    std::move(group.begin(), group.end(), std::back_inserter(all));
  return all;
}

}  // namespace isthmus::conform
