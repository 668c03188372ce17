// SPDX-License-Identifier: Apache-2.0
// Checks of option values whose errors say what was expected.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>

namespace isthmus::cli {

// A whole number of 64 bits, at least `least`. CLI11's own check names a bound of 309 digits and lets larger
// numbers pass as the largest.
inline CLI::Validator at_least(int64_t least) {
  return CLI::Validator(
      [least](std::string& word) -> std::string {
        int64_t value = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
        if (error == std::errc() && end == word.data() + word.size() && value >= least) return "";
        return fmt::format("expected a whole number of at least {}, found '{}'", least, word);
      },
      fmt::format("at least {}", least));
}

// A number from `least` to `most`. CLI11's own check lets "nan" pass.
inline CLI::Validator number_between(double least, double most) {
  return CLI::Validator(
      [least, most](std::string& word) -> std::string {
        double value = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
        if (error == std::errc() && end == word.data() + word.size() && value >= least && value <= most)
          return "";
        return fmt::format("expected a number from {} to {}, found '{}'", least, most, word);
      },
      "");
}

// For FILE options: "$UNSET" of a script would silently be the same as no option.
inline CLI::Validator not_empty() {
  return CLI::Validator(
      [](std::string& word) -> std::string { return word.empty() ? "expected a name, found ''" : ""; }, "");
}

}  // namespace isthmus::cli
