// SPDX-License-Identifier: Apache-2.0
#include "graph/control_step.h"

#include <limits>

#include "graph/control_flow.h"

namespace isthmus {

Result<std::unique_ptr<ControlStep>> ControlStep::prepare(const Graph& graph, const Node& node,
                                                          DevicePtr device,
                                                          std::shared_ptr<WeightStore> weights,
                                                          const CompileOptions& options) {
  std::unique_ptr<ControlStep> step(new ControlStep);
  step->op_ = node.op;
  step->operands_ = region_operands(graph, node);
  step->input_count_ = node.inputs.size();
  for (ValueId v : node.outputs) step->output_types_.push_back(graph.type(v));
  for (size_t r = 0; r < node.regions.size(); ++r) {
    ASSIGN_OR_RETURN(auto region, Executable::of_region(*node.regions[r], device, weights, options),
                     "the region '{}'", region_name(node, r));
    step->regions_.push_back(std::move(region));
  }
  if (node.op != &loop_op()) return step;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    Carried carried;
    for (Buffer& buffer : carried.buffers) {
      ASSIGN_OR_RETURN(buffer,
                       device->allocate(std::max<uint64_t>(step->regions_[0]->input_bytes(i + 1), 1)));
    }
    step->carried_.push_back(std::move(carried));
  }
  ASSIGN_OR_RETURN(step->iteration_, device->allocate(sizeof(int64_t)));
  return step;
}

uint64_t ControlStep::output_bytes(std::span<const isthmus_tensor_arg_t> args, size_t i) const {
  const isthmus_tensor_arg_t& arg = args[input_count_ + i];
  int64_t elements = 1;
  for (int d = 0; d < output_types_[i].rank(); ++d) elements *= arg.dims[d];
  return static_cast<uint64_t>(dtype_bytes(output_types_[i].dtype, elements));
}

Status ControlStep::run(std::span<const isthmus_tensor_arg_t> args, std::span<const int64_t> symbols,
                        Stream& stream) {
  return op_ == &if_op() ? run_if(args, symbols, stream) : run_loop(args, symbols, stream);
}

Status ControlStep::run_if(std::span<const isthmus_tensor_arg_t> args, std::span<const int64_t> symbols,
                           Stream& stream) {
  uint8_t condition = 0;
  RETURN_IF_ERROR(stream.download(&condition, args[0].address, 1));
  RETURN_IF_ERROR(stream.wait());
  Executable& region = *regions_[condition ? 0 : 1];
  std::vector<isthmus_address_t> inputs, states;
  for (size_t at : operands_.inputs) inputs.push_back(args[at].address);
  for (size_t at : operands_.states) states.push_back(args[at].address);
  region.bind_parameters(inputs, states);
  RETURN_IF_ERROR(region.run(symbols.first(region.graph().symbols.size()), stream));
  for (size_t i = 0; i < output_types_.size(); ++i)
    if (const uint64_t bytes = output_bytes(args, i))
      RETURN_IF_ERROR(stream.copy(args[input_count_ + i].address, region.output_address(i), bytes));
  return ok();
}

Status ControlStep::run_loop(std::span<const isthmus_tensor_arg_t> args, std::span<const int64_t> symbols,
                             Stream& stream) {
  Executable& body = *regions_[0];
  int64_t trip_count = std::numeric_limits<int64_t>::max();
  uint8_t condition = 1;
  if (args[0].address) RETURN_IF_ERROR(stream.download(&trip_count, args[0].address, sizeof trip_count));
  if (args[1].address) RETURN_IF_ERROR(stream.download(&condition, args[1].address, 1));
  RETURN_IF_ERROR(stream.wait());
  const Value& next_condition = body.graph().values[body.graph().outputs[0]];
  std::vector<isthmus_address_t> inputs = {iteration_.address()}, states;
  for (size_t at : operands_.inputs) inputs.push_back(args[at].address);
  for (size_t at : operands_.states) states.push_back(args[at].address);
  for (int64_t i = 0; i < trip_count && condition; ++i) {
    int64_t& number = numbers_[static_cast<size_t>(i) % numbers_.size()];
    // Before a number is overwritten the device has taken it; so work does not pile up without end either.
    if (i > 0 && &number == &numbers_[0]) RETURN_IF_ERROR(stream.wait());
    number = i;
    RETURN_IF_ERROR(stream.upload(iteration_.address(), &number, sizeof number));
    body.bind_parameters(inputs, states);
    RETURN_IF_ERROR(body.run(symbols.first(body.graph().symbols.size()), stream), "iteration {}", i);
    for (size_t c = 0; c < carried_.size(); ++c) {
      const isthmus_address_t next = carried_[c].buffers[i % 2].address();
      if (const uint64_t bytes = output_bytes(args, c))
        RETURN_IF_ERROR(stream.copy(next, body.output_address(c + 1), bytes));
      inputs[c + 1] = next;
    }
    if (next_condition.kind == ValueKind::kConstant) {
      condition = *static_cast<const uint8_t*>(next_condition.data);
    } else {
      RETURN_IF_ERROR(stream.download(&condition, body.output_address(0), 1));
      RETURN_IF_ERROR(stream.wait());
    }
  }
  for (size_t c = 0; c < carried_.size(); ++c)
    if (const uint64_t bytes = output_bytes(args, c))
      RETURN_IF_ERROR(stream.copy(args[input_count_ + c].address, inputs[c + 1], bytes));
  return ok();
}

}  // namespace isthmus
