// SPDX-License-Identifier: Apache-2.0
// Llama 2 and 3.x, and models of the same shape (SmolLM2, TinyLlama).
#include "llm/model_family.h"

namespace isthmus {
namespace {

Status build(ModelBuilder& b) {
  ASSIGN_OR_RETURN(const TransformerConfig config, read_transformer_config(b.file()));
  // GGUF stores this family's q and k with rows reordered, so that neighbouring elements turn together.
  ASSIGN_OR_RETURN(const Rotary rotary, read_rotary(b.file(), config.head_dim, "interleaved"));
  const AttentionOptions attention = attention_options(config, &rotary);
  build_pre_norm_decoder(b, config, attention);
  return ok();
}

}  // namespace
}  // namespace isthmus

ISTHMUS_MODEL_FAMILY(llama, {"llama", "Llama 3.x, SmolLM2", build})
