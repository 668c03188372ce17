// SPDX-License-Identifier: Apache-2.0
#include "llm/model.h"

#include <cstdio>
#include <cstring>

namespace isthmus {

Result<std::shared_ptr<const Model>> Model::open(const std::string& path) {
  ASSIGN_OR_RETURN(std::shared_ptr<const ModelFile> file, ModelFile::open(path));
  return create(std::move(file));
}

Result<std::shared_ptr<const Model>> Model::create(std::shared_ptr<const ModelFile> file) {
  std::shared_ptr<Model> model(new Model);
  model->file_ = std::move(file);
  const std::string& path = model->file_->path();
  ASSIGN_OR_RETURN(model->family_, find_family(*model->file_));
  ASSIGN_OR_RETURN(model->config_, read_transformer_config(*model->file_));
  ASSIGN_OR_RETURN(TokenizerSource source, model->file_->tokenizer(), "{}", path);
  ASSIGN_OR_RETURN(model->tokenizer_, Tokenizer::create(std::move(source)), "{}", path);
  ASSIGN_OR_RETURN(model->chat_template_, model->file_->chat_template());
  return std::shared_ptr<const Model>(std::move(model));
}

MemoryNeed Model::memory_need(const StepLimits& limits) const {
  MemoryNeed need;
  need.weights = file_->tensor_bytes();
  const auto bytes_per_position = static_cast<uint64_t>(
      dtype_bytes(limits.cache_dtype, 2 * config_.layers * config_.kv_heads * config_.head_dim));
  need.cache = static_cast<uint64_t>(limits.cache_blocks * kCacheBlock) * bytes_per_position;
  // Live at once in a layer: the widest of q, k, v and the MLP, in F32 and quantised; then the logits.
  const int64_t widest = 3 * config_.mlp_width + 2 * config_.heads * config_.head_dim;
  need.activations = static_cast<uint64_t>(limits.max_tokens * widest * 4) +
                     static_cast<uint64_t>(limits.max_output_rows) * tokenizer_->size() * 4;
  return need;
}

uint64_t available_memory() {
  FILE* f = std::fopen("/proc/meminfo", "r");
  if (!f) return UINT64_MAX;
  char line[256];
  unsigned long long kib = 0;
  uint64_t bytes = UINT64_MAX;
  while (std::fgets(line, sizeof line, f))
    if (std::sscanf(line, "MemAvailable: %llu kB", &kib) == 1) bytes = kib * 1024;
  std::fclose(f);
  return bytes;
}

}  // namespace isthmus
