// SPDX-License-Identifier: Apache-2.0
// What bad input gets: an exit code, and a sentence that names the thing, what was expected and the way out.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

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

TEST(Errors, AFolderIsNoModel) {
  for (const Call& call : commands_on(source_path("tests")))
    expect_error(call, {source_path("tests"), "hint:"});
}

TEST(Errors, AnEmptyFileIsCalledSo) {
  const std::string path = write_file("empty.gguf", "");
  for (const Call& call : commands_on(path)) expect_error(call, {path, "the file is empty"});
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
               {"200 tokens", "64 tokens", "--context"});
  prompt += prompt;
  const Outcome longest = run(std::vector<std::string>{"run", model_path("qwen3"), "--raw", prompt});
  EXPECT_NE(longest.err.find("the most this model was made for; shorten the text"), std::string::npos)
      << longest.err;
  EXPECT_EQ(longest.err.find("--context"), std::string::npos) << "a longer one cannot be: " << longest.err;
}

TEST(Errors, AChipWithoutADeviceSaysWhy) {
  expect_error({{"run", model_path("qwen3"), "x", "--device", "null"}, "", {}},
               {"chip 'null' has no devices here", "ISTHMUS_NULL_DEVICE=1", "isthmus devices"});
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
        {"run", model, "x", "--temperature", "-1"},
        {"run", model, "x", "--top-p", "3"},
        {"run", model, "x", "--min-p", "nan"},
        {"chat", model, "--json"},
        {"completion", "bash", "--json"},
        {"run", model, "x", "--device", "cpu,"},
        {"run", model, "x", "--device", "cpu,cpu", "--split", "1"},
        {"bench", model, "--split", "1,1"},
        {"devices", "--split", "1"},
        {"devices", "--no-such-option"}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 2) << arguments[0] << outcome.err;
    EXPECT_NE(outcome.err.find("isthmus " + arguments[0] + " --help"), std::string::npos) << outcome.err;
  }
  const Outcome word = run({"run", model, "x", "--weights", "fast"});
  EXPECT_NE(word.err.find("fast not in {mapped,resident}"), std::string::npos) << word.err;
}

// The file with the one F32 of a metadata key replaced.
std::string with_number(std::string model, std::string_view key, float value) {
  const size_t at = model.find(key);
  EXPECT_NE(at, std::string::npos) << key;
  if (at != std::string::npos) std::memcpy(model.data() + at + key.size() + 4, &value, sizeof value);
  return model;
}

TEST(Errors, HyperParametersThatCannotBeAreNamed) {
  const std::string whole = read_file(model_path("llama"));
  for (const std::string key : {"attention.layer_norm_rms_epsilon", "rope.freq_base"}) {
    for (const float value : {-1.0f, 0.0f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
      const std::string path = write_file("number.gguf", with_number(whole, "llama." + key, value));
      expect_error({{"run", path, "--raw", "Hello"}, "", {}}, {path, key, fmt::format("is {}", value)});
    }
  }
}

TEST(Errors, NumbersThatCannotBeAreNamedBriefly) {
  const std::string model = model_path("qwen3");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"run", model, "x", "-n", "-1"},
        {"run", model, "x", "-n", "99999999999999999999"},
        {"run", model, "x", "--context", "0"},
        {"run", model, "x", "--context", "9223372036854775808"}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 2) << outcome.err;
    EXPECT_NE(outcome.err.find("expected a whole number of at least"), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("'" + arguments.back() + "'"), std::string::npos) << outcome.err;
  }
  expect_error({{"perplexity", model, "--file", "-", "--context", "1"}, "some text", {}}, {"at least 2"});
}

