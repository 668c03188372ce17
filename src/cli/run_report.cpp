// SPDX-License-Identifier: Apache-2.0
#include "cli/run_report.h"
#include "base/text.h"

#include <map>
#include <vector>

namespace isthmus::cli {
namespace {

constexpr size_t kMostReasons = 3;  // in one line

// Of each operator, the row of a fallback if it has one.
std::map<std::string_view, const Executable::ReportRow*> by_operator(
    std::span<const Executable::ReportRow> rows) {
  std::map<std::string_view, const Executable::ReportRow*> operators;
  for (const Executable::ReportRow& row : rows) {
    const Executable::ReportRow*& kept = operators[row.op];
    if (!kept || row.fallback) kept = &row;
  }
  return operators;
}

}  // namespace

FallbackCounts count_fallbacks(std::span<const Executable::ReportRow> rows) {
  FallbackCounts counts;
  for (const auto& [op, row] : by_operator(rows)) {
    ++counts.operators;
    counts.fallbacks += row->fallback;
  }
  return counts;
}

std::string run_summary(std::span<const std::string> chips, std::span<const Executable::ReportRow> rows) {
  const FallbackCounts counts = count_fallbacks(rows);
  const std::string who =
      fmt::format("{} {}", fmt::join(chips, " and "), chips.size() == 1 ? "runs" : "together run");
  if (counts.fallbacks == 0)
    return fmt::format("{} all {}; nothing fell back", who, counted(counts.operators, "operator"));
  std::string text =
      fmt::format("{} {} of {}; {} fell back to the host:", who, counts.operators - counts.fallbacks,
                  counted(counts.operators, "operator"), counts.fallbacks);
  size_t shown = 0;
  for (const auto& [op, row] : by_operator(rows)) {
    if (!row->fallback) continue;
    if (shown == kMostReasons) {
      const int more = counts.fallbacks - static_cast<int>(shown);
      return text + fmt::format("; and {} more (isthmus devices --explain MODEL lists them)", more);
    }
    text += fmt::format("{} {} ({}: {})", shown++ ? ";" : "", op, counted(row->nodes, "node"), row->refusal);
  }
  return text;
}

void print_run_summary(const Engine& engine, ColorMode mode) {
  const std::vector<Executable::ReportRow> rows = engine.report();
  const Style style = count_fallbacks(rows).fallbacks ? Style::kYellow : Style::kDim;
  std::vector<std::string> chips;
  for (const Engine::Part& part : engine.parts()) {
    const std::string name = printable(part.device->properties().name);
    chips.push_back(engine.parts().size() == 1
                        ? fmt::format("{} ({})", part.device->id(), name)
                        : fmt::format("{} ({}; {})", part.device->id(), name, counted(part.layers, "layer")));
  }
  print_note(fmt::format("{}\n", styled(run_summary(chips, rows), style, use_color(mode, stderr))));
}

}  // namespace isthmus::cli
