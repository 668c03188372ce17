// SPDX-License-Identifier: Apache-2.0
#include "llm/chat_template.h"

#include <gtest/gtest.h>

namespace isthmus {
namespace {

using nlohmann::ordered_json;

TEST(ChatTemplate, RendersChatMl) {
  const auto source = ChatTemplate::parse(
      "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + "
      "'<|im_end|>' + "
      "'\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}");
  ASSERT_TRUE(source.ok()) << source.status().to_string();
  const auto text = source->render(ordered_json::parse(R"([{"role": "user", "content": "Hi, Zoë"}])"), {});
  ASSERT_TRUE(text.ok()) << text.status().to_string();
  EXPECT_EQ(*text, "<|im_start|>user\nHi, Zoë<|im_end|>\n<|im_start|>assistant\n");
}

}  // namespace
}  // namespace isthmus
