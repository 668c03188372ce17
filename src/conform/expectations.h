// SPDX-License-Identifier: Apache-2.0
// A maker's list of checks that a chip cannot pass, or not yet, each with the reason.
#pragma once

#include <map>
#include <string>

#include "conform/child.h"

namespace isthmus::conform {

class Expectations {
 public:
  // {"never": {"a check": "why"}, "not_yet": {"another": "why"}}. An error names the file and what is wrong
  // with it, such as a check that does not exist.
  static Result<Expectations> read(const std::string& path, const std::vector<Check>& checks);

  // A listed check that fails becomes what the list says; one that passes is an unexpected pass.
  void apply(CheckResult& result) const;

 private:
  struct Entry {
    Verdict verdict;
    std::string reason;
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace isthmus::conform
