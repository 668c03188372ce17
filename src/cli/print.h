// SPDX-License-Identifier: Apache-2.0
// How results are shown: JSON for scripts; tables, byte counts and quoted text for people.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.h"

namespace isthmus::cli {

// Keys keep the order they are given in.
using Json = nlohmann::ordered_json;

// One document on standard output. Bytes that are not UTF-8 become U+FFFD.
void print_json(const Json& document);

// "17 B", "4.2 KiB", "135.4 MiB", "24.0 GiB".
std::string bytes_text(uint64_t bytes);
// "950", "49.2 K", "134.5 M", "1.24 B": for parameters.
std::string count_text(uint64_t count);

// `text` with control characters, backslashes and bytes that are not UTF-8 written as escapes ("\n", "\x1b"),
// so that what comes out of a file cannot steer a terminal.
std::string escaped(std::string_view text);

// Rows with aligned columns, two spaces between them. Widths count characters, not bytes; styles do not
// count.
class Table {
 public:
  enum class Align { kLeft, kRight };
  explicit Table(std::vector<Align> columns) : columns_(std::move(columns)) {}
  // As many cells as columns. `style` colours the whole row.
  void add(std::vector<std::string> cells, Style style = Style::kPlain);
  // Lines that end in a newline, each after `indent` spaces.
  std::string text(bool color, int indent = 0) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    Style style;
  };
  std::vector<Align> columns_;
  std::vector<Row> rows_;
};

}  // namespace isthmus::cli
