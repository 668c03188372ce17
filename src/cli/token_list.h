// SPDX-License-Identifier: Apache-2.0
// Lists of token ids as people and scripts write them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace isthmus::cli {

// "1 2 3", "1,2,3", "[1, 2, 3]". Every id must lie in [0, vocabulary).
Result<std::vector<int32_t>> parse_token_list(std::string_view text, int64_t vocabulary);

}  // namespace isthmus::cli
