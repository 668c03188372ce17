// SPDX-License-Identifier: Apache-2.0
// How `isthmus --help` reads: the text at top and bottom, and groups of subcommands in a fixed order.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace isthmus::cli {

extern const char* const kProgramDescription;
extern const char* const kProgramFooter;

// A subcommand's description is one sentence, which lists show, then, after a newline, whatever its own help
// adds.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_subcommands(const CLI::App* app, CLI::AppFormatMode mode) const override;
  std::string make_subcommand(const CLI::App* subcommand) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override;
};

// The first line of a description.
std::string first_line(const std::string& text);

}  // namespace isthmus::cli
