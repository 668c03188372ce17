// SPDX-License-Identifier: Apache-2.0
// The engine: sequences of tokens, and steps that compute what is new in many of them at once.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/pipeline.h"
#include "llm/model.h"
#include "llm/state/state_store.h"
#include "runtime/platform.h"

namespace isthmus {

struct EngineOptions {
  // Which chip runs it; or several with commas, "cpu,opencl:0", each with a share of the layers.
  std::string device = "cpu";
  std::vector<int64_t> split;       // layers of each chip; empty: equal shares
  int64_t context = 0;              // positions per sequence; 0: the model's, at most 8192
  int64_t cache_tokens = 0;         // positions of the whole cache; 0: room for max_sequences full contexts
  int max_sequences = 1;            // in one step
  int chunk_tokens = 512;           // rows in one step: longer prompts take several
  int output_rows = 0;              // rows of logits in one step; 0: max_sequences
  Dtype cache_dtype = Dtype::kF16;  // F32, F16, BF16, Q8_0
  bool prefix_reuse = true;
  bool ignore_memory = false;  // start even when memory seems too small
  PreparePolicy policy;
  // Asked before each weight is placed and each step computed, from any thread: true makes that fail with
  // kCancelled.
  std::function<bool()> cancelled;
  std::function<void(const CompileProgress&)> progress;  // of making the engine, see CompileOptions
  PackedCache packed_cache{PackedCache::default_folder()};
  WeightMode weights = WeightMode::kMapped;
};

// What the options come to for a model; Model::memory_need says what that takes.
Result<StepLimits> step_limits(const Model& model, const EngineOptions& options);

using SequenceId = int64_t;

// One thread at a time.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>> create(std::shared_ptr<const Model> model,
                                                std::shared_ptr<Platform> platform,
                                                const EngineOptions& options);
  // On devices that are open already; options.device is for messages.
  static Result<std::unique_ptr<Engine>> create(std::shared_ptr<const Model> model,
                                                std::vector<DevicePtr> devices, const EngineOptions& options);
  ~Engine();

  // -- sequences --
  // Starts a sequence. Blocks that hold the same beginning already are shared, not computed again.
  Result<SequenceId> add(std::span<const int32_t> tokens);
  Status append(SequenceId id, std::span<const int32_t> tokens);
  // Replaces the tokens, keeping what is computed of the common beginning: a chat's next turn.
  Status assign(SequenceId id, std::span<const int32_t> tokens);
  Status truncate(SequenceId id, int64_t length);  // keeps the first `length` tokens
  Result<SequenceId> fork(SequenceId id);          // shares everything, copies on write
  void remove(SequenceId id);
  std::span<const int32_t> tokens(SequenceId id) const;
  int64_t computed(SequenceId id) const;  // tokens whose state exists

  // What is computed of a sequence, as bytes; and a sequence made of them, on any engine of the same model,
  // cache dtype and device.
  Result<std::vector<std::byte>> save(SequenceId id);
  Result<SequenceId> restore(std::span<const std::byte> saved);
  // For measuring: lengthens a sequence to `length` tokens with what is computed of it over and over. The
  // contents mean nothing, but steps take as long as after so many computed tokens. Both are whole blocks
  // long.
  Status repeat(SequenceId id, int64_t length);

  // -- steps --
  struct Logits {
    SequenceId sequence;
    int64_t position;               // of the token they follow
    std::span<const float> values;  // one per vocabulary entry; valid until the next step
  };
  // Computes as many new tokens as one step holds: first sequences that lack one, then prompts in chunks.
  // Gives the logits after the last token of every sequence that is now complete. Empty when nothing is new.
  Result<std::vector<Logits>> step();
  // The same for one sequence, with logits at every new position of the chunk (at most output_rows rows).
  Result<std::vector<Logits>> step_all_logits(SequenceId id);

  const Model& model() const { return *model_; }
  // The part of the model that each chip runs, in order.
  struct Part {
    DevicePtr device;
    std::shared_ptr<WeightStore> weights;  // shared by parts on one device
    int64_t layers;
  };
  const std::vector<Part>& parts() const { return parts_; }
  std::string device_id() const;    // "cpu:0", or of several "cpu:0,opencl:0"
  std::string device_name() const;  // for people, as Device::properties; of several with commas
  // What runs where, over all parts.
  std::vector<Executable::ReportRow> report() const { return pipeline_->report(); }
  // Shows every value that steps compute from now on; see Executable::observe.
  void observe(Executable::Observer observer);
  // Records what steps run from now on; see Executable::profile. The platform was made with its host options.
  void profile(Profile* profile) { pipeline_->profile(profile); }
  int64_t context() const { return context_; }
  int64_t vocabulary() const { return vocabulary_; }
  uint64_t state_bytes() const { return states_->bytes(); }
  uint64_t reused_tokens() const { return reused_tokens_; }  // found by prefix, over all sequences

 private:
  struct Sequence {
    std::vector<int32_t> tokens;
    SequenceState state;
  };
  struct Row {
    Sequence* sequence;
    SequenceId id;
    int64_t begin, count;
    bool all_logits;
  };
  Engine() = default;
  Status place(std::vector<DevicePtr> devices, const EngineOptions& options);
  Status compile(const EngineOptions& options);
  Result<Sequence*> find(SequenceId id);
  Status check_length(size_t length) const;
  Result<std::vector<Logits>> run(std::span<const Row> rows);
  // What one run of the pipeline computes of a step, as its inputs; kept while they are copied.
  struct Piece {
    std::vector<int32_t> tokens, positions, slots, sequences, block_table, output_rows;
  };
  // Cuts a step so that all chips have work: into one piece for one chip. Says whose logits come.
  std::vector<Logits> fill_pieces(std::span<const Row> rows);
  Status start(const Piece& piece, float* logits);

  std::shared_ptr<const Model> model_;
  std::vector<Part> parts_;
  std::function<bool()> cancelled_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<StateStore> states_;
  StepLimits limits_;
  int64_t context_ = 0, vocabulary_ = 0;
  std::map<SequenceId, Sequence> sequences_;
  SequenceId next_id_ = 1;
  uint64_t reused_tokens_ = 0;
  std::vector<Piece> pieces_;
  bool observed_ = false;
  std::vector<float> logits_;
};

}  // namespace isthmus
