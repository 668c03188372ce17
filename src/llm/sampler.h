// SPDX-License-Identifier: Apache-2.0
// From logits to a token.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"

namespace isthmus {

// Applied in this order: penalties, temperature, top-k, top-p, min-p, then a draw. Zero or neutral values
// turn a step off.
struct SamplingOptions {
  double temperature = 0.7;       // 0: always the most likely token
  int64_t top_k = 40;             // keep the k most likely; 0: all
  double top_p = 0.95;            // keep the most likely until their probabilities sum to this; 1: all
  double min_p = 0.05;            // keep those at least this share as likely as the most likely; 0: all
  double repetition_penalty = 1;  // divides positive logits of seen tokens, multiplies negative ones; 1: off
  double presence_penalty = 0;    // taken off the logit of every seen token
  double frequency_penalty = 0;   // taken off once per time it was seen
  int64_t penalty_window = 256;   // how many of the latest tokens count as seen; -1: all
  uint64_t seed = 0;

  Status check() const;
};

// The draw depends on seed and position alone (Philox4x32-10), so a reply repeats whatever else the engine
// computes. Ties go to the smaller token id. NaN logits are never chosen; all NaN is an error.
Result<int32_t> sample(std::span<const float> logits, std::span<const int32_t> seen, int64_t position,
                       const SamplingOptions& options);

// Philox4x32-10 (Salmon et al. 2011): uniform in [0, 1) from a key and a counter.
double philox_uniform(uint64_t key, uint64_t counter);

}  // namespace isthmus
