// SPDX-License-Identifier: Apache-2.0
// A tiny model from prompt to tokens on the chip, against the digest that every chip gives.
#include <algorithm>
#include <set>

#include "base/sha256.h"
#include "conform/check.h"
#include "conform/tiny_model.h"
#include "llm/engine.h"

namespace isthmus::conform {
namespace {

// Of the little-endian F32 logits at every position of the prompt, then of the greedy tokens as I32.
constexpr const char* kDigest = "8323b0c46aba6b9939b2c48f6da8133e9662863a19c58526bd8bdc5c05230255";
constexpr int kPrompt = 40, kGreedy = 16;

Result<std::string> digest(Engine& engine) {
  std::vector<int32_t> prompt, greedy;
  for (int i = 0; i < kPrompt; ++i) prompt.push_back((i * i * 7 + 3) % 320);
  ASSIGN_OR_RETURN(const SequenceId id, engine.add(prompt));
  Sha256 hash;
  int32_t next = 0;
  const auto take = [&](std::span<const float> logits) {
    next = static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  };
  for (size_t done = 0; done < prompt.size();) {
    ASSIGN_OR_RETURN(const auto rows, engine.step_all_logits(id));
    if (rows.empty()) return error(Code::kInternal, "a step of the prompt gave no logits");
    for (const Engine::Logits& row : rows) hash.add(row.values.data(), row.values.size_bytes());
    done += rows.size();
    take(rows.back().values);
  }
  while (greedy.size() < kGreedy) {
    greedy.push_back(next);
    RETURN_IF_ERROR(engine.append(id, {&next, 1}));
    ASSIGN_OR_RETURN(const auto rows, engine.step());
    if (rows.empty()) return error(Code::kInternal, "a step of one token gave no logits");
    take(rows.back().values);
  }
  hash.add(greedy.data(), greedy.size() * sizeof(int32_t));
  return hash.hex();
}

// The operators that ran on the host.
std::string fallbacks(const Engine& engine) {
  std::set<std::string> ops;
  for (const Executable::ReportRow& row : engine.report())
    if (row.fallback) ops.insert(row.op);
  return fmt::format("{}", fmt::join(ops, ", "));
}

// rows: how many the prompt takes at a time.
Outcome run_model(const DevicePtr& device, int rows) {
  Result<std::shared_ptr<const Model>> model = make_tiny_model();
  if (!model.ok()) return failed(model.status().to_string());
  EngineOptions options;
  options.context = 128;
  options.chunk_tokens = rows;
  options.output_rows = rows;
  options.packed_cache = PackedCache("");
  options.policy.no_fallback = true;
  Result<std::unique_ptr<Engine>> engine = Engine::create(*model, {device}, options);
  const Status refusal = engine.status();
  if (refusal.code() == Code::kUnimplemented) {
    options.policy.no_fallback = false;
    engine = Engine::create(*model, {device}, options);
  }
  if (!engine.ok()) return failed(engine.status().to_string());
  const Result<std::string> found = digest(**engine);
  if (!found.ok()) return failed(found.status().to_string());
  if (*found != kDigest) return failed(fmt::format("digest {}, not {}", *found, kDigest));
  if (!refusal.ok())
    return not_yet(
        fmt::format("the right digest, with these operators on the host: {}", fallbacks(**engine)));
  return passed(fmt::format("digest {}, nothing on the host", found->substr(0, 16)));
}

}  // namespace

std::vector<Check> model_checks() {
  return {{"model", "a tiny model, prompt at once",
           [](const DevicePtr& device) { return run_model(device, kPrompt); }},
          {"model", "a tiny model, prompt in pieces",
           [](const DevicePtr& device) { return run_model(device, 7); }}};
}

}  // namespace isthmus::conform
