/* SPDX-License-Identifier: Apache-2.0 */
/* The C interface from C: models, engines, sequences, generation, chat. models_c MODEL.gguf, a tiny one. */
#include <isthmus/isthmus.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define COUNT 12

typedef struct heard_t {
  size_t text_bytes;
  int32_t tokens[COUNT];
  int32_t count;
  int32_t cancel_after; /* tokens; -1: never */
} heard_t;

static void on_text(void* context, const char* text, size_t bytes) {
  CHECK(text && bytes > 0);
  ((heard_t*)context)->text_bytes += bytes;
}
static void on_token(void* context, int32_t token) {
  heard_t* heard = (heard_t*)context;
  CHECK(heard->count < COUNT);
  heard->tokens[heard->count++] = token;
}
static int32_t cancelled(void* context) {
  const heard_t* heard = (const heard_t*)context;
  return heard->cancel_after >= 0 && heard->count >= heard->cancel_after;
}

static int32_t largest(const float* logits, int64_t count) {
  int64_t best = 0, i;
  for (i = 1; i < count; ++i)
    if (logits[i] > logits[best]) best = i;
  return (int32_t)best;
}

static void test_tokens(const isthmus_model_t* model) {
  static const char text[] = "The tide turns, and turns again.";
  int32_t tokens[64];
  char back[64];
  int64_t count = 0, bytes = 0;
  CHECK_OK(isthmus_model_tokenize(model, text, -1, 0, tokens, 64, &count));
  CHECK(count > 3 && count < 40);
  CHECK_OK(isthmus_model_detokenize(model, tokens, count, 0, back, sizeof back, &bytes));
  CHECK(bytes == (int64_t)strlen(text) && strcmp(back, text) == 0);
  CHECK_FAILS(ISTHMUS_OUT_OF_RANGE, "room for 2",
              isthmus_model_tokenize(model, text, -1, 0, tokens, 2, &count));
  CHECK(count > 3);
  CHECK_FAILS(ISTHMUS_OUT_OF_RANGE, "room for 1",
              isthmus_model_detokenize(model, tokens, count, 0, back, 1, &bytes));
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "0x80",
              isthmus_model_tokenize(model, text, -1, 0x80, tokens, 2, &count));
}

/* Generation chooses what logits say, streams it, and ends when asked to. */
static void test_generation(isthmus_engine_t* engine, const int32_t* prompt, int64_t count) {
  isthmus_sequence_t *sequence = NULL, *by_hand = NULL;
  isthmus_generation_options_t options = isthmus_generation_defaults();
  isthmus_reply_t reply = {0};
  heard_t heard = {0};
  const int32_t* tokens = NULL;
  const float* logits = NULL;
  int64_t vocabulary = 0;
  int i;
  CHECK_OK(isthmus_sequence_create(engine, prompt, count, &sequence));
  CHECK_OK(isthmus_sequence_fork(sequence, &by_hand));
  options.temperature = 0;
  options.max_tokens = COUNT;
  options.ignore_end = 1;
  options.on_text = on_text;
  options.on_token = on_token;
  options.cancelled = cancelled;
  options.context = &heard;
  heard.cancel_after = -1;
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "reply: its size field is 0",
              isthmus_sequence_generate(sequence, &options, &reply));
  reply.size = sizeof reply;
  CHECK_OK(isthmus_sequence_generate(sequence, &options, &reply));
  CHECK(reply.reason == ISTHMUS_STOP_LENGTH && reply.token_count == COUNT && heard.count == COUNT);
  CHECK(memcmp(reply.tokens, heard.tokens, sizeof heard.tokens) == 0);
  CHECK(reply.text_bytes == strlen(reply.text) && reply.text_bytes == heard.text_bytes &&
        reply.text_bytes > 0);
  CHECK(reply.prompt_tokens == count);
  for (i = 0; i < COUNT; ++i) {
    int32_t token;
    CHECK_OK(isthmus_sequence_logits(by_hand, &logits, &vocabulary));
    token = largest(logits, vocabulary);
    CHECK(token == heard.tokens[i]);
    CHECK_OK(isthmus_sequence_append(by_hand, &token, 1));
  }
  CHECK(isthmus_sequence_tokens(by_hand, &tokens) == count + COUNT && tokens[count] == heard.tokens[0]);

  /* Again from the prompt, cancelled after three tokens. */
  CHECK_OK(isthmus_sequence_truncate(by_hand, count));
  memset(&heard, 0, sizeof heard);
  heard.cancel_after = 3;
  CHECK_OK(isthmus_sequence_generate(by_hand, &options, &reply));
  CHECK(reply.reason == ISTHMUS_STOP_CANCELLED && reply.token_count == 3);

  options.top_p = 2;
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "top", isthmus_sequence_generate(by_hand, &options, NULL));
  i = 1 << 30;
  CHECK_FAILS(ISTHMUS_OUT_OF_RANGE, "outside the vocabulary", isthmus_sequence_append(by_hand, &i, 1));
  isthmus_sequence_destroy(sequence);
  isthmus_sequence_destroy(by_hand);
}

