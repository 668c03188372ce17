// SPDX-License-Identifier: Apache-2.0
// Turns a conversation into the text a model was trained to continue.
#include "llm/chat_template.h"

namespace isthmus {
namespace {

using nlohmann::ordered_json;

// Replaces arguments given as text by the objects the text holds. False when there were none.
bool read_arguments(ordered_json& messages) {
  bool found = false;
  for (ordered_json& message : messages) {
    const auto calls = message.find("tool_calls");
    if (calls == message.end() || !calls->is_array()) continue;
    for (ordered_json& call : *calls) {
      if (!call.is_object()) continue;
      const auto function = call.find("function");
      ordered_json& holder = function != call.end() && function->is_object() ? *function : call;
      const auto arguments = holder.find("arguments");
      if (arguments == holder.end() || !arguments->is_string()) continue;
      ordered_json object = ordered_json::parse(arguments->get_ref<const std::string&>(), nullptr, false);
      if (!object.is_object()) continue;
      *arguments = std::move(object);
      found = true;
    }
  }
  return found;
}

Result<std::string> render_template(const jinja::Template& source, const ordered_json& messages,
                                    const ChatOptions& options) {
  jinja::Dict variables;
  const auto set = [&](std::string_view name, const ordered_json& json) -> Status {
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
  return jinja::render(source, globals, limits);
}

}  // namespace

Result<ChatTemplate> ChatTemplate::parse(std::string_view source) {
  ASSIGN_OR_RETURN(jinja::Template parsed, jinja::parse(source), "chat template");
  return ChatTemplate(std::move(parsed));
}

Result<std::string> ChatTemplate::render(const ordered_json& messages, const ChatOptions& options) const {
  if (!messages.is_array())
    return invalid_argument("the messages of a conversation must be an array, not {}", messages.type_name());
  for (size_t i = 0; i < messages.size(); i++)
    if (!messages[i].is_object())
      return invalid_argument("message {} must be an object, not {}", i, messages[i].type_name());
  ordered_json read = options.read_arguments ? messages : ordered_json();
  const bool has_read = options.read_arguments && read_arguments(read);
  Result<std::string> text = render_template(source_, has_read ? read : messages, options);
  if (!text.ok() && has_read && text.status().code() == Code::kInvalidArgument) {
    Result<std::string> as_given = render_template(source_, messages, options);
    if (as_given.ok()) return as_given;
  }
  if (!text.ok()) return std::move(text).status().with_context("chat template");
  return text;
}

}  // namespace isthmus
