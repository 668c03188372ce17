// SPDX-License-Identifier: Apache-2.0
// Conversations through one template of each family, byte for byte as Jinja2 renders them.
#include "llm/chat_template.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace isthmus {
namespace {

using nlohmann::ordered_json;

const std::filesystem::path kData = ISTHMUS_SOURCE_DIR "/tests/chat_template/data";

ordered_json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  return ordered_json::parse(file);
}

// The variables Jinja2 was given, as a caller of ChatTemplate gives them.
ChatOptions options_of(ordered_json variables) {
  ChatOptions options;
  options.tools = variables.at("tools");
  options.add_generation_prompt = variables.at("add_generation_prompt");
  options.bos_token = variables.at("bos_token");
  options.eos_token = variables.at("eos_token");
  for (const char* name :
       {"messages", "tools", "add_generation_prompt", "bos_token", "eos_token", "documents"})
    variables.erase(name);
  options.variables = std::move(variables);
  options.read_arguments = false;  // Jinja2 got them as they are
  std::tm now{};                   // 7 March 2026, as in environment.py
  now.tm_year = 126;
  now.tm_mon = 2;
  now.tm_mday = 7;
  options.now = now;
  return options;
}

class Family : public testing::TestWithParam<const char*> {};

TEST_P(Family, RendersAsJinja2) {
  std::ifstream file(kData / (std::string(GetParam()) + ".jinja"));
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto source = ChatTemplate::parse(text);
  ASSERT_TRUE(source.ok()) << source.status().to_string();
  const ordered_json conversations = read_json(kData / "conversations.json");
  const ordered_json expected = read_json(kData / (std::string(GetParam()) + ".json"));
  ASSERT_EQ(conversations.size(), expected.size());
  size_t rendered = 0;
  for (size_t i = 0; i < expected.size(); i++) {
    const ordered_json& variables = conversations[i].at("variables");
    const auto ours = source->render(variables.at("messages"), options_of(variables));
    if (expected[i].contains("error")) {
      EXPECT_FALSE(ours.ok()) << expected[i].at("name") << ": Jinja2 fails: " << expected[i].at("error");
    } else {
      ASSERT_TRUE(ours.ok()) << expected[i].at("name") << ": " << ours.status().to_string();
      EXPECT_EQ(*ours, expected[i].at("text").get_ref<const std::string&>()) << expected[i].at("name");
      rendered++;
    }
  }
  EXPECT_GT(rendered, expected.size() / 4);
}

INSTANTIATE_TEST_SUITE_P(ChatTemplate, Family,
                         testing::Values("chatml", "llama3", "qwen2", "qwen3", "mistral", "gemma", "deepseek",
                                         "phi", "gpt_oss", "constructs"),
                         [](const auto& family) { return std::string(family.param); });

TEST(ChatTemplate, RefusesWhatIsNoConversation) {
  const auto source = ChatTemplate::parse("{{ messages|length }}");
  ASSERT_TRUE(source.ok());
  EXPECT_EQ(source->render(ordered_json::parse(R"({"role": "user"})"), {}).status().message(),
            "the messages of a conversation must be an array, not object");
  EXPECT_EQ(source->render(ordered_json::parse(R"([{"role": "user"}, "hi"])"), {}).status().message(),
            "message 1 must be an object, not string");
}

TEST(ChatTemplate, VariablesOfTheCallerWin) {
  const auto source = ChatTemplate::parse("{{ bos_token }}{{ enable_thinking }}{{ tools }}");
  ASSERT_TRUE(source.ok());
  ChatOptions options;
  options.bos_token = "<s>";
  options.variables = {{"enable_thinking", false}, {"bos_token", "<bos>"}};
  const auto text = source->render(ordered_json::array(), options);
  ASSERT_TRUE(text.ok()) << text.status().to_string();
  EXPECT_EQ(*text, "<bos>FalseNone");
}

TEST(ChatTemplate, ReadsArgumentsGivenAsText) {
  const ordered_json messages = ordered_json::parse(
      R"([{"role": "assistant", "tool_calls": [
           {"type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}},
           {"type": "function", "function": {"name": "g", "arguments": "no JSON"}}]}])");
  const auto render = [&](std::string_view source, bool read_arguments) {
    const auto parsed = ChatTemplate::parse(source);
    EXPECT_TRUE(parsed.ok());
    ChatOptions options;
    options.read_arguments = read_arguments;
    const auto text = parsed->render(messages, options);
    return text.ok() ? *text : text.status().to_string();
  };
  const char* objects = "{% for c in messages[0].tool_calls %}{{ c.function.arguments|tojson }};{% endfor %}";
  EXPECT_EQ(render(objects, true), R"({"x": 1};"no JSON";)");
  EXPECT_EQ(render(objects, false), R"("{\"x\":1}";"no JSON";)");
  // A template that joins texts cannot take an object.
  const char* texts =
      "{% for c in messages[0].tool_calls %}{{ c.function.name + c.function.arguments }};{% endfor %}";
  EXPECT_EQ(render(texts, true), R"(f{"x":1};gno JSON;)");
}

TEST(ChatTemplate, ErrorsSayWhereInTheTemplate) {
  const auto source = ChatTemplate::parse("{% for m in messages %}\n{{ m.content + 1 }}{% endfor %}");
  ASSERT_TRUE(source.ok());
  EXPECT_EQ(source->render(ordered_json::parse(R"([{"content": "x"}])"), {}).status().message(),
            "chat template: line 2, column 14: '+' has no meaning between 'str' and 'int'");
  EXPECT_EQ(ChatTemplate::parse("{{ }}").status().message(),
            "chat template: line 1, column 4: expected an expression, found '}}'");
}

}  // namespace
}  // namespace isthmus
