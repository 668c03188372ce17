// SPDX-License-Identifier: Apache-2.0
// Texts and layout of the help; what the subcommands themselves say is in their files.
#include "cli/help.h"

#include <fmt/format.h>

#include "cli/context.h"

namespace isthmus::cli {
namespace {

constexpr size_t kFirstColumn = 30;

std::string list_group(const CLI::App* app, const std::string& group, const HelpFormatter& formatter) {
  std::string text;
  for (const CLI::App* subcommand :
       app->get_subcommands([&](const CLI::App* s) { return s->get_group() == group; })) {
    text += formatter.make_subcommand(subcommand);
  }
  return text.empty() ? text : fmt::format("\n{}:\n{}", group, text);
}

// CLI11 puts two empty lines between groups of options.
std::string one_empty_line(std::string text) {
  for (size_t at; (at = text.find("\n\n\n")) != std::string::npos;) text.erase(at, 1);
  return text;
}

}  // namespace

const char* const kProgramDescription =
    "Isthmus runs open neural networks: the same model, with the same results, on any chip.";

const char* const kProgramFooter =
    R"(Each command explains itself: isthmus COMMAND --help

Results go to standard output; progress, notes and errors go to standard error.
Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted by Ctrl-C.
Environment: NO_COLOR turns colours off.)";

HelpFormatter::HelpFormatter() {
  column_width(kFirstColumn);
  label("OPTIONS", "OPTION…");
  label("SUBCOMMAND", "COMMAND");
  label("Positionals", "Arguments");
  label("REQUIRED", "");
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string HelpFormatter::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
  const bool top = app->get_parent() == nullptr;
  return make_description(app) + make_usage(app, std::move(name)) + make_positionals(app) +
         make_subcommands(app, mode) + one_empty_line(make_groups(app, mode)) +
         (top ? "\n" + make_footer(app) : "");
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  return "\n" + CLI::Formatter::make_usage(app, std::move(name));
}

std::string HelpFormatter::make_subcommands(const CLI::App* app, CLI::AppFormatMode) const {
  std::string text;
  for (const char* group : {kTalkGroup, kLookGroup, kMeasureGroup, kShellGroup}) {
    text += list_group(app, group, *this);
  }
  return text + list_group(app, "Subcommands", *this);  // CLI11's name for "no group was set"
}

std::string HelpFormatter::make_subcommand(const CLI::App* subcommand) const {
  return fmt::format("  {:<{}}{}\n", subcommand->get_name(), kFirstColumn - 2,
                     first_line(subcommand->get_description()));
}

}  // namespace isthmus::cli
