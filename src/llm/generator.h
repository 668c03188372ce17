// SPDX-License-Identifier: Apache-2.0
// Replies: sampling, stop rules and streaming of text for one sequence.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "llm/engine.h"
#include "llm/sampler.h"

namespace isthmus {

struct GenerationOptions {
  SamplingOptions sampling;
  int64_t max_tokens = -1;                // -1: until the model stops or the context is full
  std::vector<std::string> stop;          // the reply ends before the first of these texts
  bool ignore_end = false;                // go on past end-of-generation tokens (benchmarks)
  std::function<bool()> cancelled;        // asked before every step: true ends the reply
  std::function<void(int32_t)> on_token;  // each token as it is chosen, before its text
};

enum class StopReason { kEnd, kLength, kContext, kStopText, kCancelled };
const char* stop_reason_name(StopReason reason);

struct Reply {
  std::string text;
  std::vector<int32_t> tokens;  // as generated, without the end token
  StopReason reason = StopReason::kEnd;
  int64_t prompt_tokens = 0;
  int64_t reused_tokens = 0;  // of the prompt, not computed again
  double first_token_seconds = 0;
  double prefill_seconds = 0;
  double decode_seconds = 0;  // of the tokens after the first
};

// Computes what is new in the sequence, then generates and appends to it. `on_text` gets whole UTF-8 pieces
// as they come, never a part of a stop text. The sequence then holds the prompt and every computed token of
// the reply.
Result<Reply> generate(Engine& engine, SequenceId sequence, const GenerationOptions& options,
                       const std::function<void(std::string_view)>& on_text = {});

}  // namespace isthmus
