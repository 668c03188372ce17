// SPDX-License-Identifier: Apache-2.0
#include "cli/print.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace isthmus::cli {
namespace {

// Characters of UTF-8: every byte but the continuations.
size_t width(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

void print_json(const Json& document) {
  fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
}

std::string bytes_text(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  const char* unit = "";
  for (const char* next : {"KiB", "MiB", "GiB", "TiB"}) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return fmt::format("{:.1f} {}", value, unit);
}

std::string count_text(uint64_t count) {
  if (count < 1000) return fmt::format("{}", count);
  const double value = static_cast<double>(count);
  if (value < 1e6) return fmt::format("{:.1f} K", value / 1e3);
  if (value < 1e9) return fmt::format("{:.1f} M", value / 1e6);
  return fmt::format("{:.2f} B", value / 1e9);
}

std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t length = shown_character_bytes(text);
    switch (text[0]) {
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      case '\r': out += "\\r"; break;
      case '\\': out += "\\\\"; break;
      default: out += printable(text.substr(0, std::max<size_t>(length, 1)));
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

void Table::add(std::vector<std::string> cells, Style style) {
  cells.resize(columns_.size());
  rows_.push_back({std::move(cells), style});
}

std::string Table::text(bool color, int indent) const {
  std::vector<size_t> widths(columns_.size(), 0);
  for (const Row& row : rows_)
    for (size_t i = 0; i < columns_.size(); ++i) widths[i] = std::max(widths[i], width(row.cells[i]));
  std::string out;
  for (const Row& row : rows_) {
    std::string line;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string gap(widths[i] - width(row.cells[i]), ' ');
      if (i) line += "  ";
      line += columns_[i] == Align::kRight ? gap + row.cells[i] : row.cells[i] + gap;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += std::string(static_cast<size_t>(indent), ' ') + styled(line, row.style, color) + "\n";
  }
  return out;
}

}  // namespace isthmus::cli
