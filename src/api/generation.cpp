// SPDX-License-Identifier: Apache-2.0
#include "api/generation.h"

namespace isthmus::api {
namespace {

constexpr int32_t kMostStopTexts = 1024;

isthmus_stop_reason_t c_reason(StopReason reason) {
  switch (reason) {
    case StopReason::kEnd: return ISTHMUS_STOP_END;
    case StopReason::kLength: return ISTHMUS_STOP_LENGTH;
    case StopReason::kContext: return ISTHMUS_STOP_CONTEXT;
    case StopReason::kStopText: return ISTHMUS_STOP_TEXT;
    case StopReason::kCancelled: return ISTHMUS_STOP_CANCELLED;
  }
  return ISTHMUS_STOP_END;
}

}  // namespace

Result<Generation> read_generation(const isthmus_generation_options_t* given) {
  isthmus_generation_options_t o = isthmus_generation_defaults();
  if (given) {
    ASSIGN_OR_RETURN(o, read_struct(given, "options", o));
  }
  Generation generation;
  SamplingOptions& sampling = generation.options.sampling;
  sampling.temperature = o.temperature;
  sampling.top_k = o.top_k;
  sampling.top_p = o.top_p;
  sampling.min_p = o.min_p;
  sampling.repetition_penalty = o.repetition_penalty;
  sampling.presence_penalty = o.presence_penalty;
  sampling.frequency_penalty = o.frequency_penalty;
  sampling.penalty_window = o.penalty_window;
  sampling.seed = o.seed;
  RETURN_IF_ERROR(sampling.check());
  generation.options.max_tokens = o.max_tokens;
  generation.options.ignore_end = o.ignore_end != 0;
  if (o.stop_count < 0 || o.stop_count > kMostStopTexts || (o.stop_count > 0 && !o.stop))
    return invalid_argument("options: {} stop texts", o.stop_count);
  for (int32_t i = 0; i < o.stop_count; ++i) {
    if (!o.stop[i]) return invalid_argument("options: stop text {} is NULL", i);
    generation.options.stop.emplace_back(o.stop[i]);
  }
  void* context = o.context;
  if (o.cancelled) generation.options.cancelled = [f = o.cancelled, context] { return f(context) != 0; };
  if (o.on_token)
    generation.options.on_token = [f = o.on_token, context](int32_t token) { f(context, token); };
  if (o.on_text)
    generation.on_text = [f = o.on_text, context](std::string_view text) {
      f(context, text.data(), text.size());
    };
  return generation;
}

Status write_reply(const Reply& reply, isthmus_reply_t* out) {
  if (!out) return ok();
  isthmus_reply_t c = {};
  c.reason = c_reason(reply.reason);
  c.text = reply.text.c_str();
  c.text_bytes = reply.text.size();
  c.tokens = reply.tokens.data();
  c.token_count = static_cast<int64_t>(reply.tokens.size());
  c.prompt_tokens = reply.prompt_tokens;
  c.reused_tokens = reply.reused_tokens;
  c.prefill_seconds = reply.prefill_seconds;
  c.decode_seconds = reply.decode_seconds;
  return write_struct(out, c, "reply");
}

}  // namespace isthmus::api
