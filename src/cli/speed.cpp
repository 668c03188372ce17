// SPDX-License-Identifier: Apache-2.0
#include "cli/speed.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>

#include "base/limits.h"

namespace isthmus::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Any tokens do: a dense model's speed does not depend on them. Spread over the vocabulary, as text's are.
std::vector<int32_t> some_tokens(int64_t count, int64_t vocabulary) {
  std::vector<int32_t> tokens;
  uint32_t number = 1;
  for (int64_t i = 0; i < count; ++i) {
    number = number * 1664525u + 1013904223u;
    tokens.push_back(static_cast<int32_t>((number >> 8) % static_cast<uint64_t>(vocabulary)));
  }
  return tokens;
}

// Steps until the sequence's last token has its logits, and gives the likeliest next token.
Result<int32_t> next_token(Engine& engine, double* seconds_to_logits = nullptr) {
  const auto start = Clock::now();
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<Engine::Logits> logits, engine.step());
    if (logits.empty()) continue;
    if (seconds_to_logits) *seconds_to_logits = seconds_since(start);
    const std::span<const float> values = logits.back().values;
    return static_cast<int32_t>(std::max_element(values.begin(), values.end()) - values.begin());
  }
}

// Steps until nothing is new.
Status compute(Engine& engine) {
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<Engine::Logits> logits, engine.step());
    if (!logits.empty()) return ok();
  }
}

// A sequence of so many tokens with its state, but for the last block: most of it repeats its beginning,
// since computing a long one takes minutes and speed does not depend on what a cache holds.
Result<SequenceId> add_at_depth(Engine& engine, int64_t depth) {
  constexpr int64_t kComputed = 8 * kCacheBlock;
  ASSIGN_OR_RETURN(const SequenceId id,
                   engine.add(some_tokens(std::min(depth, kComputed), engine.vocabulary())));
  if (depth <= kComputed) return id;
  Status status = compute(engine);
  if (status.ok()) status = engine.repeat(id, (depth - 1) / kCacheBlock * kCacheBlock);
  if (status.ok())
    status = engine.append(id, some_tokens((depth - 1) % kCacheBlock + 1, engine.vocabulary()));
  if (status.ok()) return id;
  engine.remove(id);
  return status;
}

// The timed part is one step per generated token of all sequences, the way llama.cpp's llama-bench counts:
// from an empty cache unless there is a depth, and nobody chooses among the logits.
Status generate(Engine& engine, const std::vector<SequenceId>& ids, const SpeedOptions& options,
                SpeedSample& sample) {
  const std::vector<int32_t> tokens = some_tokens(options.generate_tokens, engine.vocabulary());
  if (options.before_decode) options.before_decode();
  const auto start = Clock::now();
  for (const int32_t token : tokens) {
    for (const SequenceId id : ids) RETURN_IF_ERROR(engine.append(id, std::span(&token, 1)));
    ASSIGN_OR_RETURN(const std::vector<Engine::Logits> logits, engine.step());
    if (logits.size() != ids.size())
      return error(Code::kInternal, "a step gave {} rows of logits for {} sequences", logits.size(),
                   ids.size());
  }
  sample.decode_seconds = seconds_since(start);
  return ok();
}

}  // namespace

WeightWork weight_work(std::span<const GgufTensor> tensors) {
  WeightWork work;
  std::map<Dtype, uint64_t> products;
  uint64_t embedding = 0;
  bool separate_output = false;
  for (const GgufTensor& tensor : tensors) {
    work.bytes_per_token += static_cast<uint64_t>(tensor.size_bytes);
    if (tensor.name == "token_embd.weight") embedding = static_cast<uint64_t>(tensor.size_bytes);
    if (tensor.name == "output.weight") separate_output = true;
    if (tensor.rank > 1 && tensor.name.starts_with("blk."))
      products[tensor.dtype] += static_cast<uint64_t>(tensor.elements);
  }
  if (separate_output) work.bytes_per_token -= embedding;
  uint64_t most = 0;
  for (const auto& [dtype, count] : products) {
    work.products_per_token += count;
    if (count > most) {
      most = count;
      work.format = dtype;
    }
  }
  return work;
}

Result<MachineLimits> measure_limits(int threads, double seconds_each) {
  ASSIGN_OR_RETURN(const MeasuredLimit read, measure_read_bandwidth(threads, seconds_each));
  ASSIGN_OR_RETURN(const MeasuredLimit int8, measure_int8_peak(threads, seconds_each));
  ASSIGN_OR_RETURN(const MeasuredLimit bf16, measure_bf16_peak(threads, seconds_each));
  ASSIGN_OR_RETURN(const MeasuredLimit f32, measure_f32_peak(threads, seconds_each));
  return MachineLimits{read.median, int8.median, bf16.median, f32.median};
}

double peak_of(Dtype format, const MachineLimits& limits) {
  if (is_block(format)) return limits.int8;
  return format == Dtype::kBF16 ? limits.bf16 : limits.f32;
}

const char* peak_name(Dtype format) {
  if (is_block(format)) return "int8";
  return format == Dtype::kBF16 ? "BF16" : "F32";
}

Status measure_prefill(Engine& engine, int64_t tokens, SpeedSample& sample) {
  const std::vector<int32_t> prompt = some_tokens(tokens, engine.vocabulary());
  const auto start = Clock::now();
  ASSIGN_OR_RETURN(const SequenceId id, engine.add(prompt));
  auto first = next_token(engine, &sample.prefill_seconds);
  sample.first_token_seconds = seconds_since(start);
  engine.remove(id);
  RETURN_IF_ERROR(std::move(first).status(), "reading {} tokens", tokens);
  return ok();
}

Status measure_decode(Engine& engine, const SpeedOptions& options, SpeedSample& sample) {
  std::vector<SequenceId> ids;
  Status status;
  for (int64_t i = 0; i < options.parallel && status.ok(); ++i) {
    Result<SequenceId> id = add_at_depth(engine, options.depth);
    if (id.ok()) ids.push_back(*id);
    status = id.ok() ? ok() : std::move(id).status();
    if (status.ok() && options.depth > 0) status = compute(engine);
  }
  if (status.ok()) status = generate(engine, ids, options, sample);
  for (const SequenceId id : ids) engine.remove(id);
  RETURN_IF_ERROR(std::move(status), "generating {} tokens", options.generate_tokens);
  return ok();
}

Result<SpeedSample> measure_speed(Engine& engine, const SpeedOptions& options) {
  SpeedSample sample;
  RETURN_IF_ERROR(measure_prefill(engine, options.prompt_tokens, sample));
  RETURN_IF_ERROR(measure_decode(engine, options, sample));
  sample.memory_bytes = resident_memory();
  return sample;
}

uint64_t resident_memory() {
  std::FILE* file = std::fopen("/proc/self/status", "r");
  if (!file) return 0;
  char line[256];
  unsigned long long kib = 0;
  while (std::fgets(line, sizeof line, file))
    if (std::sscanf(line, "VmRSS: %llu kB", &kib) == 1) break;
  std::fclose(file);
  return kib * 1024;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace isthmus::cli
