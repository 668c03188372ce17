// SPDX-License-Identifier: Apache-2.0
// The options of commands that generate text, and what they print about it.
#pragma once

#include <string>
#include <vector>

#include "cli/context.h"
#include "llm/generator.h"

namespace isthmus::cli {

struct TextOptions {
  SamplingOptions sampling;
  bool seed_given = false;
  int64_t max_tokens = -1;
  std::vector<std::string> stop;
  std::string system;
  bool thinking = true;
  bool stats = false;
};

// Adds --temperature, --top-k, --top-p, --min-p, penalties, --seed, --max-tokens, --stop, --system,
// --no-thinking and --stats. `options` must outlive the parsing.
void add_text_options(CLI::App& command, TextOptions& options);
// Checked; a seed drawn where none was given; ends on Ctrl-C.
Result<GenerationOptions> generation_options(const TextOptions& options);
// When the reply was cut short, why: "[cut off after 60 tokens: --max-tokens]" on standard error, dim.
// `way_out`: what helps against a full context.
void print_cut_off(const Reply& reply, const Engine& engine, std::string_view way_out, ColorMode mode);
// "--context N" where the model allows a longer one than the engine has, else "".
std::string longer_context(const Engine& engine);
// "[38 prompt tokens (12 reused) in 0.10 s, 120 tokens at 85.3/s, ended: end]" on standard error, dim.
void print_stats(const Reply& reply, ColorMode mode);

}  // namespace isthmus::cli
