// SPDX-License-Identifier: Apache-2.0
// Turns a conversation into the text a model was trained to continue, by the chat template in its file.
#pragma once

#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "llm/jinja/template.h"

namespace isthmus {

struct ChatOptions {
  // Functions the model may call, as OpenAI's API lists them; null when there are none.
  nlohmann::ordered_json tools = nullptr;
  // Whether to open the model's answer at the end.
  bool add_generation_prompt = true;
  std::string bos_token, eos_token;
  // Further variables of the template, such as {"enable_thinking": false}. They win over all others.
  nlohmann::ordered_json variables = nlohmann::ordered_json::object();
  // OpenAI's API carries the arguments of a call as JSON text, while most templates expect the object itself.
  // When set, text that holds an object is read for the template; a template that cannot work with objects
  // gets the text.
  bool read_arguments = true;
  // What templates take for the current time; the local time when absent.
  std::optional<std::tm> now;
};

// Cheap to copy, and safe to use from several threads at once.
class ChatTemplate {
 public:
  // Errors name the line and column of the template.
  static Result<ChatTemplate> parse(std::string_view source);

  // `messages` is an array in the form of OpenAI's API: objects with role, content (a string or parts), and,
  // where they apply, tool_calls, tool_call_id, name, reasoning_content. Errors: not such an array, or the
  // template's own complaint about the conversation (kFailedPrecondition).
  Result<std::string> render(const nlohmann::ordered_json& messages, const ChatOptions& options) const;

 private:
  explicit ChatTemplate(jinja::Template source) : source_(std::move(source)) {}
  jinja::Template source_;
};

}  // namespace isthmus
