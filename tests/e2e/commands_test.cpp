// SPDX-License-Identifier: Apache-2.0
// What each command gives for good input: JSON that scripts can rely on, and figures that outside oracles
// confirm.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "../llm/tiny_model_names.h"
#include "program.h"

namespace isthmus::e2e {
namespace {

nlohmann::json expected_of(const std::string& name) {
  return nlohmann::json::parse(read_file(source_path("tests/llm/data/" + name + "/expected.json")));
}

std::vector<float> floats_of(const std::string& path) {
  const std::string bytes = read_file(path);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

TEST(Devices, FindsTheCpu) {
  const Outcome outcome = run({"devices", "--json", "--threads", "1"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto json = outcome.json();
  bool cpu = false;
  for (const auto& device : json["devices"]) {
    if (device["id"] != "cpu:0") continue;
    cpu = true;
    EXPECT_EQ(device["parallelism"], 1);
    EXPECT_GT(device["memory_bytes"].get<uint64_t>(), 0u);
    EXPECT_TRUE(device["plugin"]["path"].get<std::string>().ends_with("isthmus_cpu.so"));
  }
  EXPECT_TRUE(cpu) << outcome.out;
  EXPECT_EQ(run({"devices"}).out.find('\033'), std::string::npos) << "colours only on a terminal";
}

TEST(Devices, ABrokenPlugInIsNamedAndHarmsNobody) {
  const std::string folder = write_file("plugins", "");
  std::filesystem::remove(folder);
  std::filesystem::create_directory(folder);
  std::ofstream(folder + "/isthmus_bad.so") << "nonsense";
  const Outcome outcome = run(Call{{"devices", "--json"}, "", {"ISTHMUS_PLUGIN_PATH=" + folder}});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto json = outcome.json();
  ASSERT_EQ(json["failures"].size(), 1u) << outcome.out;
  EXPECT_EQ(json["failures"][0]["path"], folder + "/isthmus_bad.so");
  EXPECT_FALSE(json["devices"].empty());
}

TEST(Devices, APlugInWithoutADeviceSaysWhy) {
  const auto json = run({"devices", "--json"}).json();
  std::string why;
  for (const auto& absent : json["without_device"])
    if (absent["plugin"] == "null") why = absent["reason"];
  EXPECT_NE(why.find("only with ISTHMUS_NULL_DEVICE=1"), std::string::npos) << json;
  EXPECT_NE(run({"devices"}).out.find("\n  null: " + why), std::string::npos);
  for (const auto& absent :
       run(Call{{"devices", "--json"}, "", {"ISTHMUS_NULL_DEVICE=1"}}).json()["without_device"])
    EXPECT_NE(absent["plugin"], "null");
}

TEST(Run, SaysWhenAReplyWasCutShort) {
  const std::string model = model_path("qwen3");
  const std::vector<std::string> start = {"run",           model, "--raw",
                                          "--temperature", "0",   expected_of("qwen3")["prompt_text"]};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), start.begin(), start.end());
    return run(more);
  };
  EXPECT_NE(with({"-n", "1"}).err.find("[cut off after 1 token: --max-tokens]"), std::string::npos);
  const Outcome full = with({"--context", "128"});
  EXPECT_NE(full.err.find("[the context of 128 tokens is full: --context N, up to 256]"), std::string::npos)
      << full.err;
  const Outcome outcome = with({"-n", "1", "--json"});
  EXPECT_EQ(outcome.json()["device"], "cpu:0");
  EXPECT_EQ(outcome.json()["fallbacks"], 0);
}

TEST(Run, KeepsTheOrderOfResultsAndRemarksInOnePipe) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const std::string end = "/dev/fd/" + std::to_string(pipe_ends[1]);
  run(Call{{"run", model_path("qwen3"), "--raw", "-n", "1", "Hello"}, "", {}, end, end});
  close(pipe_ends[1]);
  std::string both(1 << 16, '\0');
  both.resize(static_cast<size_t>(std::max<ssize_t>(0, read(pipe_ends[0], both.data(), both.size()))));
  close(pipe_ends[0]);
  EXPECT_NE(both.find("\n[cut off"), std::string::npos) << both;
}

TEST(Chat, StandardOutputHasTheRepliesAlone) {
  const Call call{{"chat", model_path("qwen3"), "-n", "2", "--temperature", "0"},
                  "/help\n/system\n/system You sing.\n/stats\n/stats\n/reset\n/nonsense\nHello\n",
                  {}};
  const Outcome outcome = run(call);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  Call reply = call;
  reply.input = "/system You sing.\nHello\n";
  EXPECT_EQ(outcome.out, run(reply).out);
  for (const char* said :
       {"/help  ", "/system needs a text", "The system prompt is set", "No more speed",
        "The conversation is forgotten", "There is no command /nonsense", "[cut off after 2 tokens"})
    EXPECT_NE(outcome.err.find(said), std::string::npos) << said << ": " << outcome.err;
}

// The entry of the CPU in what `devices --json` printed.
nlohmann::json cpu_of(const nlohmann::json& document) {
  for (const auto& device : document["devices"])
    if (device["id"] == "cpu:0") return device;
  ADD_FAILURE() << "no cpu:0 in " << document;
  return {};
}

TEST(Devices, ExplainsEveryOperatorOfAModel) {
  for (const std::string& name : tiny_model_names()) {
    const Outcome outcome = run({"devices", "--explain", model_path(name), "--json"});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const auto cpu = cpu_of(outcome.json());
    EXPECT_EQ(cpu["fallbacks"], 0) << cpu;
    std::set<std::string> operators;
    for (const auto& row : cpu["operators"]) {
      operators.insert(row["operator"]);
      EXPECT_GT(row["nodes"], 0);
      EXPECT_FALSE(row["fallback"]) << name << ": " << row;
    }
    for (const char* op : {"attention", "rms_norm", "embedding", "rope"})
      EXPECT_TRUE(operators.contains(op)) << name << ": " << op;
  }
}

TEST(Devices, ExplainsEveryDeclaredOperator) {
  const Outcome outcome = run({"devices", "--explain", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto cpu = cpu_of(outcome.json());
  std::set<std::string> operators;
  std::string better_refused;  // why linear runs over strides: the chip's faster kernel wants dense operands
  for (const auto& row : cpu["operators"]) {
    operators.insert(row["operator"]);
    if (row["fallback"]) {
      EXPECT_NE(row["refusal"], "") << row;
    }
    if (row["operator"] == "linear" &&
        row["implementation"].get<std::string>().find("strided") != std::string::npos) {
      better_refused = row["refusal"];
    }
  }
  EXPECT_NE(better_refused.find("operands must be contiguous"), std::string::npos) << cpu;
  EXPECT_GT(operators.size(), 50u);
}

TEST(Inspect, GivesWhatTheFileSays) {
  const Outcome outcome =
      run({"inspect", model_path("qwen3"), "--json", "--tensors", "--metadata", "--context", "100"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto json = outcome.json();
  EXPECT_EQ(json["architecture"], "qwen3");
  EXPECT_EQ(json["supported"], true);
  EXPECT_EQ(json["tokenizer"]["tokens"], 344);
  EXPECT_EQ(json["chat_template"]["usable"], true);
  EXPECT_EQ(json["metadata"]["qwen3.block_count"], json["config"]["layers"]);
  EXPECT_EQ(json["metadata"]["tokenizer.ggml.tokens"].size(), 344u);
  EXPECT_EQ(json["memory"]["context"], 128) << "100 rounded up to whole blocks of the cache";
  uint64_t bytes = 0, parameters = 0;
  for (const auto& tensor : json["tensors"]) {
    uint64_t elements = 1;
    for (const auto& dim : tensor["dims"]) elements *= dim.get<uint64_t>();
    parameters += elements;
    bytes += tensor["bytes"].get<uint64_t>();
  }
  EXPECT_EQ(parameters, json["parameters"].get<uint64_t>());
  EXPECT_EQ(bytes, json["memory"]["weights_bytes"].get<uint64_t>());
  EXPECT_EQ(bytes, json["dtypes"][0]["bytes"].get<uint64_t>()) << "all of one dtype";
}

TEST(Inspect, ShowsFilesThatCannotRun) {
  const std::string path = source_path("tests/gguf/every_type.gguf");
  const Outcome outcome = run({"inspect", path, "--json", "--metadata"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto json = outcome.json();
  EXPECT_EQ(json["supported"], false);
  EXPECT_NE(json["reason"].get<std::string>().find("architecture 'toy' is not supported; supported are"),
            std::string::npos);
  EXPECT_EQ(json["metadata"]["i8"], -100);
  EXPECT_EQ(json["metadata"]["u64"].get<uint64_t>(), (uint64_t{1} << 63) + 5);
  EXPECT_EQ(json["metadata"]["strings"], (nlohmann::json{"a", "", "ccc"}));
  const Outcome text = run({"inspect", path, "--metadata", "--tensors"});
  EXPECT_EQ(text.code, 0);
  EXPECT_NE(text.out.find("cannot run"), std::string::npos) << text.out;
}

TEST(Tokenize, AgreesWithHuggingFace) {
  for (const std::string& name : tiny_model_names()) {
    const auto expected = expected_of(name);
    const std::string text = expected["prompt_text"];
    for (const Call& call :
         {Call{{"tokenize", model_path(name), "--special", "--bos", "--json", text}, "", {}},
          Call{{"tokenize", model_path(name), "--special", "--bos", "--json"}, text, {}},
          Call{{"tokenize", model_path(name), "--special", "--bos", "--json", "-f", write_file("text", text)},
               "",
               {}}}) {
      const Outcome outcome = run(call);
      ASSERT_EQ(outcome.code, 0) << outcome.err;
      EXPECT_EQ(outcome.json()["ids"], expected["prompt_tokens"]) << name;
    }
  }
}

TEST(Tokenize, DecodesWhatItEncoded) {
  const std::string text = "Grüße aus 北京 🙂\tfor (;;)";
  const Outcome encoded = run({"tokenize", model_path("qwen2"), "--json", text});
  ASSERT_EQ(encoded.code, 0) << encoded.err;
  const Outcome decoded = run({"tokenize", model_path("qwen2"), "--decode", encoded.json()["ids"].dump()});
  EXPECT_EQ(decoded.code, 0) << decoded.err;
  EXPECT_EQ(decoded.out, text + "\n");
}

// The whole way from the program's arguments to logits, against Transformers.
TEST(Perplexity, LogitsAgreeWithTransformers) {
  for (const std::string& name : tiny_model_names()) {
    const auto expected = expected_of(name);
    const std::string ids = write_file("ids", expected["prompt_tokens"].dump());
    const std::string logits = write_file("logits", "");
    const Outcome outcome = run({"perplexity", model_path(name), "--file", ids, "--ids", "--cache-dtype",
                                 "f32", "--no-fallback", "--logits", logits, "--json"});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_NE(outcome.err.find("nothing fell back"), std::string::npos) << outcome.err;
    const std::vector<float> ours = floats_of(logits);
    const std::vector<float> theirs = floats_of(source_path("tests/llm/data/" + name + "/logits.bin"));
    ASSERT_EQ(ours.size(), theirs.size()) << name;
    double largest_error = 0;
    for (size_t i = 0; i < ours.size(); ++i)
      largest_error = std::max(largest_error, std::abs(static_cast<double>(ours[i]) - theirs[i]));
    EXPECT_LE(largest_error, 1e-4 * expected["largest_logit"].get<double>()) << name;

    // The printed perplexity is that of the logits written.
    const size_t rows = expected["logits"]["rows"], columns = expected["logits"]["columns"];
    double nll = 0;
    for (size_t row = 0; row + 1 < rows; ++row) {
      double sum = 0;
      for (size_t c = 0; c < columns; ++c) sum += std::exp(static_cast<double>(ours[row * columns + c]));
      nll += std::log(sum) - ours[row * columns + expected["prompt_tokens"][row + 1].get<size_t>()];
    }
    const auto json = outcome.json();
    EXPECT_EQ(json["scored"], rows - 1);
    EXPECT_NEAR(json["perplexity"].get<double>(), std::exp(nll / static_cast<double>(rows - 1)), 1e-6)
        << name;
  }
}

TEST(Perplexity, LongTextsAreSplitIntoChunks) {
  const auto expected = expected_of("qwen3");
  const Outcome outcome =
      run(Call{{"perplexity", model_path("qwen3"), "--file", "-", "--ids", "--json", "--context", "50"},
               expected["prompt_tokens"].dump(),
               {}});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto json = outcome.json();
  EXPECT_EQ(json["tokens"], 116);
  EXPECT_EQ(json["scored"], 113) << "all but the first of three chunks";
}

TEST(Bench, GivesTheKeysThatScriptsRead) {
  const Outcome outcome =
      run({"bench", model_path("llama"), "--json", "-p", "32", "-n", "4", "-r", "1", "--threads", "1"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto json = outcome.json();
  for (const char* key : {"prefill_tokens_per_s", "decode_tokens_per_s", "time_to_first_token_s",
                          "memory_bytes", "read_bandwidth_gb_s", "bandwidth_share", "int8_peak_tops",
                          "bf16_peak_tflops", "f32_peak_tflops", "peak_share"})
    EXPECT_GT(json[key].get<double>(), 0) << key;
  EXPECT_EQ(json["model"], "model.gguf");
  EXPECT_EQ(json["format"], "F32");
  EXPECT_EQ(json["threads"], 1);
  EXPECT_EQ(json["weights"], "mapped");
  EXPECT_EQ(json["prompt_tokens"], 32);
  EXPECT_EQ(json["generated_tokens"], 4);
  EXPECT_TRUE(json["fallbacks"].empty());
  EXPECT_LT(json["peak_share"].get<double>(), 1);
  EXPECT_EQ(json["sequences"], 1);
  EXPECT_EQ(json.size(), 18u);
}

TEST(Bench, SeveralSequencesInTheSameSteps) {
  const Outcome outcome = run({"bench", model_path("llama"), "--json", "-p", "32", "-n", "4", "-r", "1",
                               "--threads", "1", "--sequences", "3", "--depth", "70"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["sequences"], 3);
  EXPECT_GT(outcome.json()["decode_tokens_per_s"].get<double>(), 0);
}

TEST(Bench, TurnsAnswerLineByLine) {
  const Outcome outcome = run(
      {{"bench", model_path("llama"), "--turns", "--sequences", "2", "--depth", "70", "-p", "32", "-n", "4"},
       "prefill 32\ndecode 4 0 2\ndecode 4 70 1\nlimit int8 0.001\n"
       "decode 4 0 3\ndecode 4 -1 1\nprefill\nsing\n",
       {}});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::istringstream lines(outcome.out);
  std::vector<nlohmann::json> answers;
  for (std::string line; std::getline(lines, line);) answers.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(answers.size(), 8u) << outcome.out;
  for (size_t i = 0; i < 3; ++i) EXPECT_GT(answers[i]["seconds"].get<double>(), 0) << i;
  EXPECT_GT(answers[3]["per_second"].get<double>(), 0);
  for (size_t i = 4; i < 8; ++i) EXPECT_NE(answers[i]["error"].get<std::string>(), "") << i;
}

TEST(Tune, KeepsWhatEnginesThenUse) {
  const std::string home = ::testing::TempDir() + "tune_home";
  std::filesystem::remove_all(home);
  const auto in_home = [&](std::vector<std::string> arguments) {
    return run({std::move(arguments), "", {"XDG_CACHE_HOME=" + home}});
  };
  const Outcome tuned = in_home({"tune", model_path("llama"), "-p", "64", "-r", "4", "--json"});
  ASSERT_EQ(tuned.code, 0) << tuned.err;
  const std::string path = tuned.json()["path"];
  EXPECT_TRUE(path.starts_with(home)) << path;
  EXPECT_EQ(in_home({"tune", "--show", "--json"}).json()["choices"], tuned.json()["choices"]);

  std::ofstream(path) << "panel_rows many\n";
  const Outcome damaged = in_home({"run", model_path("llama"), "--raw", "x"});
  EXPECT_EQ(damaged.code, 1);
  EXPECT_NE(damaged.err.find(path + " (isthmus tune --reset removes it): line 1: panel_rows is a number"),
            std::string::npos)
      << damaged.err;
  EXPECT_EQ(in_home({"tune", "--reset"}).code, 0);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(in_home({"tune"}).code, 1) << "there is no model to measure with";
}

TEST(Profile, NamesEveryOperatorOfBothPhases) {
  for (const char* device : {"cpu", "cpu,cpu"}) {
    const std::string timeline = write_file("timeline", "");
    const Outcome outcome = run({"profile", model_path("qwen3"), "--device", device, "-p", "16", "-n", "2",
                                 "--json", "--timeline", timeline});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const nlohmann::json phases = outcome.json()["phases"];
    ASSERT_EQ(phases.size(), 2u);
    for (const nlohmann::json& phase : phases) {
      std::set<std::string> operators;
      for (const nlohmann::json& row : phase["rows"]) operators.insert(row["operator"]);
      for (const char* op : {"embedding", "linear", "attention", "rope", "cache_write", "rms_norm"})
        EXPECT_TRUE(operators.count(op)) << op << " of " << phase["phase"];
      EXPECT_LE(phase["busy_seconds"], phase["seconds"]);
    }
    for (const char* phase : {".prefill.json", ".decode.json"}) {
      EXPECT_FALSE(nlohmann::json::parse(read_file(timeline + phase))["traceEvents"].empty());
      std::remove((timeline + phase).c_str());
    }
  }
}

// A chip that tells nothing is timed from outside, and what runs on the host is marked.
TEST(Profile, AChipThatKeepsNoTime) {
  const Outcome outcome = run(Call{{"run", model_path("qwen3"), "--raw", "Hi", "--device", "null",
                                    "--max-tokens", "2", "--profile", write_file("profile.json", "")},
                                   "",
                                   {"ISTHMUS_NULL_DEVICE=1"}});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
}

}  // namespace
}  // namespace isthmus::e2e
