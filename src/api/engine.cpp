// SPDX-License-Identifier: Apache-2.0
// Engines, their sequences and chats.
#include "llm/engine.h"

#include "api/generation.h"
#include "api/handles.h"
#include "api/report.h"

using namespace isthmus;
using namespace isthmus::api;

namespace {

Result<EngineOptions> read_engine_options(const isthmus_engine_options_t* options) {
  EngineOptions engine;
  if (!options) return engine;
  ASSIGN_OR_RETURN(const isthmus_engine_options_t given, read_struct(options, "options"));
  if (given.context < 0 || given.cache_tokens < 0 || given.max_sequences < 0 || given.chunk_tokens < 0)
    return invalid_argument("options: a negative number of tokens or sequences");
  RETURN_IF_ERROR(check_numerics(given.numerics));
  if (given.device) engine.device = given.device;
  if (given.split_count < 0 || (given.split_count > 0 && !given.split))
    return invalid_argument("options: a split into {} parts", given.split_count);
  if (given.split) engine.split.assign(given.split, given.split + given.split_count);
  engine.context = given.context;
  engine.cache_tokens = given.cache_tokens;
  if (given.max_sequences) engine.max_sequences = given.max_sequences;
  if (given.chunk_tokens) engine.chunk_tokens = given.chunk_tokens;
  if (given.cache_dtype != ISTHMUS_DTYPE_INVALID) {
    if (given.cache_dtype != ISTHMUS_F32 && given.cache_dtype != ISTHMUS_F16 &&
        given.cache_dtype != ISTHMUS_BF16 && given.cache_dtype != ISTHMUS_Q8_0)
      return invalid_argument("options: cache_dtype is {}; F32, F16, BF16 and Q8_0 are possible",
                              isthmus_dtype_name(given.cache_dtype));
    engine.cache_dtype = static_cast<Dtype>(given.cache_dtype);
  }
  engine.prefix_reuse = given.no_prefix_reuse == 0;
  engine.ignore_memory = given.ignore_memory != 0;
  engine.policy.no_fallback = given.no_fallback != 0;
  engine.policy.numerics = given.numerics;
  if (given.cancelled)
    engine.cancelled = [f = given.cancelled, context = given.cancelled_context] { return f(context) != 0; };
  if (given.packed_cache) engine.packed_cache = PackedCache(given.packed_cache);
  if (given.resident_weights) engine.weights = WeightMode::kResident;
  return engine;
}

Result<std::span<const int32_t>> read_tokens(const int32_t* tokens, int64_t count) {
  if (count < 0 || (count > 0 && !tokens)) return invalid_argument("{} tokens given", count);
  return std::span<const int32_t>(tokens, static_cast<size_t>(count));
}

}  // namespace

// -- engine --

isthmus_status_t isthmus_engine_create(isthmus_model_t* model, isthmus_platform_t* platform,
                                       const isthmus_engine_options_t* options, isthmus_engine_t** engine) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_engine_create", ISTHMUS_POINTER(model), ISTHMUS_POINTER(platform),
                            ISTHMUS_POINTER(engine)));
    ASSIGN_OR_RETURN(const EngineOptions own, read_engine_options(options));
    auto handle = std::make_unique<isthmus_engine_t>();
    ASSIGN_OR_RETURN(handle->engine, Engine::create(model->model, platform->platform, own));
    handle->report = handle->engine->report();
    *engine = handle.release();
    return ok();
  });
}

void isthmus_engine_destroy(isthmus_engine_t* engine) { delete engine; }

isthmus_status_t isthmus_engine_report(const isthmus_engine_t* engine, int32_t index,
                                       isthmus_report_row_t* row) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_engine_report", ISTHMUS_POINTER(engine)));
    return write_report(engine->report, index, row);
  });
}

// -- sequence --

isthmus_status_t isthmus_sequence_create(isthmus_engine_t* engine, const int32_t* tokens, int64_t count,
                                         isthmus_sequence_t** sequence) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_sequence_create", ISTHMUS_POINTER(engine), ISTHMUS_POINTER(sequence)));
    ASSIGN_OR_RETURN(const auto list, read_tokens(tokens, count));
    auto handle = std::make_unique<isthmus_sequence_t>();
    ASSIGN_OR_RETURN(handle->id, engine->engine->add(list));
    handle->engine = engine->engine;
    *sequence = handle.release();
    return ok();
  });
}

void isthmus_sequence_destroy(isthmus_sequence_t* sequence) {
  if (!sequence) return;
  (void)guard([&]() -> Status {
    sequence->engine->remove(sequence->id);
    return ok();
  });
  delete sequence;
}

isthmus_status_t isthmus_sequence_append(isthmus_sequence_t* sequence, const int32_t* tokens, int64_t count) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_sequence_append", ISTHMUS_POINTER(sequence)));
    ASSIGN_OR_RETURN(const auto list, read_tokens(tokens, count));
    return sequence->engine->append(sequence->id, list);
  });
}

