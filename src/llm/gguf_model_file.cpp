// SPDX-License-Identifier: Apache-2.0
// A GGUF file as a ModelFile. Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#include "graph/import/gguf/gguf_file.h"
#include "llm/model_file.h"

namespace isthmus {
namespace {

class GgufModelFile : public ModelFile {
 public:
  explicit GgufModelFile(GgufFile file) : file_(std::move(file)) {}

  Status read() {
    ASSIGN_OR_RETURN(const std::string_view architecture, file_.get_string("general.architecture"));
    architecture_ = architecture;
    for (const GgufTensor& tensor : file_.tensors()) {
      tensor_bytes_ += static_cast<uint64_t>(tensor.size_bytes);
      parameters_ += static_cast<uint64_t>(tensor.elements);
    }
    return ok();
  }

  const std::string& path() const override { return file_.path(); }
  uint64_t bytes() const override { return file_.size_bytes(); }
  const std::string& architecture() const override { return architecture_; }
  std::string name() const override {
    Result<std::string_view> name = file_.get_string("general.name");
    return name.ok() ? std::string(*name) : "";
  }
  Result<int64_t> integer(std::string_view key) const override { return file_.get_i64(full(key)); }
  Result<double> number(std::string_view key) const override {
    ASSIGN_OR_RETURN(const float value, file_.get_f32(full(key)));
    return static_cast<double>(value);
  }
  Result<std::string> text(std::string_view key) const override {
    ASSIGN_OR_RETURN(const std::string_view value, file_.get_string(full(key)));
    return std::string(value);
  }
  bool has(std::string_view key) const override { return file_.has(full(key)); }

  std::optional<ModelTensor> tensor(std::string_view name) const override {
    const GgufTensor* t = file_.find_tensor(name);
    if (!t) return std::nullopt;
    const auto bytes = static_cast<uint64_t>(t->size_bytes);
    return ModelTensor{
        t->dtype, {t->shape().begin(), t->shape().end()}, t->data, bytes, file_.name_of(t->data, bytes)};
  }
  uint64_t tensor_bytes() const override { return tensor_bytes_; }
  uint64_t parameters() const override { return parameters_; }

  Result<TokenizerSource> tokenizer() const override {
    TokenizerSource source;
    ASSIGN_OR_RETURN(const std::string_view model, file_.get_string("tokenizer.ggml.model"));
    source.model = model;
    ASSIGN_OR_RETURN(const std::string_view pre,
                     file_.get_or<std::string_view>("tokenizer.ggml.pre", "default"));
    source.pre = pre;
    ASSIGN_OR_RETURN(const auto tokens, file_.get_strings("tokenizer.ggml.tokens"));
    source.tokens.assign(tokens.begin(), tokens.end());
    if (file_.has("tokenizer.ggml.token_type")) {
      ASSIGN_OR_RETURN(source.token_types, file_.get_i32s("tokenizer.ggml.token_type"));
    }
    if (file_.has("tokenizer.ggml.merges")) {
      ASSIGN_OR_RETURN(const auto merges, file_.get_strings("tokenizer.ggml.merges"));
      source.merges.assign(merges.begin(), merges.end());
    }
    struct Id {
      const char* key;
      int32_t& value;
    };
    for (const Id& id : {Id{"bos", source.bos}, Id{"eos", source.eos}, Id{"eot", source.eot},
                         Id{"eom", source.eom}, Id{"unknown", source.unk}, Id{"padding", source.pad}}) {
      const std::string key = fmt::format("tokenizer.ggml.{}_token_id", id.key);
      if (!file_.has(key)) continue;
      ASSIGN_OR_RETURN(id.value, file_.get_i32(key));
    }
    for (auto [key, value] : {std::pair("tokenizer.ggml.add_bos_token", &source.add_bos),
                              std::pair("tokenizer.ggml.add_eos_token", &source.add_eos)}) {
      if (!file_.has(key)) continue;
      ASSIGN_OR_RETURN(*value, file_.get_bool(key));
    }
    return source;
  }

  Result<std::string> chat_template() const override {
    ASSIGN_OR_RETURN(const std::string_view text,
                     file_.get_or<std::string_view>("tokenizer.chat_template", ""));
    return std::string(text);
  }

 private:
  std::string full(std::string_view key) const { return fmt::format("{}.{}", architecture_, key); }
  GgufFile file_;
  std::string architecture_;
  uint64_t tensor_bytes_ = 0, parameters_ = 0;
};

}  // namespace

Result<std::shared_ptr<ModelFile>> ModelFile::open(const std::string& path) {
  ASSIGN_OR_RETURN(GgufFile file, GgufFile::open(path));
  auto model = std::make_shared<GgufModelFile>(std::move(file));
  RETURN_IF_ERROR(model->read());
  return std::shared_ptr<ModelFile>(std::move(model));
}

}  // namespace isthmus
