// SPDX-License-Identifier: Apache-2.0
// Keeps the folder of packed weights within its limit.
#pragma once

#include <cstdint>
#include <string>

namespace isthmus {

// Packed files start with this, so that a foreign or older file is never taken for ours.
inline constexpr char kPackedMagic[32] = "isthmus packed weight 2\n";

// Removes the packed weights used longest ago until the rest takes at most limit_bytes, then links
// that lead nowhere, and what processes that died while packing left a day ago. Touches only files that look
// like the cache's own by name and beginning: the folder may be anybody's. False, at
// once, while another process is at it. A file that somebody has mapped stays valid for them.
bool trim_packed(const std::string& folder, uint64_t limit_bytes);

}  // namespace isthmus
