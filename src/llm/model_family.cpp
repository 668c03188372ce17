// SPDX-License-Identifier: Apache-2.0
#include "llm/model_family.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "llm/family_table.h"

namespace isthmus {

const std::vector<ModelFamily>& model_families() {
  static const std::vector<ModelFamily> families = [] {
    std::vector<ModelFamily> list;
    for (const ModelFamilyFunction* family = kFamilyTable; *family; ++family) list.push_back((*family)());
    std::sort(list.begin(), list.end(), [](const ModelFamily& a, const ModelFamily& b) {
      return std::strcmp(a.architecture, b.architecture) < 0;
    });
    return list;
  }();
  return families;
}

Result<ModelFamily> find_family(const ModelFile& file) {
  std::string known;
  for (const ModelFamily& family : model_families()) {
    if (family.architecture == file.architecture()) return family;
    known += fmt::format("{}{} ({})", known.empty() ? "" : ", ", family.architecture, family.models);
  }
  return unimplemented("{}: architecture '{}' is not supported; supported are {}", file.path(),
                       file.architecture(), known);
}

Result<TransformerConfig> read_transformer_config(const ModelFile& file) {
  TransformerConfig c;
  ASSIGN_OR_RETURN(const int64_t hidden, file.integer("embedding_length"));
  ASSIGN_OR_RETURN(c.layers, file.integer("block_count"));
  ASSIGN_OR_RETURN(c.heads, file.integer("attention.head_count"));
  ASSIGN_OR_RETURN(c.kv_heads, file.integer_or("attention.head_count_kv", c.heads));
  ASSIGN_OR_RETURN(c.mlp_width, file.integer("feed_forward_length"));
  ASSIGN_OR_RETURN(c.context, file.integer("context_length"));
  ASSIGN_OR_RETURN(c.eps, file.number("attention.layer_norm_rms_epsilon"));
  struct Bound {
    const char* key;
    int64_t value, largest;
  };
  for (const Bound& b :
       {Bound{"embedding_length", hidden, 1 << 20}, Bound{"block_count", c.layers, 4096},
        Bound{"attention.head_count", c.heads, 4096}, Bound{"attention.head_count_kv", c.kv_heads, c.heads},
        Bound{"feed_forward_length", c.mlp_width, 1 << 24}, Bound{"context_length", c.context, 1 << 26}})
    if (b.value < 1 || b.value > b.largest)
      return data_loss("{}: {} is {}, expected 1 to {}", file.path(), b.key, b.value, b.largest);
  if (!(c.eps > 0) || !std::isfinite(c.eps))
    return data_loss("{}: attention.layer_norm_rms_epsilon is {}, expected a positive number", file.path(),
                     c.eps);
  if (c.heads % c.kv_heads)
    return data_loss("{}: {} attention heads do not share {} key-value heads evenly", file.path(), c.heads,
                     c.kv_heads);
  ASSIGN_OR_RETURN(c.head_dim, file.integer_or("attention.key_length", hidden / c.heads));
  ASSIGN_OR_RETURN(const int64_t value_dim, file.integer_or("attention.value_length", c.head_dim));
  if (c.head_dim < 1 || c.head_dim > 4096 || value_dim != c.head_dim)
    return unimplemented(
        "{}: heads of {} (keys) and {} (values) elements; equal ones from 1 to 4096 are supported",
        file.path(), c.head_dim, value_dim);
  return c;
}

AttentionOptions attention_options(const TransformerConfig& c, const Rotary* rotary) {
  AttentionOptions options;
  options.heads = c.heads;
  options.kv_heads = c.kv_heads;
  options.head_dim = c.head_dim;
  options.eps = c.eps;
  options.rotary = rotary;
  return options;
}

void build_pre_norm_decoder(ModelBuilder& b, const TransformerConfig& c,
                            const std::function<AttentionOptions(int64_t)>& attention) {
  ValueId x = b.embed_tokens("token_embd");
  for (int64_t i = 0; i < c.layers; ++i) {
    const std::string layer = fmt::format("blk.{}.", i);
    b.begin_layer();
    b.graph().scope(layer + "attention");
    x = b.add(x, b.attention(b.rms_norm(x, layer + "attn_norm", c.eps), layer, attention(i)));
    b.graph().scope(layer + "mlp");
    x = b.add(x, b.gated_mlp(b.rms_norm(x, layer + "ffn_norm", c.eps), layer, c.mlp_width));
  }
  b.graph().scope("output");
  b.logits(x, "output_norm", c.eps);
}

void build_pre_norm_decoder(ModelBuilder& b, const TransformerConfig& c, const AttentionOptions& attention) {
  build_pre_norm_decoder(b, c, [&](int64_t) { return attention; });
}

}  // namespace isthmus
