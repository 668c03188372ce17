// SPDX-License-Identifier: Apache-2.0
// Streams a model's answer to a question: stream_text MODEL.gguf "Why is the sky blue?"
#include <cstdio>
#include <isthmus/isthmus.hpp>

int fail(const isthmus::Error& error) {
  std::fprintf(stderr, "stream_text: %s\n", error.message.c_str());
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 3) return fail({ISTHMUS_INVALID_ARGUMENT, "usage: stream_text MODEL.gguf PROMPT"});
  auto platform = isthmus::Platform::create();
  if (!platform) return fail(platform.error());
  auto model = isthmus::Model::open(argv[1]);
  if (!model) return fail(model.error());
  auto engine = isthmus::Engine::create(*model, *platform);
  if (!engine) return fail(engine.error());
  auto chat = isthmus::Chat::create(*engine);
  if (!chat) return fail(chat.error());

  isthmus::GenerationOptions options;
  options.c.max_tokens = 200;
  options.on_text = [](std::string_view piece) {
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    std::fflush(stdout);
  };
  auto reply = chat->reply(argv[2], options);
  if (!reply) return fail(reply.error());
  std::printf("\n[%zu tokens]\n", reply->tokens.size());
  return 0;
}
