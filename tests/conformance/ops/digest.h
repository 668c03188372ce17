// SPDX-License-Identifier: Apache-2.0
// What an operator's cases gave, as one SHA-256: the same on every processor (docs/exact.md).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "ops/samples.h"

namespace isthmus::conformance {

class Digest {
 public:
  // Type, dims and elements in row-major order, all NaN being one; blocks as they are. Cases for which the
  // operator promises no exact bits are left out.
  void add(const OpDef& def, const SampleCase& sample, const std::vector<HostTensor>& results);
  std::string hex() const { return hash_.hex(); }

 private:
  Sha256 hash_;
};

// Of each operator by name: those of digests.txt.
std::map<std::string, std::string> stored_digests();

// The lines of digests.txt for these, and the one number for all of them: the file's SHA-256.
std::string digest_lines(const std::map<std::string, std::string>& digests);
std::string digest_of_all(const std::map<std::string, std::string>& digests);

// Those of the references of every operator.
Result<std::map<std::string, std::string>> reference_digests();

}  // namespace isthmus::conformance
