// SPDX-License-Identifier: Apache-2.0
#include "llm/generator.h"

#include <algorithm>
#include <chrono>

#include "llm/tokenizer/stream_decoder.h"

namespace isthmus {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Passes text on, holding back what may be the beginning of a stop text.
class StopFilter {
 public:
  StopFilter(const std::vector<std::string>& stops, const std::function<void(std::string_view)>& sink,
             std::string& text)
      : stops_(stops), sink_(sink), text_(text) {}

  // True when a stop text is complete; what is before it has been passed on.
  bool push(std::string_view piece) {
    held_ += piece;
    size_t first = std::string::npos;
    for (const std::string& stop : stops_)
      if (!stop.empty()) first = std::min(first, held_.find(stop));
    if (first != std::string::npos) {
      held_.resize(first);
      flush();
      return true;
    }
    size_t keep = 0;
    for (const std::string& stop : stops_)
      for (size_t n = std::min(stop.size(), held_.size() + 1); n-- > keep + 1;)
        if (std::string_view(held_).ends_with(std::string_view(stop).substr(0, n))) {
          keep = n;
          break;
        }
    emit(held_.substr(0, held_.size() - keep));
    held_.erase(0, held_.size() - keep);
    return false;
  }
  void flush() {
    emit(held_);
    held_.clear();
  }

 private:
  void emit(const std::string& piece) {
    if (piece.empty()) return;
    text_ += piece;
    if (sink_) sink_(piece);
  }
  const std::vector<std::string>& stops_;
  const std::function<void(std::string_view)>& sink_;
  std::string& text_;
  std::string held_;
};

}  // namespace

const char* stop_reason_name(StopReason reason) {
  switch (reason) {
    case StopReason::kEnd: return "end";
    case StopReason::kLength: return "length";
    case StopReason::kContext: return "context";
    case StopReason::kStopText: return "stop";
    case StopReason::kCancelled: return "cancelled";
  }
  return "unknown";
}

Result<Reply> generate(Engine& engine, SequenceId id, const GenerationOptions& options,
                       const std::function<void(std::string_view)>& on_text) {
  RETURN_IF_ERROR(options.sampling.check());
  const Tokenizer& tokenizer = engine.model().tokenizer();
  Reply reply;
  reply.prompt_tokens = static_cast<int64_t>(engine.tokens(id).size());
  reply.reused_tokens = engine.computed(id);
  if (reply.prompt_tokens == 0)
    return invalid_argument("there is nothing to reply to: the prompt has no tokens");
  if (reply.reused_tokens == reply.prompt_tokens) {  // The last token's logits are wanted again.
    const std::vector<int32_t> last = {engine.tokens(id).back()};
    RETURN_IF_ERROR(engine.truncate(id, reply.prompt_tokens - 1));
    RETURN_IF_ERROR(engine.append(id, last));
    --reply.reused_tokens;
  }
  StreamDecoder decoder(tokenizer, {.skip_special = true});
  StopFilter filter(options.stop, on_text, reply.text);
  const auto cancelled = [&] { return options.cancelled && options.cancelled(); };
  const Clock::time_point start = Clock::now();
  Clock::time_point decode_start = start;
  for (;;) {
    if (cancelled()) {
      reply.reason = StopReason::kCancelled;
      break;
    }
    if (options.max_tokens >= 0 && static_cast<int64_t>(reply.tokens.size()) >= options.max_tokens) {
      reply.reason = StopReason::kLength;
      break;
    }
    std::vector<Engine::Logits> logits;
    while (engine.computed(id) < static_cast<int64_t>(engine.tokens(id).size()) && !cancelled()) {
      ASSIGN_OR_RETURN(logits, engine.step());
    }
    if (engine.computed(id) < static_cast<int64_t>(engine.tokens(id).size())) continue;  // cancelled
    // Other sequences of the engine may have become complete in the same step.
    const auto ours =
        std::find_if(logits.begin(), logits.end(), [&](const auto& row) { return row.sequence == id; });
    if (ours == logits.end()) return error(Code::kInternal, "the engine gave no logits for sequence {}", id);
    const int64_t length = static_cast<int64_t>(engine.tokens(id).size());
    ASSIGN_OR_RETURN(const int32_t token, sample(ours->values, engine.tokens(id), length, options.sampling),
                     "{}", engine.model().file().path());
    if (reply.tokens.empty()) {
      reply.first_token_seconds = reply.prefill_seconds = seconds_since(start);
      decode_start = Clock::now();
    }
    if (!options.ignore_end && tokenizer.is_end_of_generation(token)) {
      reply.reason = StopReason::kEnd;
      break;
    }
    reply.tokens.push_back(token);
    if (options.on_token) options.on_token(token);
    if (filter.push(decoder.push(token))) {
      reply.reason = StopReason::kStopText;
      break;
    }
    if (length >= engine.context()) {
      reply.reason = StopReason::kContext;
      break;
    }
    RETURN_IF_ERROR(engine.append(id, std::span(&token, 1)));
  }
  if (reply.reason != StopReason::kStopText) {
    filter.push(decoder.finish());
    filter.flush();
  }
  if (!reply.tokens.empty()) reply.decode_seconds = seconds_since(decode_start);
  return reply;
}

}  // namespace isthmus
