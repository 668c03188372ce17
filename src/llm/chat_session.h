// SPDX-License-Identifier: Apache-2.0
// A conversation with a model: messages, the template that turns them into text, and one sequence of the
// engine.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "llm/chat_template.h"
#include "llm/generator.h"

namespace isthmus {

// One thread at a time. Each turn computes only what is new: the engine keeps the state of the common
// beginning.
class ChatSession {
 public:
  // Fails when the model's file has no chat template. `variables` go to the template ({"enable_thinking":
  // false}).
  static Result<std::unique_ptr<ChatSession>> create(
      Engine& engine, std::string system_prompt,
      nlohmann::ordered_json variables = nlohmann::ordered_json::object());
  ~ChatSession();

  // Adds the user's message, generates the reply and adds it too. On an error the conversation is as before.
  Result<Reply> reply(std::string user_text, const GenerationOptions& options,
                      const std::function<void(std::string_view)>& on_text = {});
  void reset();  // forgets everything but the system prompt
  void set_system_prompt(std::string text);
  const nlohmann::ordered_json& messages() const { return messages_; }

 private:
  ChatSession(Engine& engine, ChatTemplate chat_template)
      : engine_(engine), template_(std::move(chat_template)) {}
  Result<std::vector<int32_t>> prompt_tokens() const;

  Engine& engine_;
  ChatTemplate template_;
  nlohmann::ordered_json variables_;
  nlohmann::ordered_json messages_ = nlohmann::ordered_json::array();
  std::string system_prompt_;
  SequenceId sequence_ = 0;  // 0: none yet
};

}  // namespace isthmus
