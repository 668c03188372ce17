// SPDX-License-Identifier: Apache-2.0
// isthmus cann env|run: the toolkit tree, for programs written to CANN's C interface.
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "cli/context.h"

namespace isthmus::cli {
namespace {

namespace fs = std::filesystem;

struct Setting {
  std::string name, value;
};

// What programs look for, for the tree of the installation or build that this program belongs to.
Result<std::vector<Setting>> settings() {
  std::error_code error_code;
  const fs::path here = fs::read_symlink("/proc/self/exe", error_code).parent_path();
  const fs::path tree = here.parent_path() / "lib" / "isthmus" / "cann";
  if (!fs::exists(tree / "lib64" / "libascendcl.so", error_code))
    return with_hint(error(Code::kNotFound, "there is no toolkit tree at {}", tree.string()),
                     "tools/build cann_toolkit builds it, tools/install installs it");
  const char* before = std::getenv("LD_LIBRARY_PATH");
  const std::string libraries = (tree / "lib64").string();
  return std::vector<Setting>{
      {"ASCEND_TOOLKIT_HOME", tree.string()},
      {"ASCEND_HOME_PATH", tree.string()},
      {"ASCEND_OPP_PATH", (tree / "opp").string()},
      {"LD_LIBRARY_PATH", before && *before ? libraries + ":" + before : libraries},
  };
}

// For a shell, whatever characters are in it.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

Status print_settings() {
  ASSIGN_OR_RETURN(const auto all, settings());
  for (const Setting& setting : all) fmt::print("export {}={}\n", setting.name, quoted(setting.value));
  return ok();
}

struct RunOptions {
  std::vector<std::string> words;
  std::string device;
  bool no_fallback = false;
};

Status run(const RunOptions& options) {
  ASSIGN_OR_RETURN(const auto all, settings());
  for (const Setting& setting : all) setenv(setting.name.c_str(), setting.value.c_str(), 1);
  if (!options.device.empty()) setenv("ISTHMUS_DEVICE", options.device.c_str(), 1);
  if (options.no_fallback) setenv("ISTHMUS_NO_FALLBACK", "1", 1);
  std::vector<char*> words;
  for (const std::string& word : options.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execvp(words[0], words.data());
  return error(Code::kNotFound, "cannot start {}: {}", options.words[0], std::strerror(errno));
}

}  // namespace

void add_cann(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("cann",
                                         "Programs written to CANN's C interface, on any chip\n"
                                         "docs/guide/cann.md says what they find here");
  command->group(kShellGroup);
  command->require_subcommand(1);

  CLI::App* env = command->add_subcommand("env",
                                          "Print what such programs look for in their environment\n"
                                          "For this shell: eval \"$(isthmus cann env)\"");
  env->callback([&context] {
    refuse_json(context, "the settings are for a shell");
    context.action = print_settings;
  });

  CLI::App* start = command->add_subcommand(
      "run",
      "Start a program with them: isthmus cann run [OPTIONS] -- PROGRAM ARGS\n"
      "\"--\" keeps the program's own options apart from these. A program that is started "
      "otherwise reads ISTHMUS_DEVICE and ISTHMUS_NO_FALLBACK instead\n"
      "docs/guide/cann.md has them all");
  auto options = std::make_shared<RunOptions>();
  start
      ->add_option("--device", options->device,
                   "The chips it sees, its devices 0, 1, …: cpu, opencl:0, cpu,opencl:0")
      ->type_name("LIST");
  start->add_flag("--no-fallback", options->no_fallback, "An operator that its chip cannot run is an error");
  start->add_option("program", options->words, "The program and its arguments")
      ->required()
      ->type_name("PROGRAM ARGS");
  start->prefix_command();
  start->callback([options, start, &context] {
    refuse_json(context, "the output is the program's");
    // What looks like an option behind the program's name is the program's; "--" before it only says so.
    std::vector<std::string> rest = start->remaining();
    if (!rest.empty() && rest.front() == "--") rest.erase(rest.begin());
    options->words.insert(options->words.end(), rest.begin(), rest.end());
    context.action = [options] { return run(*options); };
  });
}

}  // namespace isthmus::cli
