// SPDX-License-Identifier: Apache-2.0
// The frame of the `isthmus` command: common options, help, parsing, and what becomes of an error.
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <iostream>
#include <map>

#include "base/text.h"
#include "cli/context.h"
#include "cli/help.h"

namespace isthmus::cli {
namespace {

void add_common_options(CLI::App& app, Context& context) {
  static const std::map<std::string, ColorMode> kModes = {
      {"auto", ColorMode::kAuto}, {"always", ColorMode::kAlways}, {"never", ColorMode::kNever}};
  app.set_help_flag("-h,--help", "Explain the command and its options");
  app.set_version_flag("--version", "isthmus " ISTHMUS_VERSION_STRING, "Print the version");
  app.add_flag("--json", context.json, "Print results as JSON, for scripts");
  app.add_option_function<std::string>(
         "--color", [&context](const std::string& word) { context.color = kModes.at(word); },
         "Colours: auto (only on a terminal), always, never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN");
}

int finish(const Status& status, const Context& context) {
  if (status.ok()) return kSuccess;
  if (status.code() == Code::kCancelled) return kInterrupted;
  const auto [message, hint] = split_hint(status.message());
  print_error(message, hint, context.color);
  return kFailure;
}

int output_lost(const Context& context) {
  return finish(error(Code::kUnavailable, "cannot write to standard output: {}", std::strerror(errno)),
                context);
}

// --help and --version.
int print_request(const CLI::App& app, const CLI::Success& request, const Context& context) {
  const int code = app.exit(request);
  std::cout.flush();
  return std::cout ? code : output_lost(context);
}

// "; did you mean 'run'?" for a word that is nearly a command, else nothing.
std::string suggestion(const std::string& word, const CLI::App& app) {
  constexpr size_t kSlips = 2;
  size_t nearest = std::min(kSlips + 1, word.size());  // no command is near to a letter or two
  std::string text;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    const size_t slips = edit_distance(word, command->get_name());
    if (slips >= nearest) continue;
    nearest = slips;
    text = fmt::format("; did you mean '{}'?", command->get_name());
  }
  return text;
}

// CLI11's own words for left-over arguments do not tell a mistyped command from a stray argument.
std::string explain(const CLI::ParseError& error, const CLI::App& app) {
  if (error.get_exit_code() != static_cast<int>(CLI::ExitCodes::ExtrasError)) return error.what();
  const std::vector<std::string> rest = app.remaining(true);
  if (rest.empty()) return error.what();
  if (app.get_subcommands().empty() && !rest[0].starts_with('-')) {
    return fmt::format("'{}' is no command of {}{}", printable(rest[0]), app.get_name(),
                       suggestion(rest[0], app));
  }
  return fmt::format("unexpected: {}", fmt::join(rest, " "));
}

int usage_error(const CLI::ParseError& error, const CLI::App& app, const Context& context) {
  // The help that fits is that of the subcommand the user was in.
  const CLI::App* at = &app;
  std::string name = app.get_name();
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    name += " " + at->get_name();
  }
  print_error(printable(explain(error, app)), fmt::format("{} --help explains it", name), context.color);
  return kUsage;
}

}  // namespace

void refuse_json(const Context& context, const std::string& instead) {
  if (context.json) throw CLI::ValidationError("--json", "it has no results to give as JSON; " + instead);
}

int run_program(int argc, const char* const* argv) {
  Context context;
  CLI::App app(kProgramDescription, "isthmus");
  context.root = &app;
  app.formatter(std::make_shared<HelpFormatter>());
  app.footer(kProgramFooter);
  app.fallthrough();  // common options may also follow the subcommand
  add_common_options(app, context);
  add_commands(app, context);

  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (!words.empty() && words[0] == "help") {  // isthmus help COMMAND
    words.erase(words.begin());
    const auto named = [&](CLI::App* command) { return command->get_name() == words[0]; };
    if (words.empty() || !app.get_subcommands(named).empty()) words.emplace_back("--help");
  }
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  try {
    app.parse(std::move(words));
  } catch (const CLI::CallForHelp& request) {
    return print_request(app, request, context);
  } catch (const CLI::Success& request) {  // --version
    return print_request(app, request, context);
  } catch (const CLI::ParseError& error) {
    return usage_error(error, app, context);
  }

  if (!context.action) {
    fmt::print("{}", app.help());
    return kSuccess;
  }
  try {
    const Status status = context.action();
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) return output_lost(context);
    return finish(status, context);
  } catch (const std::exception& exception) {
    if (std::ferror(stdout)) return output_lost(context);  // fmt throws then
    return finish(error(Code::kInternal, "unexpected: {}", exception.what()), context);
  }
}

}  // namespace isthmus::cli
