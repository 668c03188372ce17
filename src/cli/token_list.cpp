// SPDX-License-Identifier: Apache-2.0
#include "cli/token_list.h"

#include <algorithm>
#include <charconv>

namespace isthmus::cli {

Result<std::vector<int32_t>> parse_token_list(std::string_view text, int64_t vocabulary) {
  constexpr std::string_view kBetween = " \t\r\n,[]";
  std::vector<int32_t> ids;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(kBetween), text.size()));
    if (text.empty()) return ids;
    const std::string_view word = text.substr(0, text.find_first_of(kBetween));
    int64_t id = 0;
    const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (failed != std::errc() || end != word.data() + word.size())
      return invalid_argument("'{}' is no token id: expected whole numbers such as 1,2,3", word);
    if (id < 0 || id >= vocabulary)
      return error(Code::kOutOfRange, "token {} is outside the vocabulary: ids go from 0 to {}", id,
                   vocabulary - 1);
    ids.push_back(static_cast<int32_t>(id));
    text.remove_prefix(word.size());
  }
}

}  // namespace isthmus::cli
