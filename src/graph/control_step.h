// SPDX-License-Identifier: Apache-2.0
// Runs an if or a loop of a compiled graph: its regions are executables of their own on the same stream.
#pragma once

#include <array>

#include "graph/control_flow.h"
#include "graph/executable.h"

namespace isthmus {

// Unlike an operator, control flow waits for the stream: the host reads conditions and trip counts to know
// what to put on it next. A loop waits once per iteration, unless its body's condition is a constant.
class ControlStep {
 public:
  static Result<std::unique_ptr<ControlStep>> prepare(const Graph& graph, const Node& node, DevicePtr device,
                                                      std::shared_ptr<WeightStore> weights,
                                                      const CompileOptions& options);
  // args: one for each of the node's inputs, then outputs, resolved for these symbols.
  Status run(std::span<const isthmus_tensor_arg_t> args, std::span<const int64_t> symbols, Stream& stream);

  const std::string& name() const { return op_->name; }
  const std::vector<std::unique_ptr<Executable>>& regions() const { return regions_; }

 private:
  // Two places for a value that a loop carries: an iteration reads one while its result goes to the other.
  struct Carried {
    Buffer buffers[2];
  };
  ControlStep() = default;
  Status run_if(std::span<const isthmus_tensor_arg_t> args, std::span<const int64_t> symbols, Stream& stream);
  Status run_loop(std::span<const isthmus_tensor_arg_t> args, std::span<const int64_t> symbols,
                  Stream& stream);
  // Bytes of output i of the node for the dims of its argument.
  uint64_t output_bytes(std::span<const isthmus_tensor_arg_t> args, size_t i) const;

  const OpDef* op_ = nullptr;
  RegionOperands operands_;
  size_t input_count_ = 0;
  std::vector<TensorType> output_types_;
  std::vector<std::unique_ptr<Executable>> regions_;
  // Of a loop.
  std::vector<Carried> carried_;
  Buffer iteration_;
  std::array<int64_t, 64> numbers_ = {};  // iterations on their way to the device
};

}  // namespace isthmus
