// SPDX-License-Identifier: Apache-2.0
// The frame: exit codes, where text goes, and errors that show the way out.
#include <gtest/gtest.h>

#include <cstdlib>

#include "cli/context.h"
#include "cli/help.h"

namespace isthmus::cli {
namespace {

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

Outcome run(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "isthmus");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = run_program(static_cast<int>(arguments.size()), arguments.data());
  std::string out = testing::internal::GetCapturedStdout();
  return {code, std::move(out), testing::internal::GetCapturedStderr()};
}

TEST(Program, HelpGoesToStandardOutputAndSucceeds) {
  for (const auto& arguments : {std::vector<const char*>{}, {"--help"}, {"-h"}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, kSuccess);
    EXPECT_NE(outcome.out.find("Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted"),
              std::string::npos);
    EXPECT_EQ(outcome.err, "");
  }
}

TEST(Program, HelpIsACommandToo) {
  EXPECT_EQ(run({"help"}).out, run({"--help"}).out);
  const Outcome outcome = run({"help", "perplexity"});
  EXPECT_EQ(outcome.code, kSuccess);
  EXPECT_EQ(outcome.out, run({"perplexity", "--help"}).out);
  EXPECT_EQ(run({"help", "nonsense"}).code, kUsage);
}

TEST(Program, HelpSpeaksOfValuesAndNotOfTypes) {
  for (const char* command : {"run", "chat", "bench", "trace", "perplexity", "tokenize", "inspect", "devices",
                              "conform", "completion"}) {
    const std::string help = run({command, "--help"}).out;
    for (const char* foreign : {"INT", "FLOAT", "MODEL TEXT", "CHIP TEXT", "{false}", "Excludes"})
      EXPECT_EQ(help.find(foreign), std::string::npos) << help;
  }
  EXPECT_NE(run({"run", "--help"}).out.find("MODEL [PROMPT]"), std::string::npos);
  EXPECT_NE(run({"perplexity", "--help"}).out.find("--file FILE (required)"), std::string::npos);
  EXPECT_EQ(run({"devices", "--help"}).out.find("--split"), std::string::npos);
  EXPECT_NE(run({"--help"}).out.find("ISTHMUS_PLUGIN_PATH"), std::string::npos);
}

TEST(Program, HelpListsEveryCommandOnceUnderItsGroup) {
  const std::string help = run({"--help"}).out;
  const size_t group = help.find(std::string(kShellGroup) + ":");
  const size_t command = help.find("\n  completion ");
  ASSERT_NE(group, std::string::npos) << help;
  EXPECT_LT(group, command);
  EXPECT_EQ(help.find("\n  completion ", command + 1), std::string::npos);
}

TEST(Program, VersionIsOneLine) {
  const Outcome outcome = run({"--version"});
  EXPECT_EQ(outcome.code, kSuccess);
  EXPECT_TRUE(outcome.out.starts_with("isthmus ")) << outcome.out;
  EXPECT_EQ(outcome.out.find('\n'), outcome.out.size() - 1);
}

TEST(Program, WrongUsageExitsWithTwoAndAHint) {
  Outcome outcome = run({"completion"});
  EXPECT_EQ(outcome.code, kUsage);
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(outcome.err.starts_with("error: ")) << outcome.err;
  EXPECT_NE(outcome.err.find("hint:  isthmus completion --help"), std::string::npos) << outcome.err;

  outcome = run({"completion", "tcsh"});
  EXPECT_EQ(outcome.code, kUsage);
  EXPECT_NE(outcome.err.find("tcsh"), std::string::npos) << outcome.err;

  outcome = run({"completon"});
  EXPECT_EQ(outcome.code, kUsage);
  EXPECT_NE(outcome.err.find("'completon' is no command of isthmus"), std::string::npos) << outcome.err;

  outcome = run({"completion", "bash", "--fast"});
  EXPECT_EQ(outcome.code, kUsage);
  EXPECT_NE(outcome.err.find("unexpected: --fast"), std::string::npos) << outcome.err;

  EXPECT_EQ(run({"--color", "purple"}).code, kUsage);
}

TEST(Program, CommonOptionsMayFollowTheCommand) {
  EXPECT_EQ(run({"completion", "bash", "--color", "never"}).code, kSuccess);
}

TEST(Program, ColoursOnlyWhereAsked) {
  EXPECT_EQ(run({"nonsense"}).err.find('\033'), std::string::npos);
  EXPECT_NE(run({"--color", "always", "nonsense"}).err.find('\033'), std::string::npos);
}

TEST(Terminal, HintsTravelInTheMessage) {
  const Status status = with_hint(error(Code::kNotFound, "no file"), "look elsewhere");
  EXPECT_EQ(split_hint(status.message()),
            std::make_pair(std::string("no file"), std::string("look elsewhere")));
  EXPECT_EQ(split_hint("no file"), std::make_pair(std::string("no file"), std::string()));
  EXPECT_TRUE(with_hint(ok(), "nothing to do").ok());
}

TEST(Terminal, NoColorWinsOverATerminal) {
  EXPECT_TRUE(use_color(ColorMode::kAlways, stdout));
  EXPECT_FALSE(use_color(ColorMode::kNever, stdout));
  EXPECT_EQ(styled("x", Style::kRed, false), "x");
  EXPECT_EQ(styled("x", Style::kRed, true), "\033[31mx\033[0m");
}

}  // namespace
}  // namespace isthmus::cli
