/* SPDX-License-Identifier: Apache-2.0 */
/* Streams a model's answer to a question, in C: stream_text_c MODEL.gguf "Why is the sky blue?" */
#include <isthmus/isthmus.h>
#include <stdio.h>

static void print_text(void* context, const char* text, size_t bytes) {
  (void)context;
  fwrite(text, 1, bytes, stdout);
  fflush(stdout);
}

int main(int argc, char** argv) {
  isthmus_platform_t* platform = NULL;
  isthmus_model_t* model = NULL;
  isthmus_engine_t* engine = NULL;
  isthmus_chat_t* chat = NULL;
  if (argc != 3) {
    fprintf(stderr, "usage: stream_text_c MODEL.gguf PROMPT\n");
    return 2;
  }

  isthmus_status_t status = isthmus_platform_create(NULL, &platform);
  if (status == ISTHMUS_OK) status = isthmus_model_open(argv[1], &model);
  if (status == ISTHMUS_OK) status = isthmus_engine_create(model, platform, NULL, &engine);
  if (status == ISTHMUS_OK) status = isthmus_chat_create(engine, NULL, NULL, &chat);
  if (status == ISTHMUS_OK) {
    isthmus_generation_options_t options = isthmus_generation_defaults();
    options.max_tokens = 200;
    options.on_text = print_text;
    isthmus_reply_t reply = {.size = sizeof reply};
    status = isthmus_chat_reply(chat, argv[2], &options, &reply);
    if (status == ISTHMUS_OK) printf("\n[%lld tokens]\n", (long long)reply.token_count);
  }
  if (status != ISTHMUS_OK) fprintf(stderr, "stream_text_c: %s\n", isthmus_last_error());

  /* NULL is allowed, so whatever was made goes. */
  isthmus_chat_destroy(chat);
  isthmus_engine_destroy(engine);
  isthmus_model_close(model);
  isthmus_platform_destroy(platform);
  return status == ISTHMUS_OK ? 0 : 1;
}
