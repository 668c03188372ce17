// SPDX-License-Identifier: Apache-2.0
// The default model: teacher-forced on 20 texts, against what llama.cpp computed (tests/llm/README.md); and
// the digest of all it computes, the same on every processor.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "program.h"

namespace isthmus::e2e {
namespace {

std::string default_model() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::string base = cache && *cache ? cache : std::string(home ? home : "") + "/.cache";
  return base + "/isthmus/models/SmolLM2-135M-Instruct.Q4_1.gguf";
}

TEST(SmolLM2, ArgmaxIsThatOfLlamaCpp) {
  const std::string model = default_model();
  if (!std::filesystem::exists(model)) GTEST_SKIP() << "no " << model << "; tools/fetch_model fetches it";
  const auto oracle = nlohmann::json::parse(read_file(source_path("tests/llm/data/smollm2/llamacpp.json")));
  double ours = 0, reference = 0;
  int64_t scored = 0, decided = 0;
  for (const auto& text : oracle["texts"]) {
    const std::string file = source_path("tests/llm/texts/" + text["file"].get<std::string>());
    const std::string logits_file = write_file("logits", "");
    const Outcome outcome =
        run({"perplexity", model, "--file", file, "--logits", logits_file, "--no-fallback", "--json"});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const auto json = outcome.json();
    const size_t rows = text["tokens"].size(), columns = json["vocabulary"];
    const std::string bytes = read_file(logits_file);
    ASSERT_EQ(bytes.size(), rows * columns * sizeof(float)) << file;
    std::vector<float> row(columns);
    for (size_t i = 0; i < rows; ++i) {
      if (text["lead"][i].get<double>() <= text["error"][i].get<double>()) continue;
      std::memcpy(row.data(), bytes.data() + i * columns * sizeof(float), columns * sizeof(float));
      const auto best = std::max_element(row.begin(), row.end()) - row.begin();
      EXPECT_EQ(best, text["argmax"][i].get<int64_t>()) << file << ", token " << i;
      ++decided;
    }
    ours += json["nll"].get<double>();
    reference += text["reference_nll"].get<double>();
    scored += json["scored"].get<int64_t>();
  }
  EXPECT_GT(decided, 3000);
  // The weights dequantised to F32 give the reference to 1e-7; what remains is the price of activations in
  // int8: 0.02 % here. llama.cpp pays 0.36 %.
  const double ratio = std::exp((ours - reference) / static_cast<double>(scored));
  RecordProperty("perplexity_over_reference", std::to_string(ratio));
  EXPECT_NEAR(ratio, 1, 0.002);
}

TEST(SmolLM2, DigestIsTheStoredOne) {
  const std::string model = default_model();
  if (!std::filesystem::exists(model)) GTEST_SKIP() << "no " << model << "; tools/fetch_model fetches it";
  const Outcome outcome = run({"trace", model, "--exact", "--no-fallback", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["sha256"],
            nlohmann::json::parse(read_file(source_path("tests/e2e/digests.json")))["SmolLM2-135M Q4_1"]);
}

}  // namespace
}  // namespace isthmus::e2e
