// SPDX-License-Identifier: Apache-2.0
// Qwen3, dense: norms on the heads of q and k, head size independent of the width.
#include "llm/model_family.h"

namespace isthmus {
namespace {

Status build(ModelBuilder& b) {
  ASSIGN_OR_RETURN(const TransformerConfig config, read_transformer_config(b.file()));
  ASSIGN_OR_RETURN(const Rotary rotary, read_rotary(b.file(), config.head_dim, "neox"));
  AttentionOptions attention = attention_options(config, &rotary);
  attention.norm_heads = true;
  build_pre_norm_decoder(b, config, attention);
  return ok();
}

}  // namespace
}  // namespace isthmus

ISTHMUS_MODEL_FAMILY(qwen3, {"qwen3", "Qwen3", build})