TEST(Errors, WhatCannotBeWrittenIsSaidBeforeTheWork) {
  const std::string model = model_path("qwen3"), nowhere = "/nowhere/file";
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"conform", "cpu", "--only", "relu", "--certificate", nowhere},
        {"conform", "cpu", "--only", "relu", "--page", nowhere},
        {"trace", model, "--save", nowhere},
        {"run", model, "x", "--profile", nowhere},
        {"profile", model, "--timeline", nowhere}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 1) << outcome.err;
    EXPECT_EQ(outcome.err.find("error: /nowhere/file"), 0u) << "nothing ran before: " << outcome.err;
    EXPECT_NE(outcome.err.find("cannot be written: No such file"), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
}

TEST(Errors, ATraceOfSomethingElseIsNotEqual) {
  const std::string other =
      write_file("other.jsonl", R"({"run": 1, "node": "x", "op": "x", "occurrence": 0, "output": 0,)"
                                R"( "type": "F32 [1]", "sha256": "0"})"
                                "\n");
  for (const char* json : {"--json", "--digest"}) {
    const Outcome outcome = run({"trace", model_path("qwen3"), "--compare", other, json});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_NE(outcome.err.find("nothing was compared"), std::string::npos) << outcome.err;
  }
}

TEST(Errors, AMistypedCommandLeadsToTheRightOne) {
  for (const auto& [typed, meant] :
       {std::pair("rum", "run"), std::pair("devises", "devices"), std::pair("tokenise", "tokenize")}) {
    const Outcome outcome = run({typed});
    EXPECT_EQ(outcome.code, 2);
    EXPECT_NE(outcome.err.find(std::string("did you mean '") + meant + "'?"), std::string::npos)
        << outcome.err;
  }
  EXPECT_EQ(run({"xy"}).err.find("did you mean"), std::string::npos);
}

TEST(Errors, OutputThatCannotBeWritten) {
  const std::string model = model_path("qwen3");
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--help"},
                                                    {"--version"},
                                                    {"run", model, "x", "-n", "2"},
                                                    {"devices"},
                                                    {"tokenize", model, "text"}}) {
    Call call{arguments, "", {}};
    call.out = "/dev/full";
    const Outcome outcome = run(call);
    EXPECT_EQ(outcome.code, 1) << arguments[0];
    EXPECT_NE(outcome.err.find("cannot write to standard output"), std::string::npos) << outcome.err;
  }
  for (const char* err : {"/dev/full", ""}) {  // "": closed
    Call call{{"run", model, "x", "-n", "2", "--seed", "1"}, "", {}};
    call.err = err;
    const Outcome outcome = run(call);
    EXPECT_EQ(outcome.code, 0) << "notes that nobody can read are no reason to stop";
    EXPECT_NE(outcome.out, "");
    call.arguments[1] = "/nowhere/model.gguf";
    EXPECT_EQ(run(call).code, 1);
  }
}

TEST(Errors, EveryCommandTeachesWithAnExample) {
  for (const char* command : {"devices", "inspect", "tokenize", "bench", "perplexity", "run", "chat"}) {
    const Outcome outcome = run({command, "--help"});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_NE(outcome.out.find(std::string("isthmus ") + command + " "), std::string::npos) << outcome.out;
  }
}

TEST(Errors, ACrashNamesThePlugIn) {
  const std::string plugin = ISTHMUS_TEST_PLUGIN_DIR "/crash/isthmus_crash.so";
  const Outcome outcome = run({"trace", model_path("qwen3"), "--device", plugin});
  EXPECT_EQ(outcome.code, 128 + 11) << outcome.err;
  EXPECT_NE(outcome.err.find("error: " + plugin + ": touched memory"), std::string::npos) << outcome.err;
  // Where a call leads nowhere there is nobody to name, but something is said.
  const std::string nowhere = ISTHMUS_TEST_PLUGIN_DIR "/nowhere/isthmus_nowhere.so";
  const Outcome lost = run({"trace", model_path("qwen3"), "--device", nowhere});
  EXPECT_EQ(lost.code, 128 + 11) << lost.err;
  EXPECT_NE(lost.err.find("isthmus conform shows what it does wrong"), std::string::npos) << lost.err;
}

}  // namespace
}  // namespace isthmus::e2e
