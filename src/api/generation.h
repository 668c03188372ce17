// SPDX-License-Identifier: Apache-2.0
// What sequences and chats share: options of a reply and the reply itself.
#pragma once

#include "api/convert.h"
#include "isthmus/llm.h"
#include "llm/generator.h"

namespace isthmus::api {

struct Generation {
  GenerationOptions options;
  std::function<void(std::string_view)> on_text;
};
// given may be null. The callbacks are the caller's.
Result<Generation> read_generation(const isthmus_generation_options_t* given);

// Fills *out (unless null) with what points into reply.
Status write_reply(const Reply& reply, isthmus_reply_t* out);

}  // namespace isthmus::api
