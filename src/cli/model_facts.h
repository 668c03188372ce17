// SPDX-License-Identifier: Apache-2.0
// What `isthmus inspect` counts and shows of a GGUF file, whatever its architecture.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/print.h"
#include "graph/import/gguf/gguf_file.h"

namespace isthmus::cli {

struct DtypeTotal {
  Dtype dtype = Dtype::kInvalid;
  int64_t tensors = 0;
  uint64_t elements = 0, bytes = 0;
};

// Of all tensors, the most bytes first.
std::vector<DtypeTotal> totals_by_dtype(std::span<const GgufTensor> tensors);

// A metadata value for scripts: numbers, strings and flat lists as they are, lists of lists as short text.
Json metadata_json(const GgufValue& value);

// "[49152, 576]", outermost first.
std::string dims_text(std::span<const int64_t> dims);

}  // namespace isthmus::cli
