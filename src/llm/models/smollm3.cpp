// SPDX-License-Identifier: Apache-2.0
// SmolLM3: Llama's layers, but every fourth one does not turn q and k by position (NoPE).
#include "llm/model_family.h"

namespace isthmus {
namespace {

// The file does not say which layers; llama.cpp, which defines these files, has the same number in its code.
constexpr int64_t kLayersPerPlainOne = 4;

Status build(ModelBuilder& b) {
  ASSIGN_OR_RETURN(const TransformerConfig config, read_transformer_config(b.file()));
  // As in Llama's files, the rows of q and k are reordered.
  ASSIGN_OR_RETURN(const Rotary rotary, read_rotary(b.file(), config.head_dim, "interleaved"));
  build_pre_norm_decoder(b, config, [&](int64_t layer) {
    const bool plain = (layer + 1) % kLayersPerPlainOne == 0;
    return attention_options(config, plain ? nullptr : &rotary);
  });
  return ok();
}

}  // namespace
}  // namespace isthmus

ISTHMUS_MODEL_FAMILY(smollm3, {"smollm3", "SmolLM3", build})
