// SPDX-License-Identifier: Apache-2.0
// What bad input gets: an exit code, and a sentence that names the thing, what was expected and the way out.
#include <gtest/gtest.h>

#include "program.h"

namespace isthmus::e2e {
namespace {

// The program failed (code 1) and said all of `words` on standard error, nothing on standard output.
void expect_error(const Call& call, const std::vector<std::string>& words) {
  const Outcome outcome = run(call);
  std::string line;
  for (const std::string& argument : call.arguments) line += argument + " ";
  EXPECT_EQ(outcome.code, 1) << line << outcome.err;
  EXPECT_EQ(outcome.out, "") << line;
  EXPECT_NE(outcome.err.find("error: "), std::string::npos) << line << outcome.err;
  for (const std::string& word : words)
    EXPECT_NE(outcome.err.find(word), std::string::npos)
        << line << "should say '" << word << "': " << outcome.err;
}

// Every command that opens a model, on this file.
std::vector<Call> commands_on(const std::string& model) {
  return {{{"inspect", model}, "", {}},
          {{"tokenize", model, "text"}, "", {}},
          {{"bench", model, "-r", "1"}, "", {}},
          {{"perplexity", model, "--file", source_path("README.md")}, "", {}},
          {{"devices", "--explain", model}, "", {}},
          {{"run", model, "Hello"}, "", {}}};
}

TEST(Errors, AMissingModelIsNamed) {
  for (const Call& call : commands_on("/nowhere/model.gguf"))
    expect_error(call, {"/nowhere/model.gguf", "No such file", "hint:"});
}

TEST(Errors, AFileThatIsNoModel) {
  const std::string path = write_file("text.gguf", "This is a text, not a model.");
  for (const Call& call : commands_on(path)) expect_error(call, {path, "GGUF"});
}

TEST(Errors, ATruncatedModelIsNamedWithThePlace) {
  const std::string whole = read_file(model_path("qwen3"));
  for (const size_t bytes : {size_t{3}, size_t{20}, size_t{1000}, whole.size() / 2, whole.size() - 1}) {
    const std::string path = write_file("truncated.gguf", whole.substr(0, bytes));
    for (const Call& call : commands_on(path)) expect_error(call, {path});
  }
}

TEST(Errors, AnUnknownArchitectureListsTheKnown) {
  for (const Call& call : commands_on(source_path("tests/gguf/every_type.gguf"))) {
    if (call.arguments[0] == "inspect" || call.arguments[0] == "tokenize")
      continue;  // they need no architecture
    expect_error(call,
                 {"architecture 'toy' is not supported; supported are", "llama", "qwen3", "isthmus inspect"});
  }
  expect_error({{"tokenize", source_path("tests/gguf/every_type.gguf"), "text"}, "", {}},
               {"tokenizer.ggml.model"});
}

TEST(Errors, AContextBeyondTheModelGivesBothNumbers) {
  const std::string model = model_path("qwen3");
  for (const Call& call : {Call{{"inspect", model, "--context", "100000"}, "", {}},
                           Call{{"bench", model, "--context", "100000"}, "", {}},
                           Call{{"perplexity", model, "--file", "-", "--context", "100000"}, "some text", {}},
                           Call{{"run", model, "Hello", "--context", "100000"}, "", {}}})
    expect_error(call, {"100000", "256"});
}

TEST(Errors, APromptLongerThanTheContextGivesBothNumbers) {
  expect_error({{"bench", model_path("qwen3"), "--context", "64", "-p", "100", "-n", "4"}, "", {}},
               {"100 tokens", "64 tokens", "--context 100"});
  std::string prompt;
  for (int i = 0; i < 100; ++i) prompt += "7,";  // a token each: a digit, a comma
  expect_error({{"run", model_path("qwen3"), "--raw", "--context", "64", prompt}, "", {}},
               {"200 tokens", "64 tokens"});
}

TEST(Errors, AnUnknownDeviceLeadsToTheList) {
  const Call call{{"perplexity", model_path("qwen3"), "--file", "-", "--device", "abacus"}, "some text", {}};
  expect_error(call, {"abacus", "cpu", "isthmus devices"});
}

TEST(Errors, TextsAndIdsAreChecked) {
  const std::string model = model_path("qwen3");
  expect_error({{"tokenize", model, "--decode", "1,x"}, "", {}}, {"'x'"});
  expect_error({{"tokenize", model, "--decode", "344"}, "", {}}, {"344", "343"});
  expect_error({{"tokenize", model, "-f", "/nowhere/text"}, "", {}}, {"/nowhere/text"});
  expect_error({{"perplexity", model, "--file", "/nowhere/text"}, "", {}}, {"/nowhere/text"});
  expect_error({{"perplexity", model, "--file", "-"}, "", {}}, {"at least 2"});
  expect_error({{"perplexity", model, "--file", "-", "--logits", "/nowhere/logits"}, "some text", {}},
               {"/nowhere/logits"});
}

TEST(Errors, WrongUsageExitsWithTwo) {
  const std::string model = model_path("qwen3");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"inspect"},
        {"bench", model, "--threads", "0"},
        {"bench", model, "--threads", "many"},
        {"bench", model, "-n", "0"},
        {"perplexity", model},
        {"perplexity", model, "--file", "x", "--cache-dtype", "Q9"},
        {"tokenize", model, "text", "--decode", "1"},
        {"devices", "--no-such-option"}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 2) << arguments[0] << outcome.err;
    EXPECT_NE(outcome.err.find("isthmus " + arguments[0] + " --help"), std::string::npos) << outcome.err;
  }
}

TEST(Errors, EveryCommandTeachesWithAnExample) {
  for (const char* command : {"devices", "inspect", "tokenize", "bench", "perplexity", "run", "chat"}) {
    const Outcome outcome = run({command, "--help"});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_NE(outcome.out.find(std::string("isthmus ") + command + " "), std::string::npos) << outcome.out;
  }
}

}  // namespace
}  // namespace isthmus::e2e
