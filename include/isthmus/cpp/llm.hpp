// SPDX-License-Identifier: Apache-2.0
// Models, engines, sequences and chats as C++ values. llm.h says what each function does.
#pragma once

#include <functional>
#include <string_view>

#include "isthmus/cpp/graph.hpp"
#include "isthmus/llm.h"

namespace isthmus {
inline namespace v0 {

using Tokens = std::vector<int32_t>;

class Model : public Handle<isthmus_model_t, isthmus_model_close> {
 public:
  using Handle::Handle;
  static Result<Model> open(const std::string& path) {
    isthmus_model_t* c = nullptr;
    if (const auto code = isthmus_model_open(path.c_str(), &c)) return last_error(code);
    return Model(c);
  }
  Result<isthmus_model_info_t> info() const {
    isthmus_model_info_t info = {};
    info.size = sizeof info;
    if (const auto code = isthmus_model_info(get(), &info)) return last_error(code);
    return info;
  }
  // flags: isthmus_token_flags_t, or-ed.
  Result<Tokens> tokenize(std::string_view text, uint32_t flags = 0) const {
    Tokens tokens(text.size() + 2);
    int64_t count = 0;
    const auto bytes = static_cast<int64_t>(text.size());
    const char* begin = text.empty() ? "" : text.data();
    auto code = isthmus_model_tokenize(get(), begin, bytes, flags, tokens.data(), capacity(tokens), &count);
    if (code == ISTHMUS_OUT_OF_RANGE) {  // Some text grows when it is normalised.
      tokens.resize(static_cast<size_t>(count));
      code = isthmus_model_tokenize(get(), begin, bytes, flags, tokens.data(), capacity(tokens), &count);
    }
    if (code) return last_error(code);
    tokens.resize(static_cast<size_t>(count));
    return tokens;
  }
  Result<std::string> detokenize(std::span<const int32_t> tokens, uint32_t flags = 0) const {
    std::string text;
    int64_t bytes = 0;
    const auto count = static_cast<int64_t>(tokens.size());
    auto code = isthmus_model_detokenize(get(), tokens.data(), count, flags, nullptr, 0, &bytes);
    if (code == ISTHMUS_OUT_OF_RANGE) {
      text.resize(static_cast<size_t>(bytes));
      code = isthmus_model_detokenize(get(), tokens.data(), count, flags, text.data(), bytes, &bytes);
    }
    if (code) return last_error(code);
    return text;
  }

 private:
  static int64_t capacity(const Tokens& tokens) { return static_cast<int64_t>(tokens.size()); }
};

class Engine : public Handle<isthmus_engine_t, isthmus_engine_destroy> {
 public:
  using Handle::Handle;
  static Result<Engine> create(Model& model, Platform& platform, isthmus_engine_options_t options = {}) {
    options.size = sizeof options;
    isthmus_engine_t* c = nullptr;
    if (const auto code = isthmus_engine_create(model.get(), platform.get(), &options, &c))
      return last_error(code);
    return Engine(c);
  }
  // Strings live as long as the engine.
  std::vector<isthmus_report_row_t> report() const { return read_report(get(), isthmus_engine_report); }
};

// Options of a reply: the numbers of the C struct, and callbacks as C++ functions.
struct GenerationOptions {
  isthmus_generation_options_t c = isthmus_generation_defaults();
  std::vector<std::string> stop;
  std::function<void(std::string_view)> on_text;
  std::function<void(int32_t)> on_token;
  std::function<bool()> cancelled;
};

struct Reply {
  std::string text;
  Tokens tokens;  // without the end token
  isthmus_stop_reason_t reason = ISTHMUS_STOP_END;
  int64_t prompt_tokens = 0;
  int64_t reused_tokens = 0;
  double prefill_seconds = 0;
  double decode_seconds = 0;
};

namespace detail {

// Calls a C function that replies, with the callbacks of `options`.
template <typename F>
Result<Reply> reply(const GenerationOptions& options, const F& function) {
  isthmus_generation_options_t c = options.c;
  std::vector<const char*> stop;
  for (const std::string& text : options.stop) stop.push_back(text.c_str());
  c.stop = stop.data();
  c.stop_count = static_cast<int32_t>(stop.size());
  c.context = const_cast<GenerationOptions*>(&options);
  if (options.on_text)
    c.on_text = [](void* o, const char* text, size_t bytes) {
      static_cast<const GenerationOptions*>(o)->on_text({text, bytes});
    };
  if (options.on_token)
    c.on_token = [](void* o, int32_t token) { static_cast<const GenerationOptions*>(o)->on_token(token); };
  if (options.cancelled)
    c.cancelled = [](void* o) -> int32_t { return static_cast<const GenerationOptions*>(o)->cancelled(); };
  isthmus_reply_t made = {};
  made.size = sizeof made;
  if (const auto code = function(&c, &made)) return last_error(code);
  Reply reply;
  reply.text.assign(made.text, made.text_bytes);
  reply.tokens.assign(made.tokens, made.tokens + made.token_count);
  reply.reason = made.reason;
  reply.prompt_tokens = made.prompt_tokens;
  reply.reused_tokens = made.reused_tokens;
  reply.prefill_seconds = made.prefill_seconds;
  reply.decode_seconds = made.decode_seconds;
  return reply;
}

}  // namespace detail

class Sequence : public Handle<isthmus_sequence_t, isthmus_sequence_destroy> {
 public:
  using Handle::Handle;
  static Result<Sequence> create(Engine& engine, std::span<const int32_t> tokens) {
    isthmus_sequence_t* c = nullptr;
    if (const auto code =
            isthmus_sequence_create(engine.get(), tokens.data(), static_cast<int64_t>(tokens.size()), &c))
      return last_error(code);
    return Sequence(c);
  }
  Status append(std::span<const int32_t> tokens) {
    return Status::of(isthmus_sequence_append(get(), tokens.data(), static_cast<int64_t>(tokens.size())));
  }
  Status truncate(int64_t length) { return Status::of(isthmus_sequence_truncate(get(), length)); }
  Result<Sequence> fork() {
    isthmus_sequence_t* c = nullptr;
    if (const auto code = isthmus_sequence_fork(get(), &c)) return last_error(code);
    return Sequence(c);
  }
  // Valid until the sequence changes.
  std::span<const int32_t> tokens() const {
    const int32_t* tokens = nullptr;
    const int64_t count = isthmus_sequence_tokens(get(), &tokens);
    return {tokens, static_cast<size_t>(count)};
  }
  // Valid until the engine computes again.
  Result<std::span<const float>> logits() {
    const float* logits = nullptr;
    int64_t count = 0;
    if (const auto code = isthmus_sequence_logits(get(), &logits, &count)) return last_error(code);
    return std::span<const float>(logits, static_cast<size_t>(count));
  }
  Result<Reply> generate(const GenerationOptions& options = {}) {
    return detail::reply(options,
                         [&](auto* c, auto* made) { return isthmus_sequence_generate(get(), c, made); });
  }
};

class Chat : public Handle<isthmus_chat_t, isthmus_chat_destroy> {
 public:
  using Handle::Handle;
  // template_variables: a JSON object, such as {"enable_thinking": false}.
  static Result<Chat> create(Engine& engine, const std::string& system_prompt = "",
                             const std::string& template_variables = "{}") {
    isthmus_chat_t* c = nullptr;
    if (const auto code =
            isthmus_chat_create(engine.get(), system_prompt.c_str(), template_variables.c_str(), &c))
      return last_error(code);
    return Chat(c);
  }
  Result<Reply> reply(const std::string& message, const GenerationOptions& options = {}) {
    return detail::reply(
        options, [&](auto* c, auto* made) { return isthmus_chat_reply(get(), message.c_str(), c, made); });
  }
};

}  // namespace v0
}  // namespace isthmus
