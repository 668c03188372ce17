// SPDX-License-Identifier: Apache-2.0
// The blocks that model families are put together from. Families call these; the blocks call operators.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/builder.h"
#include "llm/model_file.h"
#include "llm/rotary.h"
#include "llm/state/state_store.h"

namespace isthmus {

// How much a step may hold; fixed when a model is compiled.
struct StepLimits {
  int64_t max_tokens = 512;  // rows in one step, over all sequences
  int64_t max_sequences = 1;
  int64_t max_output_rows = 1;      // rows whose logits one step gives
  int64_t max_blocks = 1;           // blocks of one sequence: context / kCacheBlock, rounded up
  int64_t cache_blocks = 1;         // blocks of the whole cache
  Dtype cache_dtype = Dtype::kF16;  // F32, F16, BF16, Q8_0
};

struct AttentionOptions {
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t window = 0;   // 0: all earlier positions
  double soft_cap = 0;  // 0: none
  double scale = 0;     // 0: 1 / sqrt(head_dim)
  const Rotary* rotary = nullptr;
  bool norm_heads = false;  // RMS norms on q and k per head (Qwen3)
  double eps = 0;
};

// Inputs of every step graph: tokens, positions, slots, sequences [tokens]; block_table [sequences,
// max_blocks]; output_rows [output rows]. Output: logits [output rows, vocabulary].
class ModelBuilder {
 public:
  ModelBuilder(std::shared_ptr<const ModelFile> file, const StepLimits& limits);

  const ModelFile& file() const { return *file_; }
  GraphBuilder& graph() { return graph_; }
  int64_t vocabulary() const { return vocabulary_; }

  // A layer begins here: one of the places at which a model can be split over chips.
  void begin_layer() { layer_starts_.push_back(graph_.node_count()); }
  // The first node of each layer in the graph that finish() gives.
  const std::vector<size_t>& layer_starts() const { return layer_starts_; }

  // -- blocks; tensors are named without ".weight" --
  ValueId embed_tokens(const std::string& tensor);
  ValueId rms_norm(ValueId x, const std::string& tensor, double eps);
  // The one way to a linear layer: y = x W^T (+ bias when the file has one). Checks both dimensions.
  ValueId linear(ValueId x, const std::string& tensor, int64_t out, int64_t in);
  ValueId add(ValueId a, ValueId b) { return graph_.op("add", {a, b}); }
  // attn_q, attn_k, attn_v, attn_output under `prefix`, with the cache of this layer.
  ValueId attention(ValueId x, const std::string& prefix, const AttentionOptions& options);
  // ffn_gate, ffn_up, ffn_down under `prefix`.
  ValueId gated_mlp(ValueId x, const std::string& prefix, int64_t width, const char* activation = "swiglu");
  // Norm and vocabulary product of the rows asked for; `output` falls back to the embedding (tied).
  void logits(ValueId x, const std::string& norm, double eps);

  int64_t hidden() const { return hidden_; }
  Result<Graph> finish() { return graph_.finish(); }
  const std::vector<StateDeclaration>& states() const { return states_; }

 private:
  ValueId weight(const std::string& tensor, std::vector<int64_t> dims);
  ValueId frequencies(const Rotary& rotary);
  struct Cache {
    ValueId numbers, scales;  // scales of a Q8_0 cache
  };
  // Declares a paged cache, dims after the blocks; dims[axis] runs along a head.
  Cache cache(const std::string& name, std::vector<int64_t> dims, size_t axis);

  std::shared_ptr<const ModelFile> file_;
  StepLimits limits_;
  GraphBuilder graph_;
  ValueId tokens_, positions_, slots_, sequences_, block_table_, output_rows_;
  const Rotary* rotary_ = nullptr;  // of frequencies_
  ValueId frequencies_ = kNoValue;
  int64_t hidden_ = 0, vocabulary_ = 0;
  std::vector<size_t> layer_starts_;
  std::vector<StateDeclaration> states_;
};

}  // namespace isthmus
