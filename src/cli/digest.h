// SPDX-License-Identifier: Apache-2.0
// What a model computed, as one SHA-256: equal digests mean equal bits.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "llm/engine.h"

namespace isthmus::cli {

struct Digest {
  std::string sha256;           // of the logits at every position of the prompt, then of `greedy`
  std::vector<int32_t> greedy;  // the largest logit each time; the lower token of two equal ones
};

// Called before every step of the engine.
using OnStep = std::function<void()>;

// Computes the prompt and `count` tokens after it. The engine's output_rows are at least its chunk_tokens.
Result<Digest> digest_tokens(
    Engine& engine, std::span<const int32_t> prompt, int64_t count, const OnStep& on_step = [] {});

}  // namespace isthmus::cli
