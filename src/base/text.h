// SPDX-License-Identifier: Apache-2.0
// Text from outside (files, arguments, plug-ins) made fit to be shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace isthmus {

// Bytes of the character of UTF-8 at the start of `text`; 0 where it is broken or a control character, which
// a terminal might obey. `text` is not empty.
size_t shown_character_bytes(std::string_view text);

// The text with everything but line breaks, tabs and what is shown as it is replaced by "\x1b" and the like:
// valid UTF-8.
std::string printable(std::string_view text);

// "1 token", "2 tokens".
std::string counted(uint64_t count, std::string_view noun);

// How many letters to insert, delete or change to get from one to the other: small for a slip of the
// keyboard.
size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace isthmus
