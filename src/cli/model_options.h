// SPDX-License-Identifier: Apache-2.0
// The options of every command that runs a model, and the way from them to an engine.
#pragma once

#include <memory>
#include <string>

#include "cli/context.h"
#include "llm/engine.h"

namespace isthmus::cli {

struct ModelOptions {
  std::string device = "cpu";
  std::vector<int64_t> split;
  int threads = 0;      // 0: as many as this process may use
  int64_t context = 0;  // 0: the engine's default
  Dtype cache_dtype = Dtype::kF16;
  bool no_fallback = false;
  bool ignore_memory = false;
  Profile* profile = nullptr;  // records what the model runs
  WeightMode weights = WeightMode::kMapped;
  std::string packed_cache;  // a folder; "off"; empty: the user's cache folder
};

// Adds --device, --split, --threads, --context, --cache-dtype, --no-fallback, --ignore-memory,
// --weights and --packed-cache, in a group of their own in the command's help. `options` must outlive the
// parsing.
void add_model_options(CLI::App& command, ModelOptions& options);
// Of these only --context and --cache-dtype, for commands that open no engine.
void add_context_options(CLI::App& command, ModelOptions& options);

// The required argument MODEL.
CLI::Option* add_model_argument(CLI::App& command, std::string& path);

// Chips found on this machine, for so many threads.
Result<std::shared_ptr<Platform>> discover_chips(int threads, Profile* profile = nullptr);

// What the options say; the caller may change the rest before load_engine.
EngineOptions engine_options(const ModelOptions& options);

// An error of opening MODEL, with the way out where that is no file at all.
Status with_file_hint(Status status, const std::string& path);
// Model::open, with a hint in its errors.
Result<std::shared_ptr<const Model>> open_model(const std::string& path);

// Opens the model's file, finds chips and compiles. The errors name the way out.
Result<std::unique_ptr<Engine>> load_engine(const std::string& path, const ModelOptions& options,
                                            const EngineOptions& engine_options);
Result<std::unique_ptr<Engine>> load_engine(std::shared_ptr<const Model> model, const ModelOptions& options,
                                            const EngineOptions& engine_options);

}  // namespace isthmus::cli
