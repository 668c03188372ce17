// SPDX-License-Identifier: Apache-2.0
#include "conform/check.h"

#include <iterator>

namespace isthmus::conform {

const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed: return "passed";
    case Verdict::kFailed: return "failed";
    case Verdict::kNever: return "never";
    case Verdict::kNotYet: return "not yet";
  }
  return "";
}

Outcome outcome_of(const Status& status) { return status.ok() ? passed() : failed(status.to_string()); }

std::vector<Check> all_checks(bool quick) {
  std::vector<Check> all = runtime_checks(), operators = operator_checks(quick);
  std::move(operators.begin(), operators.end(), std::back_inserter(all));
  return all;
}

}  // namespace isthmus::conform
