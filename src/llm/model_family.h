// SPDX-License-Identifier: Apache-2.0
// A model family: one file in models/ that reads its configuration and builds its step graph.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "llm/model_builder.h"

namespace isthmus {

struct ModelFamily {
  const char* architecture;  // as the model's file names it
  const char* models;        // for people: which models that is
  // Builds the whole step graph with the builder's blocks. Errors of blocks are kept by the builder.
  Status (*build)(ModelBuilder& builder);
};

// Families in alphabetical order, from the generated table.
const std::vector<ModelFamily>& model_families();
// The family of an architecture, or an error that lists the supported ones.
Result<ModelFamily> find_family(const ModelFile& file);

// What most families share: read once, checked.
struct TransformerConfig {
  int64_t layers = 0, heads = 0, kv_heads = 0, head_dim = 0, mlp_width = 0, context = 0;
  double eps = 1e-5;
};
Result<TransformerConfig> read_transformer_config(const ModelFile& file);
// The options the configuration fixes; families set what is special about theirs.
AttentionOptions attention_options(const TransformerConfig& config, const Rotary* rotary);
// The whole graph of a decoder with norms before attention and before a gated MLP, as most families are
// built. Where layers differ, `attention` gives the options of each, counted from 0.
void build_pre_norm_decoder(ModelBuilder& builder, const TransformerConfig& config,
                            const std::function<AttentionOptions(int64_t layer)>& attention);
void build_pre_norm_decoder(ModelBuilder& builder, const TransformerConfig& config,
                            const AttentionOptions& attention);

}  // namespace isthmus

// At the end of models/FILE.cpp, at the start of a line: ISTHMUS_MODEL_FAMILY(name, {"arch", "models",
// build})
#define ISTHMUS_MODEL_FAMILY(NAME, ...)                       \
  namespace isthmus {                                         \
  ModelFamily isthmus_family_##NAME();                        \
  ModelFamily isthmus_family_##NAME() { return __VA_ARGS__; } \
  }
