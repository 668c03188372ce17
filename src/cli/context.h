// SPDX-License-Identifier: Apache-2.0
// What every subcommand of `isthmus` shares: the options that hold everywhere, exit codes, and the chosen
// action.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "base/status.h"
#include "cli/terminal.h"

namespace isthmus::cli {

// The exit codes that `isthmus --help` documents.
enum ExitCode { kSuccess = 0, kFailure = 1, kUsage = 2, kInterrupted = 130 };

// Headings of `isthmus --help`, in this order; a subcommand sets its own with App::group().
inline constexpr const char* kTalkGroup = "Talk to a model";
inline constexpr const char* kLookGroup = "Look inside";
inline constexpr const char* kMeasureGroup = "Measure";
inline constexpr const char* kShellGroup = "Set up your shell";

struct Context {
  CLI::App* root = nullptr;
  bool json = false;  // --json: results as JSON on standard output, for scripts
  ColorMode color = ColorMode::kAuto;

  // A subcommand's parse callback stores here what it wants done; main calls it once, after parsing. Failures
  // come back as a Status: kCancelled ends with kInterrupted, any other error is printed and ends with
  // kFailure.
  std::function<Status()> action;
};

// Each file of commands/ defines one `void add_NAME(CLI::App& app, Context& context)`, NAME being the file's.
// The build writes the table of them, so that a new subcommand is one new file.
void add_commands(CLI::App& app, Context& context);

// Wrong usage, for commands whose results are no JSON: called while the command line is read.
void refuse_json(const Context& context, const std::string& instead);

// The whole program but for main() itself, so that tests can call it; returns the exit code.
int run_program(int argc, const char* const* argv);

}  // namespace isthmus::cli
