// SPDX-License-Identifier: Apache-2.0
// One thing a chip must do, and what came of trying it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "runtime/device.h"

namespace isthmus::conform {

enum class Verdict {
  kPassed,
  kFailed,
  kNever,       // this chip cannot, and says why: a feature it does not have
  kNotYet,      // it could, and refuses for now: an operator it has no implementation of
  kUnexpected,  // it passes, and was said not to: by its features, or by a list (expectations.h)
};
const char* verdict_name(Verdict verdict);  // "passed", …, "unexpected pass"

// A number that a check found, and what part it is of the chip's own limit.
struct Measure {
  std::string name;
  double value = 0;
  std::string unit;
  double share = 0;
};

struct Outcome {
  Verdict verdict = Verdict::kPassed;
  std::string detail;                  // why not; or what ran
  std::vector<Measure> measures = {};  // of speed
  std::map<std::string, bool> dtypes =
      {};  // of an operator's weight, or its first operand: whether the chip takes it
};
inline Outcome passed(std::string detail = {}) { return {Verdict::kPassed, std::move(detail)}; }
inline Outcome failed(std::string detail) { return {Verdict::kFailed, std::move(detail)}; }
inline Outcome never(std::string detail) { return {Verdict::kNever, std::move(detail)}; }
inline Outcome not_yet(std::string detail) { return {Verdict::kNotYet, std::move(detail)}; }
inline Outcome unexpected(std::string detail) { return {Verdict::kUnexpected, std::move(detail)}; }
// A status as a verdict: an error is a failure.
Outcome outcome_of(const Status& status);

struct Check {
  std::string group;  // "runtime", "misuse", "operators"
  std::string name;   // unique in its group
  std::function<Outcome(const DevicePtr& device)> run;
  std::string crash = {};  // why the end of the process is no failure but a "never"; empty: it is one
};

// All checks in order, the same on every machine. quick: a few samples of each operator, under a minute in
// all.
std::vector<Check> all_checks(bool quick, double soak_seconds);
std::vector<Check> runtime_checks();
std::vector<Check> misuse_checks();
std::vector<Check> operator_checks(bool quick);
std::vector<Check> model_checks();
std::vector<Check> soak_checks(double seconds);  // none for 0 seconds
std::vector<Check> speed_checks(bool quick);

}  // namespace isthmus::conform
