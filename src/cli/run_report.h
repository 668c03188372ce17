// SPDX-License-Identifier: Apache-2.0
// What ran where, in words: the line at start that says whether anything fell back.
#pragma once

#include <span>
#include <string>

#include "cli/terminal.h"
#include "llm/engine.h"

namespace isthmus::cli {

// "cpu:0 (AMD EPYC 9B45, avx512 …) runs all 12 operators; nothing fell back", or which operators fell back
// and why. One line, at most three reasons. chips: "cpu:0 (AMD EPYC 9B45, avx512 …)" of each.
std::string run_summary(std::span<const std::string> chips, std::span<const Executable::ReportRow> rows);

struct FallbackCounts {
  int operators = 0;  // different ones
  int fallbacks = 0;  // of them, with at least one node on the host
};
FallbackCounts count_fallbacks(std::span<const Executable::ReportRow> rows);

// Prints the line of a compiled engine to standard error: dim when nothing fell back, yellow when something
// did.
void print_run_summary(const Engine& engine, ColorMode mode);

}  // namespace isthmus::cli
