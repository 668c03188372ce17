// SPDX-License-Identifier: Apache-2.0
#include "program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

namespace isthmus::e2e {
namespace {

// In the child: a file as one of the standard streams.
void redirect(const std::string& path, int flags, int stream) {
  if (path.empty()) {
    close(stream);
    return;
  }
  const int file = open(path.c_str(), flags, 0600);
  if (file < 0 || dup2(file, stream) < 0) _exit(126);
}

}  // namespace

nlohmann::json Outcome::json() const {
  nlohmann::json parsed = nlohmann::json::parse(out, nullptr, false);
  EXPECT_FALSE(parsed.is_discarded()) << "not JSON: " << out << err;
  return parsed.is_discarded() ? nlohmann::json() : parsed;
}

Outcome run(const Call& call) {
  // Names of this process, since CTest runs several tests at once.
  const std::string base = testing::TempDir() + "isthmus_e2e_" + std::to_string(getpid());
  const std::string in = base + ".in", out = base + ".out", err = base + ".err";
  std::ofstream(in, std::ios::binary) << call.input;
  std::istringstream emulator(ISTHMUS_EMULATOR);
  std::vector<std::string> words(std::istream_iterator<std::string>(emulator), {});
  words.push_back(ISTHMUS_PROGRAM);
  words.insert(words.end(), call.arguments.begin(), call.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    redirect(in, O_RDONLY, STDIN_FILENO);
    redirect(call.out.value_or(out), O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
    redirect(call.err.value_or(err), O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
    setenv("ISTHMUS_PACKED_CACHE", "off", 1);
    for (const std::string& setting : call.environment) putenv(const_cast<char*>(setting.c_str()));
    execvp(argv[0], argv.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  Outcome outcome;
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.out = read_file(out);
  outcome.err = read_file(err);
  for (const std::string& path : {in, out, err}) unlink(path.c_str());
  return outcome;
}

Outcome run(std::vector<std::string> arguments) { return run(Call{std::move(arguments), "", {}}); }

std::string source_path(const std::string& path) { return std::string(ISTHMUS_SOURCE_DIR "/") + path; }

std::string model_path(const std::string& name) {
  return source_path("tests/llm/data/" + name + "/model.gguf");
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string write_file(const std::string& name, const std::string& content) {
  struct Remover {  // of what tests made, at the end of the process
    std::set<std::string> paths;
    ~Remover() {
      std::error_code ignored;
      for (const std::string& path : paths) std::filesystem::remove_all(path, ignored);
    }
  };
  static Remover remover;
  const std::string path = testing::TempDir() + "isthmus_e2e_" + std::to_string(getpid()) + "_" + name;
  remover.paths.insert(path);
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

}  // namespace isthmus::e2e
