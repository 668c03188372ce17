// SPDX-License-Identifier: Apache-2.0
// Completion is tried in a real bash: what it would offer for a half-typed line.
#include "cli/completion.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>

namespace isthmus::cli {
namespace {

struct Values {
  bool json = false;
  std::string model, cache;
};

void declare(CLI::App& app) {
  static Values values;  // never read: the commands are described here, not run
  app.add_flag("--json", values.json, "Print results as JSON, for scripts");
  CLI::App* run = app.add_subcommand("run", "Answer a prompt, the model's way: at once\nMore.");
  run->add_option("-m,--model", values.model, "A [GGUF] file");
  run->add_option("--cache", values.cache, "Its dtype")->check(CLI::IsMember({"f16", "f32"}));
  app.add_subcommand("read", "Read");
}

// The words that bash, having loaded our script, offers for the last of `words`.
std::string offered(std::initializer_list<std::string> words) {
  CLI::App app("", "isthmus");
  declare(app);
  const std::string path = testing::TempDir() + "isthmus_completion_test.bash";
  std::ofstream script(path);
  script << bash_completion(app) << "COMP_WORDS=(isthmus";
  for (const std::string& word : words) script << " '" << word << "'";
  script << ")\nCOMP_CWORD=" << words.size() << "\n_isthmus\necho \"${COMPREPLY[*]}\"\n";
  script.close();
  std::string out;
  FILE* pipe = popen(("bash --norc " + path + " 2>&1").c_str(), "r");
  std::array<char, 256> chunk;
  while (pipe && fgets(chunk.data(), chunk.size(), pipe)) out += chunk.data();
  if (pipe) pclose(pipe);
  std::remove(path.c_str());
  return out;
}

TEST(Completion, BashOffersCommandsOptionsAndClosedLists) {
  EXPECT_EQ(offered({"r"}), "run read\n");
  EXPECT_EQ(offered({"ru"}), "run\n");
  EXPECT_EQ(offered({"run", "--m"}), "--model\n");
  EXPECT_EQ(offered({"run", "--cache", "f"}), "f16 f32\n");
  EXPECT_EQ(offered({"run", "--j"}), "--json\n");
  EXPECT_EQ(offered({"read", "--m"}), "\n");
}

TEST(Completion, ZshEscapesWhatItsSyntaxUses) {
  CLI::App app("", "isthmus");
  declare(app);
  const std::string script = zsh_completion(app);
  EXPECT_NE(script.find("'(-m --model)'{-m,--model}'[A \\[GGUF\\] file]:value:_files'"), std::string::npos)
      << script;
  EXPECT_NE(script.find("'run:Answer a prompt, the model'\\''s way: at once'"), std::string::npos) << script;
}

TEST(Completion, FishNamesEachOptionOnce) {
  CLI::App app("", "isthmus");
  declare(app);
  const std::string script = fish_completion(app);
  EXPECT_NE(script.find("-n '__fish_seen_subcommand_from run' -l cache -x -a 'f16 f32' -d 'Its dtype'"),
            std::string::npos)
      << script;
  EXPECT_EQ(script.find("More."), std::string::npos) << "only a description's first line is listed";
}

}  // namespace
}  // namespace isthmus::cli
