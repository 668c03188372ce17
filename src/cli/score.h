// SPDX-License-Identifier: Apache-2.0
// How well a model foresees a text: logits at every position, and the perplexity they come to.
#pragma once

#include <functional>
#include <span>

#include "llm/engine.h"

namespace isthmus::cli {

// -log of the probability that softmax gives `token`, in F64. Not finite when a logit is not.
double negative_log_likelihood(std::span<const float> logits, int32_t token);

struct Score {
  int64_t scored = 0;         // tokens that had one before them in their chunk
  double nll = 0;             // summed over them
  double perplexity() const;  // exp of the mean; 0 when nothing was scored
};

// Called for each position in order with its logits; an error ends the scoring.
using OnLogits = std::function<Status(int64_t position, std::span<const float> logits)>;

// Teacher-forced: splits the tokens into chunks of the engine's context, without overlap, computes each from
// an empty cache, and scores every token but the first of its chunk, given those before it in the chunk. The
// engine needs output_rows as large as its steps; it decides how many rows are computed at once.
Result<Score> score_tokens(Engine& engine, std::span<const int32_t> tokens, const OnLogits& on_logits);

}  // namespace isthmus::cli
