// SPDX-License-Identifier: Apache-2.0
// A small file read whole, whatever lies at its path.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace isthmus {

// What is no regular file (a named pipe would be waited for) or larger than `most_bytes` is an error that
// names the path.
Result<std::string> read_file(const std::string& path, uint64_t most_bytes);

}  // namespace isthmus
