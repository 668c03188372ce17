// SPDX-License-Identifier: Apache-2.0
// Text that a command works on: from a file or from standard input, bounded.
#pragma once

#include <cstddef>
#include <string>

#include "base/status.h"

namespace isthmus::cli {

inline constexpr size_t kMostTextBytes = size_t{256} << 20;  // what a tokenizer takes

// The whole file as it is; "-" is standard input. Errors name the file; more than `most_bytes` is one.
Result<std::string> read_text(const std::string& path, size_t most_bytes = kMostTextBytes);

}  // namespace isthmus::cli
