// SPDX-License-Identifier: Apache-2.0
// The printable alphabet in which byte-level vocabularies write raw bytes (introduced with GPT-2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace isthmus {

// The bytes a vocabulary entry stands for: "Ġthe" is " the". Nothing when the text has a character outside
// the alphabet.
std::optional<std::string> bytes_from_alphabet(std::string_view text);
// The reverse, for messages and lookups.
std::string bytes_to_alphabet(std::string_view bytes);

}  // namespace isthmus
