// SPDX-License-Identifier: Apache-2.0
// The tiny models of tests/llm/data with what Transformers computed of them; see tests/llm/README.md.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "../llm/tiny_model_names.h"
#include "llm/engine.h"

namespace isthmus::testing {

struct TinyModel {
  nlohmann::json expected;
  std::vector<int32_t> prompt, greedy;
  std::vector<float> logits;  // [rows, columns]
  int64_t rows = 0, columns = 0;
  std::shared_ptr<const Model> model;
};

inline TinyModel load_tiny(const std::string& name) {
  const std::string folder = std::string(ISTHMUS_SOURCE_DIR) + "/tests/llm/data/" + name + "/";
  TinyModel tiny;
  tiny.expected = nlohmann::json::parse(std::ifstream(folder + "expected.json"));
  tiny.prompt = tiny.expected["prompt_tokens"].get<std::vector<int32_t>>();
  tiny.greedy = tiny.expected["greedy_tokens"].get<std::vector<int32_t>>();
  tiny.rows = tiny.expected["logits"]["rows"];
  tiny.columns = tiny.expected["logits"]["columns"];
  tiny.logits.resize(static_cast<size_t>(tiny.rows * tiny.columns));
  std::ifstream file(folder + "logits.bin", std::ios::binary);
  file.read(reinterpret_cast<char*>(tiny.logits.data()),
            static_cast<int64_t>(tiny.logits.size() * sizeof(float)));
  EXPECT_TRUE(file.good()) << folder << "logits.bin";
  Result<std::shared_ptr<const Model>> model = Model::open(folder + "model.gguf");
  EXPECT_TRUE(model.ok()) << model.status().to_string();
  if (model.ok()) tiny.model = *model;
  return tiny;
}

inline std::shared_ptr<Platform> platform(int threads = 2) {
  setenv("ISTHMUS_PLUGIN_PATH", ISTHMUS_PLUGIN_DIR, 1);
  HostOptions options;
  options.thread_count = threads;
  return Platform::discover(options).value();
}

// No fallback, F32 cache (what the reference computes with), nothing cached on disk.
inline EngineOptions exact_options() {
  EngineOptions options;
  options.policy.no_fallback = true;
  options.cache_dtype = Dtype::kF32;
  options.packed_cache = PackedCache("");
  return options;
}

inline std::unique_ptr<Engine> make_engine(const TinyModel& tiny, const EngineOptions& options,
                                           int threads = 2) {
  Result<std::unique_ptr<Engine>> engine = Engine::create(tiny.model, platform(threads), options);
  EXPECT_TRUE(engine.ok()) << engine.status().to_string();
  return engine.ok() ? std::move(engine).value() : nullptr;
}

inline int32_t largest(std::span<const float> logits) {
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

// Steps until every token of the sequence is computed; the last logits.
inline std::vector<float> compute(Engine& engine, SequenceId id) {
  std::vector<float> last;
  while (engine.computed(id) < static_cast<int64_t>(engine.tokens(id).size())) {
    auto logits = engine.step();
    EXPECT_TRUE(logits.ok()) << logits.status().to_string();
    if (!logits.ok()) break;
    for (const auto& row : *logits)
      if (row.sequence == id) last.assign(row.values.begin(), row.values.end());
  }
  return last;
}

inline std::vector<int32_t> greedy(Engine& engine, SequenceId id, size_t count) {
  std::vector<int32_t> tokens;
  while (tokens.size() < count) {
    const std::vector<float> logits = compute(engine, id);
    if (logits.empty()) break;
    tokens.push_back(largest(logits));
    EXPECT_TRUE(engine.append(id, std::span(&tokens.back(), 1)).ok());
  }
  return tokens;
}

}  // namespace isthmus::testing
