// SPDX-License-Identifier: Apache-2.0
// Conformance cases of attention: head sizes, groups, cache dtypes (I8 is Q8_0), windows, sinks, soft caps,
// several sequences over shuffled blocks, rows that see nothing, broken tables.
#include "ops/attention/attention_samples.h"

namespace isthmus {
namespace {

struct Case {
  int64_t heads = 4, kv_heads = 2, d = 64, dv = 64;
  Dtype cache = Dtype::kF16;
  // Per sequence: where its new tokens start and how many there are.
  std::vector<std::pair<int64_t, int64_t>> sequences = {{0, 3}};
  int64_t max_blocks = 4;
  int64_t window = 0;
  double scale = 0, soft_cap = 0;
  bool causal = true, sinks = false;
  Fill fill = Fill::kNormal;
  std::vector<int64_t> q_order = {};
};

SampleOperand indices(std::vector<double> values, std::vector<int64_t> dims) {
  SampleOperand operand{Dtype::kI32, std::move(dims)};
  operand.values = std::move(values);
  return operand;
}

Sample sample_of(const Case& c) {
  const int64_t count = static_cast<int64_t>(c.sequences.size());
  const int64_t blocks = count * c.max_blocks + 1;
  std::vector<double> table, sequence, positions, lengths;
  for (int64_t s = 0; s < count; ++s) {
    // Blocks of the sequences interleaved and backwards: 5 * i mod blocks visits each once when 5 does not
    // divide it.
    const int64_t step = blocks % 5 == 0 ? 3 : 5;
    for (int64_t b = 0; b < c.max_blocks; ++b)
      table.push_back(static_cast<double>((s + b * count) * step % blocks));
    const auto [start, tokens] = c.sequences[static_cast<size_t>(s)];
    for (int64_t i = 0; i < tokens; ++i) {
      sequence.push_back(static_cast<double>(s));
      positions.push_back(static_cast<double>(start + i));
    }
    lengths.push_back(static_cast<double>(start + tokens));
  }
  const int64_t tokens = static_cast<int64_t>(positions.size());
  Sample sample;
  sample.inputs = {{Dtype::kF32, {tokens, c.heads, c.d}, c.fill, 0, c.q_order},
                   {c.cache, {blocks, c.kv_heads, c.d, 64}, c.fill},
                   {c.cache, {blocks, c.kv_heads, 64, c.dv}, c.fill},
                   indices(table, {count, c.max_blocks}),
                   indices(sequence, {tokens}),
                   indices(positions, {tokens}),
                   {Dtype::kInvalid, {}},
                   {Dtype::kInvalid, {}}};
  if (c.cache == Dtype::kI8) {
    const Fill fill = c.fill == Fill::kNormal ? Fill::kPositive : c.fill;
    sample.inputs.push_back({Dtype::kF16, {blocks, c.kv_heads, c.d / 32, 64}, fill});
    sample.inputs.push_back({Dtype::kF16, {blocks, c.kv_heads, 64, c.dv / 32}, fill});
  }
  if (!c.causal) sample.inputs[6] = indices(lengths, {count});
  if (c.sinks) sample.inputs[7] = {Dtype::kF32, {c.heads}};
  sample.attributes = {
      {"scale", c.scale}, {"window", c.window}, {"soft_cap", c.soft_cap}, {"causal", int64_t{c.causal}}};
  return sample;
}

// Rows of unknown sequences, negative and too large positions, table entries outside of the cache.
Sample broken() {
  Sample sample = sample_of({.sequences = {{60, 6}, {100, 4}}});
  sample.inputs[3].values = {3, -1, 5, 100, 2, 7, 8, 0};
  sample.inputs[4].values = {0, 0, 0, 0, 0, 0, -1, 2, 1, 1};
  sample.inputs[5].values = {60, -5, 64, 127, 128, 2000000000, 3, 3, 255, -2000000000};
  return sample;
}

}  // namespace

std::vector<Sample> attention_samples() {
  using Sequences = std::vector<std::pair<int64_t, int64_t>>;
  std::vector<Sample> samples;
  const auto add = [&](const Case& c) { samples.push_back(sample_of(c)); };
  for (const int64_t d : {64, 80, 96, 128, 256, 17})
    for (const Dtype cache : {Dtype::kF32, Dtype::kF16, Dtype::kBF16})
      add({.heads = 6,
           .kv_heads = 2,
           .d = d,
           .dv = d,
           .cache = cache,
           .sequences = {{70, 3}},
           .max_blocks = 2});
  // One query over heads of every grouping.
  for (const auto& [heads, kv_heads] : Sequences{{1, 1}, {2, 2}, {9, 3}, {8, 1}, {16, 2}, {7, 1}, {24, 2}})
    add({.heads = heads, .kv_heads = kv_heads, .sequences = {{200, 1}}});
  // Whole prompts, and a chunk after others.
  add({.heads = 9, .kv_heads = 3, .sequences = {{0, 130}}});
  add({.heads = 4, .kv_heads = 4, .sequences = {{0, 67}}});
  add({.heads = 4, .kv_heads = 1, .sequences = {{100, 50}}});
  // Decode and prefill mixed.
  add({.sequences = {{130, 1}, {5, 1}, {0, 20}, {63, 1}, {64, 2}, {255, 1}}});
  add({.sequences = {{130, 1}, {5, 1}, {0, 20}, {63, 1}}, .window = 50, .soft_cap = 30.0, .sinks = true});
  add({.d = 48, .dv = 24, .sequences = {{60, 10}}, .scale = 0.3});
  add({.d = 24, .dv = 40, .cache = Dtype::kF32, .sequences = {{60, 10}}, .scale = 0.3});
  for (const int64_t window : {1, 63, 64, 65, 100}) {
    add({.sequences = {{0, 140}}, .window = window});
    add({.sequences = {{199, 1}, {64, 1}}, .window = window, .sinks = true});
  }
  add({.sequences = {{0, 30}, {0, 70}}, .causal = false});
  add({.cache = Dtype::kF32, .sequences = {{0, 5}, {10, 0}}, .causal = false, .sinks = true});
  add({.cache = Dtype::kF32, .sequences = {{20, 5}}, .soft_cap = 2.0});
  add({.cache = Dtype::kF32, .sequences = {{20, 5}}, .fill = Fill::kAwkward});
  add({.cache = Dtype::kF16, .sequences = {{100, 2}}, .sinks = true, .fill = Fill::kZero});
  add({.sequences = {{20, 5}}, .q_order = {1, 0, 2}});
  add({.sequences = {{20, 5}}, .q_order = {2, 1, 0}});
  add({.sequences = {{20, 0}}});
  samples.push_back(broken());

  const Dtype q8_0 = Dtype::kI8;
  for (const int64_t d : {32, 64, 96, 128, 256})
    add({.heads = 6, .kv_heads = 2, .d = d, .dv = d, .cache = q8_0, .sequences = {{70, 3}}, .max_blocks = 2});
  add({.heads = 8, .kv_heads = 1, .cache = q8_0, .sequences = {{200, 1}}});
  add({.heads = 9, .kv_heads = 3, .cache = q8_0, .sequences = {{0, 130}}});
  add({.d = 96, .dv = 32, .cache = q8_0, .sequences = {{60, 10}}, .scale = 0.3});
  add({.cache = q8_0,
       .sequences = {{130, 1}, {5, 1}, {0, 20}, {63, 1}},
       .window = 50,
       .soft_cap = 30.0,
       .sinks = true});
  add({.cache = q8_0, .sequences = {{0, 30}, {0, 70}}, .causal = false});
  add({.cache = q8_0, .sequences = {{20, 5}}, .fill = Fill::kAwkward});
  return samples;
}

}  // namespace isthmus
