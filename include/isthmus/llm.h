/* SPDX-License-Identifier: Apache-2.0 */
/* Language models: open a file, make an engine, generate text. */
#ifndef ISTHMUS_LLM_H
#define ISTHMUS_LLM_H

#include "isthmus/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct isthmus_model_s isthmus_model_t;
typedef struct isthmus_engine_s isthmus_engine_t;
typedef struct isthmus_sequence_s isthmus_sequence_t;
typedef struct isthmus_chat_s isthmus_chat_t;

/* ---- Model: a file, mapped and read-only. May be used by several threads at once. */

/* Strings live as long as the model. */
typedef struct isthmus_model_info_t {
  size_t size;
  const char* name;         /* for people; may be "" */
  const char* architecture; /* "llama", "qwen3" */
  int64_t vocabulary;       /* tokens of its tokenizer */
  int64_t context;          /* positions it was made for */
  uint64_t parameters;
  uint64_t weight_bytes;
  int32_t has_chat_template;
  int32_t begin_token; /* -1: none */
  int32_t end_token;   /* -1: none */
} isthmus_model_info_t;

/* Maps a GGUF file; nothing of the weights is read yet. ISTHMUS_NOT_FOUND: no such file; ISTHMUS_DATA_LOSS:
 * damaged; ISTHMUS_UNIMPLEMENTED: an architecture or format this version does not know. */
ISTHMUS_API isthmus_status_t isthmus_model_open(const char* path, isthmus_model_t** model);
ISTHMUS_API void isthmus_model_close(isthmus_model_t* model);
ISTHMUS_API isthmus_status_t isthmus_model_info(const isthmus_model_t* model, isthmus_model_info_t* info);

typedef enum isthmus_token_flags_t {
  ISTHMUS_TOKENS_PARSE_SPECIAL =
      1, /* text to tokens: "<|im_end|>" counts as that token; only for trusted text */
  ISTHMUS_TOKENS_ADD_SPECIAL = 2, /* text to tokens: begin and end of sequence, where the model wants them */
  ISTHMUS_TOKENS_SKIP_SPECIAL = 4 /* tokens to text: leave out control tokens */
} isthmus_token_flags_t;

/* text: text_bytes bytes of UTF-8 (broken ones are read as U+FFFD); -1: up to its NUL. Writes at most
 * `capacity` tokens and always the number there are to *count; ISTHMUS_OUT_OF_RANGE when they do not fit, so
 * ask with capacity 0 first or give room for one token per byte and two. flags: isthmus_token_flags_t, or-ed.
 */
ISTHMUS_API isthmus_status_t isthmus_model_tokenize(const isthmus_model_t* model, const char* text,
                                                    int64_t text_bytes, uint32_t flags, int32_t* tokens,
                                                    int64_t capacity, int64_t* count);
/* Valid UTF-8, NUL-terminated when capacity allows; *bytes counts without the NUL. Ids outside the vocabulary
 * are left out. ISTHMUS_OUT_OF_RANGE, with *bytes set, when it does not fit. */
ISTHMUS_API isthmus_status_t isthmus_model_detokenize(const isthmus_model_t* model, const int32_t* tokens,
                                                      int64_t count, uint32_t flags, char* text,
                                                      int64_t capacity, int64_t* bytes);

/* ---- Engine: a model on a device, with the state of its sequences. One thread at a time, its sequences and
 * chats included; several engines may work at once. */

/* 0 and NULL are the defaults. */
typedef struct isthmus_engine_options_t {
  size_t size;
  const char* device;          /* NULL: "cpu"; several share the layers: "cpu,opencl:0" */
  int64_t context;             /* positions per sequence; 0: the model's, at most 8192 */
  int64_t cache_tokens;        /* positions over all sequences; 0: max_sequences full contexts */
  int32_t max_sequences;       /* in one step; 0: 1 */
  int32_t chunk_tokens;        /* rows in one step, longer prompts take several; 0: 512 */
  isthmus_dtype_t cache_dtype; /* of keys and values: F32, F16, BF16, Q8_0; 0: F16 */
  int32_t no_prefix_reuse;     /* 1: never share the state of a common beginning */
  int32_t ignore_memory;       /* 1: start even when memory seems too small */
  int32_t no_fallback;         /* 1: an operator the chip lacks is an error */
  isthmus_numerics_t numerics;
  const char*
      packed_cache; /* folder for weights in the chip's layout; NULL: the user's cache folder; "": none */
  /* Asked before each weight is placed and each step is computed, from any thread, while the engine lives; 1
   * makes the call fail with ISTHMUS_CANCELLED. NULL: never. */
  int32_t (*cancelled)(void* context);
  void* cancelled_context;
  const int64_t* split; /* layers of each device; NULL: equal shares */
  int64_t split_count;
  /* 1: packed weights are copied into memory of this process at the start, on huge pages: a little faster,
   * not shared with other processes. 0: read where their files are mapped. */
  int32_t resident_weights;
} isthmus_engine_options_t;

/* Compiles the model for the device and packs its weights, the first time over all. options may be NULL.
 * ISTHMUS_OUT_OF_MEMORY is said before loading, with the number needed. */
ISTHMUS_API isthmus_status_t isthmus_engine_create(isthmus_model_t* model, isthmus_platform_t* platform,
                                                   const isthmus_engine_options_t* options,
                                                   isthmus_engine_t** engine);
ISTHMUS_API void isthmus_engine_destroy(isthmus_engine_t* engine);
/* As isthmus_executable_report. Strings live as long as the engine. */
ISTHMUS_API isthmus_status_t isthmus_engine_report(const isthmus_engine_t* engine, int32_t index,
                                                   isthmus_report_row_t* row);

/* ---- Generation */

