// SPDX-License-Identifier: Apache-2.0
#include "llm/chat_session.h"

namespace isthmus {

Result<std::unique_ptr<ChatSession>> ChatSession::create(Engine& engine, std::string system_prompt,
                                                         nlohmann::ordered_json variables) {
  const std::string& source = engine.model().chat_template();
  if (source.empty())
    return error(Code::kFailedPrecondition,
                 "{}: the file has no chat template, so it is no chat model; 'isthmus run "
                 "--raw' continues a text without one",
                 engine.model().file().path());
  ASSIGN_OR_RETURN(ChatTemplate parsed, ChatTemplate::parse(source), "{}", engine.model().file().path());
  std::unique_ptr<ChatSession> session(new ChatSession(engine, std::move(parsed)));
  session->variables_ = std::move(variables);
  session->set_system_prompt(std::move(system_prompt));
  return session;
}

ChatSession::~ChatSession() {
  if (sequence_) engine_.remove(sequence_);
}

void ChatSession::set_system_prompt(std::string text) {
  system_prompt_ = std::move(text);
  reset();
}

void ChatSession::reset() {
  messages_ = nlohmann::ordered_json::array();
  if (!system_prompt_.empty()) messages_.push_back({{"role", "system"}, {"content", system_prompt_}});
}

Result<std::vector<int32_t>> ChatSession::prompt_tokens() const {
  const Tokenizer& tokenizer = engine_.model().tokenizer();
  ChatOptions options;
  options.variables = variables_;
  if (tokenizer.bos() >= 0) options.bos_token = tokenizer.token_bytes(tokenizer.bos());
  if (tokenizer.eos() >= 0) options.eos_token = tokenizer.token_bytes(tokenizer.eos());
  ASSIGN_OR_RETURN(const std::string text, template_.render(messages_, options), "{}",
                   engine_.model().file().path());
  ASSIGN_OR_RETURN(std::vector<int32_t> tokens, tokenizer.encode(text, {.parse_special = true}));
  // Most templates write the first token themselves.
  if (tokenizer.add_bos() && tokenizer.bos() >= 0 && (tokens.empty() || tokens[0] != tokenizer.bos()))
    tokens.insert(tokens.begin(), tokenizer.bos());
  return tokens;
}

Result<Reply> ChatSession::reply(std::string user_text, const GenerationOptions& options,
                                 const std::function<void(std::string_view)>& on_text) {
  const size_t before = messages_.size();
  messages_.push_back({{"role", "user"}, {"content", std::move(user_text)}});
  Result<Reply> result = [&]() -> Result<Reply> {
    ASSIGN_OR_RETURN(const std::vector<int32_t> tokens, prompt_tokens());
    if (sequence_) {
      RETURN_IF_ERROR(engine_.assign(sequence_, tokens));
    } else {
      ASSIGN_OR_RETURN(sequence_, engine_.add(tokens));
    }
    return generate(engine_, sequence_, options, on_text);
  }();
  if (!result.ok()) {
    messages_.erase(messages_.begin() + static_cast<int64_t>(before), messages_.end());
    return result;
  }
  messages_.push_back({{"role", "assistant"}, {"content", result->text}});
  return result;
}

}  // namespace isthmus
