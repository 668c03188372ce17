// SPDX-License-Identifier: Apache-2.0
// Models: opening them, what they are, text to tokens and back.
#include "llm/model.h"

#include "api/convert.h"
#include "api/handles.h"

using namespace isthmus;
using namespace isthmus::api;

namespace {

constexpr uint32_t kAllTokenFlags =
    ISTHMUS_TOKENS_PARSE_SPECIAL | ISTHMUS_TOKENS_ADD_SPECIAL | ISTHMUS_TOKENS_SKIP_SPECIAL;

Status check_flags(uint32_t flags) {
  if (flags & ~kAllTokenFlags) return invalid_argument("flags {:#x} has bits that mean nothing", flags);
  return ok();
}

}  // namespace

isthmus_status_t isthmus_model_open(const char* path, isthmus_model_t** model) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_model_open", ISTHMUS_POINTER(path), ISTHMUS_POINTER(model)));
    auto handle = std::make_unique<isthmus_model_t>();
    ASSIGN_OR_RETURN(handle->model, Model::open(path));
    handle->name = handle->model->file().name();
    *model = handle.release();
    return ok();
  });
}

void isthmus_model_close(isthmus_model_t* model) { delete model; }

isthmus_status_t isthmus_model_info(const isthmus_model_t* model, isthmus_model_info_t* info) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_model_info", ISTHMUS_POINTER(model)));
    const Model& m = *model->model;
    isthmus_model_info_t c = {};
    c.name = model->name.c_str();
    c.architecture = m.file().architecture().c_str();
    c.vocabulary = static_cast<int64_t>(m.tokenizer().size());
    c.context = m.config().context;
    c.parameters = m.file().parameters();
    c.weight_bytes = m.file().tensor_bytes();
    c.has_chat_template = !m.chat_template().empty();
    c.begin_token = m.tokenizer().bos();
    c.end_token = m.tokenizer().eos();
    return write_struct(info, c, "info");
  });
}

isthmus_status_t isthmus_model_tokenize(const isthmus_model_t* model, const char* text, int64_t text_bytes,
                                        uint32_t flags, int32_t* tokens, int64_t capacity, int64_t* count) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_model_tokenize", ISTHMUS_POINTER(model), ISTHMUS_POINTER(text),
                            ISTHMUS_POINTER(count)));
    RETURN_IF_ERROR(check_flags(flags));
    if (text_bytes < -1 || capacity < 0 || (capacity > 0 && !tokens))
      return invalid_argument("isthmus_model_tokenize: {} bytes of text, room for {} tokens", text_bytes,
                              capacity);
    const std::string_view view =
        text_bytes < 0 ? text : std::string_view(text, static_cast<size_t>(text_bytes));
    EncodeOptions options;
    options.parse_special = flags & ISTHMUS_TOKENS_PARSE_SPECIAL;
    options.add_special = flags & ISTHMUS_TOKENS_ADD_SPECIAL;
    ASSIGN_OR_RETURN(const std::vector<int32_t> made, model->model->tokenizer().encode(view, options));
    *count = static_cast<int64_t>(made.size());
    std::copy_n(made.begin(), std::min(*count, capacity), tokens);
    if (*count > capacity)
      return error(Code::kOutOfRange, "the text has {} tokens, there is room for {}", *count, capacity);
    return ok();
  });
}

isthmus_status_t isthmus_model_detokenize(const isthmus_model_t* model, const int32_t* tokens, int64_t count,
                                          uint32_t flags, char* text, int64_t capacity, int64_t* bytes) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_model_detokenize", ISTHMUS_POINTER(model), ISTHMUS_POINTER(bytes)));
    RETURN_IF_ERROR(check_flags(flags));
    if (count < 0 || capacity < 0 || (count > 0 && !tokens) || (capacity > 0 && !text))
      return invalid_argument("isthmus_model_detokenize: {} tokens, room for {} bytes", count, capacity);
    DecodeOptions options;
    options.skip_special = flags & ISTHMUS_TOKENS_SKIP_SPECIAL;
    const std::string made =
        model->model->tokenizer().decode(std::span(tokens, static_cast<size_t>(count)), options);
    *bytes = static_cast<int64_t>(made.size());
    std::copy_n(made.begin(), std::min(*bytes, capacity), text);
    if (*bytes > capacity)
      return error(Code::kOutOfRange, "the text has {} bytes, there is room for {}", *bytes, capacity);
    if (*bytes < capacity) text[*bytes] = '\0';
    return ok();
  });
}
