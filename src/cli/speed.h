// SPDX-License-Identifier: Apache-2.0
// Measures how fast a model reads a prompt and writes a reply, beside what the machine can do at the same
// moment.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "graph/import/gguf/gguf_file.h"
#include "llm/engine.h"

namespace isthmus::cli {

// What one token costs in weights alone; cache and attention are left out.
struct WeightWork {
  Dtype format = Dtype::kInvalid;  // of most of the layers' products
  uint64_t bytes_per_token = 0;  // a generated token reads every weight once; of a separate embedding one row
  uint64_t products_per_token =
      0;  // multiply-adds of a prompt token in the layers; the output runs for the last only
};
WeightWork weight_work(std::span<const GgufTensor> tensors);

// Per second, all threads together.
struct MachineLimits {
  double read_bytes = 0, int8 = 0, bf16 = 0, f32 = 0;
};
Result<MachineLimits> measure_limits(int threads, double seconds_each);
// The peak that products of this weight format are held against: int8 for quantised ones, which multiply
// integers.
double peak_of(Dtype format, const MachineLimits& limits);
const char* peak_name(Dtype format);

struct SpeedOptions {
  int64_t prompt_tokens = 512;
  int64_t generate_tokens = 64;  // of each sequence
  int64_t depth = 0;             // tokens in the cache of each before the timed generation starts
  int64_t parallel = 1;          // sequences that generate together; the engine's max_sequences at most
  std::function<void()> before_decode = {};  // called when it starts
};
struct SpeedSample {
  double prefill_seconds = 0;      // all the prompt
  double first_token_seconds = 0;  // the same and the choice of a token
  double decode_seconds = 0;       // all generated tokens of all sequences
  uint64_t memory_bytes = 0;       // resident, of this process, after generating
};
// Reads a prompt, then generates on sequences of their own. Nothing of earlier samples is reused, given an
// engine without prefix_reuse.
Result<SpeedSample> measure_speed(Engine& engine, const SpeedOptions& options);
Status measure_prefill(Engine& engine, int64_t tokens, SpeedSample& sample);
Status measure_decode(Engine& engine, const SpeedOptions& options, SpeedSample& sample);

// Resident memory of this process, mapped files included; 0 where the system does not tell.
uint64_t resident_memory();
double median(std::vector<double> values);  // of at least one

}  // namespace isthmus::cli
