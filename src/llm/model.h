// SPDX-License-Identifier: Apache-2.0
// A model opened from its file: family, tokenizer, chat template, and what it will need.
#pragma once

#include <memory>
#include <string>

#include "llm/model_family.h"
#include "llm/model_file.h"
#include "llm/tokenizer/tokenizer.h"

namespace isthmus {

struct MemoryNeed {
  uint64_t weights = 0;      // mapped from the file or from packed copies of it
  uint64_t cache = 0;        // keys and values of the whole context
  uint64_t activations = 0;  // an upper estimate of one step
  uint64_t total() const { return weights + cache + activations; }
};

// Immutable; shared by engines. Nothing of the weights is read at open.
class Model {
 public:
  static Result<std::shared_ptr<const Model>> open(const std::string& path);
  static Result<std::shared_ptr<const Model>> create(std::shared_ptr<const ModelFile> file);

  const ModelFile& file() const { return *file_; }
  std::shared_ptr<const ModelFile> shared_file() const { return file_; }
  const ModelFamily& family() const { return family_; }
  const TransformerConfig& config() const { return config_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  const std::string& chat_template() const { return chat_template_; }
  // What running it with these limits takes.
  MemoryNeed memory_need(const StepLimits& limits) const;

 private:
  Model() = default;
  std::shared_ptr<const ModelFile> file_;
  ModelFamily family_ = {};
  TransformerConfig config_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::string chat_template_;
};

// Bytes of memory the system says it can give without swapping.
uint64_t available_memory();

}  // namespace isthmus
