// SPDX-License-Identifier: Apache-2.0
// Qwen2 and Qwen2.5, dense: biases on q, k and v, which linear() adds where the file has them.
#include "llm/model_family.h"

namespace isthmus {
namespace {

Status build(ModelBuilder& b) {
  ASSIGN_OR_RETURN(const TransformerConfig config, read_transformer_config(b.file()));
  ASSIGN_OR_RETURN(const Rotary rotary, read_rotary(b.file(), config.head_dim, "neox"));
  const AttentionOptions attention = attention_options(config, &rotary);
  build_pre_norm_decoder(b, config, attention);
  return ok();
}

}  // namespace
}  // namespace isthmus

ISTHMUS_MODEL_FAMILY(qwen2, {"qwen2", "Qwen2, Qwen2.5", build})
