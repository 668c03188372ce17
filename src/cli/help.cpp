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
    R"(Each command explains itself: isthmus COMMAND --help, or isthmus help COMMAND

Results go to standard output; progress, notes and errors go to standard error.
Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted by Ctrl-C.

Environment:
  ISTHMUS_PLUGIN_PATH         Folders with chips (isthmus_*.so), before our own; colons between
  ISTHMUS_CPU_ISA             Instruction set of the CPU chip: generic, avx2 or avx512 (the best)
  ISTHMUS_CPU_TUNING          Its choices of tiles and threads instead of those that isthmus tune kept, or off
  ISTHMUS_TUNED               Folder of what isthmus tune kept, or off
  ISTHMUS_NVRTC               NVIDIA's compiler for kernels: a libnvrtc.so, or the folder of one
  ISTHMUS_OPENCL_SVM          0: the OpenCL chip's memory is buffers; 1: shared virtual memory (1 where there is some)
  ISTHMUS_OPENCL_ORDER        Its queues: in order (in) or not (out)
  ISTHMUS_OPENCL_VECTOR       Floats that one of its work items takes at a time: 4, 8 or 16 (as the device says)
  ISTHMUS_NULL_DEVICE         1: the null chip, a skeleton, shows itself
  ISTHMUS_PACKED_CACHE        Folder for rearranged weights, or off
  ISTHMUS_PACKED_CACHE_GIB    Most that it may take (20, or a tenth of the disk)
  ISTHMUS_KERNEL_CACHE        Folder for built kernels, or off
  ISTHMUS_KERNEL_CACHE_GIB    Most that it may take (1)
  XDG_CACHE_HOME              Where the folder isthmus lies that holds these folders (~/.cache)
  NO_COLOR                    No colours)";

HelpFormatter::HelpFormatter() {
  column_width(kFirstColumn);
  label("OPTIONS", "OPTION…");
  label("SUBCOMMAND", "COMMAND");
  label("Positionals", "Arguments");
  label("REQUIRED", "");
}

// Checks and their bounds are said in descriptions, not by CLI11's names for types.
std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  if (option->get_positional()) return "";
  std::string text;
  const std::string type = option->get_type_name();
  if (option->get_type_size() != 0 && !type.empty()) text += " " + type.substr(0, type.find(':'));
  if (option->get_type_size() != 0 && !option->get_default_str().empty())
    text += "=" + option->get_default_str();
  if (option->get_required()) text += " (required)";
  return text;
}

std::string HelpFormatter::make_option_name(const CLI::Option* option, bool is_positional) const {
  const std::string name = CLI::Formatter::make_option_name(option, is_positional);
  return name.substr(0, name.find('{'));  // --no-thinking{false}
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
