// SPDX-License-Identifier: Apache-2.0
// The source texts of all portable kernels, as the samples of every operator specialise them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"

namespace isthmus {

struct KernelSources {
  struct Made {
    std::string what;  // "operator: file"
    std::vector<std::string> entries;
  };
  std::map<std::string, Made> made;  // by text
  std::set<std::string> operators;   // that have one
  int refused = 0;                   // samples
};

// In a language of ops/portable/source.h, for chips whose work items do best with each of these vectors.
Result<KernelSources> kernel_sources(const std::string& language, const std::vector<int>& vector_floats);

}  // namespace isthmus
