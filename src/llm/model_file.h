// SPDX-License-Identifier: Apache-2.0
// What a model's file says, whatever its format: configuration keys, tensors, tokenizer, chat template. The
// seam at which other formats join.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "base/status.h"
#include "llm/tokenizer/tokenizer.h"

namespace isthmus {

struct ModelTensor {
  Dtype dtype = Dtype::kInvalid;
  std::vector<int64_t> dims;  // outermost first
  const void* data = nullptr;
  uint64_t bytes = 0;
  std::string source;  // names the bytes by where they lie in a file (MappedFile::name_of), or empty
};

// Views live as long as the file object. Thread-safe.
class ModelFile {
 public:
  static Result<std::shared_ptr<ModelFile>> open(const std::string& path);
  virtual ~ModelFile() = default;

  virtual const std::string& path() const = 0;
  virtual uint64_t bytes() const = 0;
  virtual const std::string& architecture() const = 0;  // "llama", "qwen3": chooses the model family
  virtual std::string name() const = 0;                 // for people; may be empty
  // Configuration of this architecture; keys as GGUF spells them, without the architecture's prefix
  // ("embedding_length", "attention.head_count"). Absent keys are errors that name the file, or the fallback.
  virtual Result<int64_t> integer(std::string_view key) const = 0;
  virtual Result<double> number(std::string_view key) const = 0;
  virtual Result<std::string> text(std::string_view key) const = 0;
  virtual bool has(std::string_view key) const = 0;
  Result<int64_t> integer_or(std::string_view key, int64_t fallback) const {
    return has(key) ? integer(key) : Result<int64_t>(fallback);
  }
  Result<double> number_or(std::string_view key, double fallback) const {
    return has(key) ? number(key) : Result<double>(fallback);
  }
  Result<std::string> text_or(std::string_view key, std::string fallback) const {
    return has(key) ? text(key) : Result<std::string>(std::move(fallback));
  }

  virtual std::optional<ModelTensor> tensor(std::string_view name) const = 0;
  virtual uint64_t tensor_bytes() const = 0;  // of all tensors
  virtual uint64_t parameters() const = 0;

  virtual Result<TokenizerSource> tokenizer() const = 0;
  virtual Result<std::string> chat_template() const = 0;  // empty when the file has none
};

}  // namespace isthmus
