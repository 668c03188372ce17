// SPDX-License-Identifier: Apache-2.0
// Feeds arbitrary templates to the parser and the interpreter, within small limits.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "llm/jinja/template.h"

namespace {

// The variables most templates look at, with something of every kind inside.
const isthmus::jinja::Value& variables() {
  static const isthmus::jinja::Value value = [] {
    const auto json = nlohmann::ordered_json::parse(R"({
      "messages": [
        {"role": "system", "content": "Be terse."},
        {"role": "user", "content": [{"type": "text", "text": "Zoë <b>"}]},
        {"role": "assistant", "content": null, "reasoning_content": "Hm.",
         "tool_calls": [{"id": "call00001", "type": "function",
                         "function": {"name": "f", "arguments": {"x": 1, "y": [2.5, true]}}}]},
        {"role": "tool", "content": "ok", "tool_call_id": "call00001"}
      ],
      "tools": [{"type": "function", "function": {"name": "f", "description": "d",
                 "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}}}}],
      "add_generation_prompt": true, "bos_token": "<s>", "eos_token": "</s>",
      "n": 3, "f": -0.5, "s": " Hello, World ", "xs": [3, 1, 2], "d": {"a": 1, "b": [null]}
    })");
    return isthmus::jinja::from_json(json).value();
  }();
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto source = isthmus::jinja::parse({reinterpret_cast<const char*>(data), size});
  if (!source.ok()) return 0;
  isthmus::jinja::Limits limits;
  limits.steps = 20'000;
  limits.output_bytes = 1 << 20;
  limits.allocated_bytes = 16 << 20;
  (void)isthmus::jinja::render(*source, variables(), limits);
  return 0;
}
