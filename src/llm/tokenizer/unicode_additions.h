// SPDX-License-Identifier: Apache-2.0
// Makes a regular expression library see the letters and numbers of a newer Unicode version than its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace isthmus {

// Tokenizers are defined by the Unicode version they were published with (Hugging Face's use 16.0), while
// PCRE2 10.42 knows 14.0. This gives a copy of `text` for matching only, of the same length, in which code
// points the versions disagree about are replaced by old ones of the same class and the same number of bytes,
// so that every match covers the same bytes. Nothing when `text` has no such code point. `text` must be valid
// UTF-8.
std::optional<std::string> stand_in_text(std::string_view text);

}  // namespace isthmus