typedef enum isthmus_stop_reason_t {
  ISTHMUS_STOP_END = 0,      /* the model ended its reply */
  ISTHMUS_STOP_LENGTH = 1,   /* max_tokens */
  ISTHMUS_STOP_CONTEXT = 2,  /* the context is full */
  ISTHMUS_STOP_TEXT = 3,     /* one of the stop texts came */
  ISTHMUS_STOP_CANCELLED = 4 /* a callback asked to stop */
} isthmus_stop_reason_t;

/* Made by isthmus_generation_defaults, then changed. Sampling applies in this order: penalties, temperature,
 * top-k, top-p, min-p, then a draw that depends on seed and position alone. */
typedef struct isthmus_generation_options_t {
  size_t size;
  double temperature;        /* 0: always the most likely token */
  int64_t top_k;             /* 0: all */
  double top_p;              /* 1: all */
  double min_p;              /* 0: all */
  double repetition_penalty; /* 1: off */
  double presence_penalty;   /* 0: off */
  double frequency_penalty;  /* 0: off */
  int64_t penalty_window;    /* how many of the latest tokens count as seen; -1: all */
  uint64_t seed;
  int64_t max_tokens;      /* -1: until the model stops or the context is full */
  const char* const* stop; /* the reply ends before the first of these texts */
  int32_t stop_count;
  int32_t ignore_end; /* 1: go on past end-of-generation tokens */
  /* On the calling thread: whole pieces of UTF-8 as they come, not NUL-terminated, never a part of a stop
   * text. */
  void (*on_text)(void* context, const char* text, size_t bytes);
  /* On the calling thread: each token as it is chosen, before its text. */
  void (*on_token)(void* context, int32_t token);
  /* Asked before every step; 1 ends the reply. May read what another thread sets. */
  int32_t (*cancelled)(void* context);
  void* context; /* first argument of the three */
} isthmus_generation_options_t;

static inline isthmus_generation_options_t isthmus_generation_defaults(void) {
  isthmus_generation_options_t o = {0, 0.7, 40, 0.95, 0.05, 1.0, 0, 0, 256, 0, -1, 0, 0, 0, 0, 0, 0, 0};
  o.size = sizeof o;
  return o;
}

/* What was generated. text and tokens live until the next reply of the same sequence or chat, or its end. */
typedef struct isthmus_reply_t {
  size_t size;
  isthmus_stop_reason_t reason;
  const char* text; /* UTF-8, NUL-terminated */
  size_t text_bytes;
  const int32_t* tokens; /* without the end token */
  int64_t token_count;
  int64_t prompt_tokens;
  int64_t reused_tokens; /* of the prompt, not computed again */
  double prefill_seconds;
  double decode_seconds; /* of the tokens after the first */
} isthmus_reply_t;

/* ---- Sequence: tokens and the state computed of them */

/* Blocks that hold the same beginning already are shared, not computed again. Nothing is computed yet. count
 * may be 0. ISTHMUS_OUT_OF_RANGE: longer than the engine's context, or a token outside the vocabulary. */
ISTHMUS_API isthmus_status_t isthmus_sequence_create(isthmus_engine_t* engine, const int32_t* tokens,
                                                     int64_t count, isthmus_sequence_t** sequence);
ISTHMUS_API void isthmus_sequence_destroy(isthmus_sequence_t* sequence);
ISTHMUS_API isthmus_status_t isthmus_sequence_append(isthmus_sequence_t* sequence, const int32_t* tokens,
                                                     int64_t count);
/* Keeps the first `length` tokens. */
ISTHMUS_API isthmus_status_t isthmus_sequence_truncate(isthmus_sequence_t* sequence, int64_t length);
/* A second sequence with the same tokens, sharing the state. */
ISTHMUS_API isthmus_status_t isthmus_sequence_fork(isthmus_sequence_t* sequence, isthmus_sequence_t** copy);
/* How many tokens; *tokens (unless tokens is NULL) points to them until the sequence changes. */
ISTHMUS_API int64_t isthmus_sequence_tokens(const isthmus_sequence_t* sequence, const int32_t** tokens);
/* Computes what is new and points *logits to *count numbers, one per vocabulary entry, that follow the last
 * token; valid until the engine computes again. */
ISTHMUS_API isthmus_status_t isthmus_sequence_logits(isthmus_sequence_t* sequence, const float** logits,
                                                     int64_t* count);
/* Computes what is new, generates and appends to the sequence. Blocks until the reply ends. options may be
 * NULL; reply (its size set) too. A cancelled reply is ISTHMUS_OK with the reason ISTHMUS_STOP_CANCELLED. */
ISTHMUS_API isthmus_status_t isthmus_sequence_generate(isthmus_sequence_t* sequence,
                                                       const isthmus_generation_options_t* options,
                                                       isthmus_reply_t* reply);

/* ---- Chat: a conversation, by the template in the model's file. Each turn computes only what is new. */

/* system_prompt may be NULL. template_variables: NULL or a JSON object given to the template, such as
 * {"enable_thinking": false}. ISTHMUS_FAILED_PRECONDITION when the file has no chat template. */
ISTHMUS_API isthmus_status_t isthmus_chat_create(isthmus_engine_t* engine, const char* system_prompt,
                                                 const char* template_variables, isthmus_chat_t** chat);
ISTHMUS_API void isthmus_chat_destroy(isthmus_chat_t* chat);
/* Adds the user's message, generates the reply and adds it too. On an error the conversation is as before. */
ISTHMUS_API isthmus_status_t isthmus_chat_reply(isthmus_chat_t* chat, const char* message,
                                                const isthmus_generation_options_t* options,
                                                isthmus_reply_t* reply);

#ifdef __cplusplus
}
#endif
#endif
