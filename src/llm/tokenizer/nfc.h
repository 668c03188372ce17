// SPDX-License-Identifier: Apache-2.0
// Unicode normalisation form C, which some model families apply before tokenizing.
#pragma once

#include <string>
#include <string_view>

namespace isthmus {

// `text` must be valid UTF-8. Takes O(n log n) time whatever the text is.
std::string normalize_nfc(std::string_view text);

}  // namespace isthmus
