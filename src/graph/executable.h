// SPDX-License-Identifier: Apache-2.0
// A graph compiled for one device: operators prepared, weights placed, memory planned. The only way engines
// run operators.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "graph/memory_plan.h"
#include "graph/profile.h"
#include "graph/weight_store.h"

namespace isthmus {

// How far compiling is, for those who watch: a chip may build kernels and rearrange weights for a minute.
struct CompileProgress {
  enum Stage { kOperators, kWeights } stage;
  std::string_view device;
  uint64_t done, total;  // operators, or bytes of weights
};

struct CompileOptions {
  PreparePolicy policy;
  std::function<void(const CompileProgress&)> progress;  // from any thread, one at a time
};

class ControlStep;

// One thread at a time; several executables may run on several streams.
class Executable {
 public:
  ~Executable();
  // Runs the passes for the device, then prepares every node. `weights` is of the same device.
  static Result<std::unique_ptr<Executable>> compile(Graph graph, DevicePtr device,
                                                     std::shared_ptr<WeightStore> weights,
                                                     const CompileOptions& options = {});

  // Device memory of an input, of its largest size; filled by the caller before run, on the same stream.
  Result<isthmus_address_t> input(std::string_view name) const;
  // States are bound before the first run, or again when no stream still runs this; the memory belongs to the
  // caller.
  Status bind_state(std::string_view name, isthmus_address_t address);
  // Where an output lies after a run, until the next run.
  Result<isthmus_address_t> output(std::string_view name) const;
  // Where any value lies; 0 for one that lies nowhere, such as a constant that is no output.
  isthmus_address_t address_of(ValueId value) const;

  // Puts one run on the stream. symbols: a number for each of the graph's, within its range. A graph with
  // control flow waits for the stream in between (control_step.h). Where the chip can capture, the second of
  // two runs with the same symbols is captured, and later ones with them replay it.
  // load: for profiles.
  Status run(std::span<const int64_t> symbols, Stream& stream, const CacheLoad& load = {});

  // For control flow: the region of an if or a loop, whose passes have run. Its inputs and states are memory
  // of the graph around it, named before every run.
  static Result<std::unique_ptr<Executable>> of_region(Graph region, DevicePtr device,
                                                       std::shared_ptr<WeightStore> weights,
                                                       const CompileOptions& options);
  void bind_parameters(std::span<const isthmus_address_t> inputs, std::span<const isthmus_address_t> states);
  uint64_t input_bytes(size_t index) const { return plan_.places[graph_.inputs[index]].bytes; }
  isthmus_address_t output_address(size_t index) const { return address_of(graph_.outputs[index]); }

  // One value that a run computed, as it lies in memory: contiguous, little-endian on every machine we know.
  struct Observed {
    const Node* node;
    const OpDef*
        op;      // what made it: the node's operator, or the part of it that was one before nodes were fused
    int output;  // which of that operator's
    TensorType type;
    std::vector<int64_t> dims;
    std::span<const std::byte> bytes;  // until the observer returns
  };
  using Observer = std::function<Status(const Observed&)>;
  // From now on every run waits after each node and shows what it computed; an error ends the run. Null: no
  // more. Regions are shown as one node.
  void observe(Observer observer) { observer_ = std::move(observer); }

  // From now on every run is recorded there while it records, and none is replayed; null: no more. Regions
  // are not looked into. Chips without stream_mark are waited for after each operator.
  void profile(Profile* profile) { profile_ = profile; }

  const Graph& graph() const { return graph_; }
  uint64_t arena_bytes() const { return plan_.arena_bytes; }

  // How many sequences are kept for replay.
  size_t captured() const { return replays_.size(); }

  // What runs where: one row per operator and implementation, with those inside regions.
  struct ReportRow {
    std::string op, implementation;
    std::string refusal;  // see PreparedOp::refusal; the first node's that has one
    int nodes = 0;
    bool fallback = false;
    uint64_t bytes_copied = 0;
  };
  std::vector<ReportRow> report() const;
  // Rows of one operator and implementation made one.
  static std::vector<ReportRow> merged(std::vector<ReportRow> rows);

 private:
  struct Step {
    const Node* node;
    std::unique_ptr<PreparedOp> op;        // an operator, or
    std::unique_ptr<ControlStep> flow;     // an if or a loop
    std::vector<ValueId> operands;         // inputs, then outputs
    std::vector<isthmus_address_t> fixed;  // addresses of packed constants; 0: the value's own
    std::vector<isthmus_tensor_arg_t> args;
    std::shared_ptr<const Profile::Kind> kind;  // for the symbols resolved last; made when it is recorded
  };
  Executable();
  static Result<std::unique_ptr<Executable>> build(Graph graph, DevicePtr device,
                                                   std::shared_ptr<WeightStore> weights,
                                                   const CompileOptions& options, bool own_inputs);
  Status prepare_steps(const CompileOptions& options);
  Status place_weights(const CompileOptions& options);
  Status resolve(std::span<const int64_t> symbols);
  Status run_steps(std::span<const int64_t> symbols, Stream& stream, const CacheLoad& load);
  Status show(const Step& step, Stream& stream);
  std::shared_ptr<const Profile::Kind> kind_of(const Step& step) const;
  Status run_profiled(Step& step, Stream& stream, const CacheLoad& load);

  Graph graph_;
  DevicePtr device_;
  std::shared_ptr<WeightStore> weights_;
  MemoryPlan plan_;
  std::vector<Step> steps_;
  Buffer arena_, workspace_;
  std::vector<Buffer> inputs_;                // by position in graph_.inputs
  std::vector<isthmus_address_t> addresses_;  // of roots not in the arena: inputs, states, constant outputs
  bool resolved_ = false;
  std::vector<int64_t> resolved_for_;  // the symbols args were last filled for
  // Runs that are replayed. The first few symbols that come twice in a row stay: to drop one for another
  // would mean to wait for whatever stream still runs it.
  struct Replay {
    std::vector<int64_t> symbols;
    std::unique_ptr<Capture> capture;
  };
  bool can_capture_ = false;
  Observer observer_;
  Profile* profile_ = nullptr;
  std::vector<Replay> replays_;
};

// The operands of a node as a chip is told of them.
std::vector<OperandSpec> operand_specs(const Graph& graph, const Node& node);

}  // namespace isthmus