isthmus_status_t isthmus_sequence_truncate(isthmus_sequence_t* sequence, int64_t length) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_sequence_truncate", ISTHMUS_POINTER(sequence)));
    return sequence->engine->truncate(sequence->id, length);
  });
}

isthmus_status_t isthmus_sequence_fork(isthmus_sequence_t* sequence, isthmus_sequence_t** copy) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_sequence_fork", ISTHMUS_POINTER(sequence), ISTHMUS_POINTER(copy)));
    auto handle = std::make_unique<isthmus_sequence_t>();
    ASSIGN_OR_RETURN(handle->id, sequence->engine->fork(sequence->id));
    handle->engine = sequence->engine;
    *copy = handle.release();
    return ok();
  });
}

int64_t isthmus_sequence_tokens(const isthmus_sequence_t* sequence, const int32_t** tokens) {
  if (tokens) *tokens = nullptr;
  if (!sequence) return 0;
  const std::span<const int32_t> list = sequence->engine->tokens(sequence->id);
  if (tokens) *tokens = list.data();
  return static_cast<int64_t>(list.size());
}

isthmus_status_t isthmus_sequence_logits(isthmus_sequence_t* sequence, const float** logits, int64_t* count) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_sequence_logits", ISTHMUS_POINTER(sequence), ISTHMUS_POINTER(logits),
                            ISTHMUS_POINTER(count)));
    Engine& engine = *sequence->engine;
    const auto length = static_cast<int64_t>(engine.tokens(sequence->id).size());
    if (length == 0) return error(Code::kFailedPrecondition, "the sequence has no tokens");
    if (engine.computed(sequence->id) == length) {  // The last token's logits are wanted again.
      const int32_t last = engine.tokens(sequence->id).back();
      RETURN_IF_ERROR(engine.truncate(sequence->id, length - 1));
      RETURN_IF_ERROR(engine.append(sequence->id, std::span(&last, 1)));
    }
    std::vector<Engine::Logits> rows;
    while (engine.computed(sequence->id) < length) {
      ASSIGN_OR_RETURN(rows, engine.step());
    }
    for (const Engine::Logits& row : rows) {
      if (row.sequence != sequence->id) continue;
      *logits = row.values.data();
      *count = static_cast<int64_t>(row.values.size());
      return ok();
    }
    return error(Code::kInternal, "the engine gave no logits");
  });
}

isthmus_status_t isthmus_sequence_generate(isthmus_sequence_t* sequence,
                                           const isthmus_generation_options_t* options,
                                           isthmus_reply_t* reply) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_sequence_generate", ISTHMUS_POINTER(sequence)));
    if (reply) RETURN_IF_ERROR(check_size(reply, "reply"));
    ASSIGN_OR_RETURN(const Generation own, read_generation(options));
    ASSIGN_OR_RETURN(sequence->reply, generate(*sequence->engine, sequence->id, own.options, own.on_text));
    return write_reply(sequence->reply, reply);
  });
}

// -- chat --

isthmus_status_t isthmus_chat_create(isthmus_engine_t* engine, const char* system_prompt,
                                     const char* template_variables, isthmus_chat_t** chat) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_chat_create", ISTHMUS_POINTER(engine), ISTHMUS_POINTER(chat)));
    auto variables = nlohmann::ordered_json::object();
    if (template_variables) {
      // No nesting to speak of is needed; the parser of the library has no limit of its own.
      if (std::strlen(template_variables) > (1u << 20))
        return invalid_argument("template_variables: above 1 MiB");
      variables = nlohmann::ordered_json::parse(template_variables, nullptr, /*allow_exceptions=*/false);
      if (!variables.is_object()) return invalid_argument("template_variables: not a JSON object");
    }
    auto handle = std::make_unique<isthmus_chat_t>();
    handle->engine = engine->engine;
    ASSIGN_OR_RETURN(handle->session, ChatSession::create(*handle->engine, system_prompt ? system_prompt : "",
                                                          std::move(variables)));
    *chat = handle.release();
    return ok();
  });
}

void isthmus_chat_destroy(isthmus_chat_t* chat) { delete chat; }

isthmus_status_t isthmus_chat_reply(isthmus_chat_t* chat, const char* message,
                                    const isthmus_generation_options_t* options, isthmus_reply_t* reply) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_chat_reply", ISTHMUS_POINTER(chat), ISTHMUS_POINTER(message)));
    if (reply) RETURN_IF_ERROR(check_size(reply, "reply"));
    ASSIGN_OR_RETURN(const Generation own, read_generation(options));
    ASSIGN_OR_RETURN(chat->reply, chat->session->reply(message, own.options, own.on_text));
    return write_reply(chat->reply, reply);
  });
}