static void test_chat(isthmus_engine_t* engine) {
  isthmus_chat_t* chat = NULL;
  isthmus_generation_options_t options = isthmus_generation_defaults();
  isthmus_reply_t reply = {0};
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "not a JSON object", isthmus_chat_create(engine, NULL, "[1", &chat));
  CHECK_OK(isthmus_chat_create(engine, "You answer in one word.", "{\"enable_thinking\": false}", &chat));
  options.max_tokens = 5;
  options.ignore_end = 1;
  reply.size = sizeof reply;
  CHECK_OK(isthmus_chat_reply(chat, "What is 2 + 2?", &options, &reply));
  CHECK(reply.token_count == 5 && reply.prompt_tokens > 5 && reply.reused_tokens == 0);
  CHECK_OK(isthmus_chat_reply(chat, "And 3 + 3?", &options, &reply));
  CHECK(reply.token_count == 5 && reply.reused_tokens > 5); /* the first turn is not computed again */
  isthmus_chat_destroy(chat);
}

/* The program's own memory and its wish to stop, counted. */
static int64_t bytes_given;
static int given, asked, stop_after;

static void* give(void* context, uint64_t bytes, uint64_t alignment) {
  void* p = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  (void)context;
  CHECK(p);
  bytes_given += (int64_t)bytes;
  ++given;
  return p;
}
static void take_back(void* context, void* p) {
  (void)context;
  --given;
  free(p);
}
static int32_t stop(void* context) {
  (void)context;
  return ++asked > stop_after;
}

int main(int argc, char** argv) {
  isthmus_platform_t* platform = NULL;
  isthmus_platform_options_t host = {0};
  isthmus_model_t *model = NULL, *none = NULL;
  isthmus_engine_t* engine = NULL;
  isthmus_engine_options_t options = {0};
  isthmus_model_info_t info = {0};
  isthmus_report_row_t row = {0};
  isthmus_sequence_t* sequence = NULL;
  const float* logits = NULL;
  int32_t prompt[64], rows = 0;
  int64_t count = 0;
  CHECK(argc == 2);
  CHECK_FAILS(ISTHMUS_NOT_FOUND, "absent.gguf", isthmus_model_open("absent.gguf", &none));
  host.size = sizeof host;
  host.thread_count = 1;
  host.allocate = give;
  host.free = take_back;
  CHECK_OK(isthmus_platform_create(&host, &platform));
  CHECK_OK(isthmus_model_open(argv[1], &model));
  info.size = sizeof info;
  CHECK_OK(isthmus_model_info(model, &info));
  printf("%s: %s, %lld tokens, context %lld\n", info.name, info.architecture, (long long)info.vocabulary,
         (long long)info.context);
  CHECK(info.vocabulary > 256 && info.context > 0 && info.has_chat_template && info.parameters > 0);
  test_tokens(model);
  options.size = sizeof options;
  options.packed_cache = "";
  options.max_sequences = 2;
  options.no_fallback = 1;
  options.cache_dtype = ISTHMUS_Q4_0;
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "cache_dtype is Q4_0",
              isthmus_engine_create(model, platform, &options, &engine));
  options.cache_dtype = ISTHMUS_F32;
  options.cancelled = stop;
  stop_after = 3;
  CHECK_FAILS(ISTHMUS_CANCELLED, "placing weights was cancelled",
              isthmus_engine_create(model, platform, &options, &engine));
  CHECK(asked == 4 && given == 0);
  stop_after = 1 << 30;
  bytes_given = 0;
  CHECK_OK(isthmus_engine_create(model, platform, &options, &engine));
  row.size = sizeof row;
  while (isthmus_engine_report(engine, rows, &row) == ISTHMUS_OK) {
    CHECK(!row.fallback && row.nodes > 0 && row.op[0]);
    ++rows;
  }
  CHECK(rows > 3);
  /* Weights in the chip's layout, kept by no cache, and the keys and values, came from the program. */
  CHECK(bytes_given > (int64_t)info.weight_bytes / 2);
  CHECK_OK(isthmus_model_tokenize(model, "The ferry could not cross", -1, ISTHMUS_TOKENS_ADD_SPECIAL, prompt,
                                  64, &count));
  isthmus_model_close(model); /* the engine keeps what it needs */
  isthmus_platform_destroy(platform);
  test_generation(engine, prompt, count);
  stop_after = asked;
  CHECK_OK(isthmus_sequence_create(engine, prompt, count, &sequence));
  CHECK_FAILS(ISTHMUS_CANCELLED, "the step was cancelled",
              isthmus_sequence_logits(sequence, &logits, &count));
  isthmus_sequence_destroy(sequence);
  stop_after = 1 << 30;
  test_chat(engine);
  isthmus_engine_destroy(engine);
  CHECK(given == 0);
  return 0;
}
