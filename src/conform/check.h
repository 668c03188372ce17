// SPDX-License-Identifier: Apache-2.0
// One thing a chip must do, and what came of trying it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/device.h"

namespace isthmus::conform {

enum class Verdict {
  kPassed,
  kFailed,
  kNever,   // this chip cannot, and says why: a feature it does not have
  kNotYet,  // it could, and refuses for now: an operator it has no implementation of
};
const char* verdict_name(Verdict verdict);  // "passed", "failed", "never", "not yet"

struct Outcome {
  Verdict verdict = Verdict::kPassed;
  std::string detail;  // why not; or what ran
};
inline Outcome passed(std::string detail = {}) { return {Verdict::kPassed, std::move(detail)}; }
inline Outcome failed(std::string detail) { return {Verdict::kFailed, std::move(detail)}; }
inline Outcome never(std::string detail) { return {Verdict::kNever, std::move(detail)}; }
inline Outcome not_yet(std::string detail) { return {Verdict::kNotYet, std::move(detail)}; }
// A status as a verdict: an error is a failure.
Outcome outcome_of(const Status& status);

struct Check {
  std::string group;  // "runtime", "operators"
  std::string name;   // unique in its group
  std::function<Outcome(const DevicePtr& device)> run;
};

// All checks in order, the same on every machine. quick: a few samples of each operator, under a minute in
// all.
std::vector<Check> all_checks(bool quick);
std::vector<Check> runtime_checks();
std::vector<Check> operator_checks(bool quick);

}  // namespace isthmus::conform
