// SPDX-License-Identifier: Apache-2.0
// Turns a conversation into the text a model was trained to continue.
#include "llm/chat_template.h"

namespace isthmus {

Result<ChatTemplate> ChatTemplate::parse(std::string_view source) {
  ASSIGN_OR_RETURN(jinja::Template parsed, jinja::parse(source), "chat template");
  return ChatTemplate(std::move(parsed));
}

Result<std::string> ChatTemplate::render(const nlohmann::ordered_json& messages,
                                         const ChatOptions& options) const {
  if (!messages.is_array())
    return invalid_argument("the messages of a conversation must be an array, not {}", messages.type_name());
  for (size_t i = 0; i < messages.size(); i++)
    if (!messages[i].is_object())
      return invalid_argument("message {} must be an object, not {}", i, messages[i].type_name());
  jinja::Dict variables;
  const auto set = [&](std::string_view name, const nlohmann::ordered_json& json) -> Status {
    ASSIGN_OR_RETURN(jinja::Value value, jinja::from_json(json), "{}", name);
    variables.set(jinja::Value(name), std::move(value));
    return ok();
  };
  RETURN_IF_ERROR(set("messages", messages));
  RETURN_IF_ERROR(set("tools", options.tools));
  // Templates made for retrieval look at this even when there is nothing to retrieve.
  RETURN_IF_ERROR(set("documents", nullptr));
  RETURN_IF_ERROR(set("add_generation_prompt", options.add_generation_prompt));
  RETURN_IF_ERROR(set("bos_token", options.bos_token));
  RETURN_IF_ERROR(set("eos_token", options.eos_token));
  for (const auto& [name, value] : options.variables.items()) RETURN_IF_ERROR(set(name, value));
  ASSIGN_OR_RETURN(const jinja::Value globals, jinja::make_dict(std::move(variables)));
  jinja::Limits limits;
  limits.now = options.now;
  Result<std::string> text = jinja::render(source_, globals, limits);
  if (!text.ok()) return std::move(text).status().with_context("chat template");
  return text;
}

}  // namespace isthmus
