// SPDX-License-Identifier: Apache-2.0
// If and loop, with regions that are graphs under construction.
#include "graph/control_flow.h"

#include "api/guard.h"
#include "api/handles.h"
#include "isthmus/graph.h"

using namespace isthmus;
using namespace isthmus::api;

namespace {

struct Call {
  isthmus_graph_t* graph;
  std::vector<isthmus_value_t> controls;
  const isthmus_value_t* operands;
  int32_t operand_count;
  std::vector<const isthmus_graph_t*> regions;
  isthmus_value_t* outputs;
  int32_t output_count;
};

Status append(const OpDef& op, const Call& call) {
  isthmus_graph_t& graph = *call.graph;
  if (call.operand_count < 0 || (call.operand_count > 0 && !call.operands))
    return invalid_argument("{}: {} operands", op.name, call.operand_count);
  std::vector<ValueId> inputs = call.controls;
  inputs.insert(inputs.end(), call.operands, call.operands + call.operand_count);
  for (size_t i = 0; i < inputs.size(); ++i)
    if (i >= call.controls.size() || inputs[i] != kNoValue)
      RETURN_IF_ERROR(graph.check_value(inputs[i]), "{}: input {}", op.name, i);
  std::vector<std::shared_ptr<const Graph>> regions;
  for (const isthmus_graph_t* region : call.regions) {
    ASSIGN_OR_RETURN(Graph finished, region->finish(), "{}: a region", op.name);
    regions.push_back(std::make_shared<const Graph>(std::move(finished)));
  }
  const size_t most =
      call.regions[0]->outputs.size() - (&op == &loop_op() && !call.regions[0]->outputs.empty());
  if (call.output_count < 0 || static_cast<size_t>(call.output_count) > most ||
      (call.output_count > 0 && !call.outputs))
    return invalid_argument("{}: {} outputs, it has {}", op.name, call.output_count, most);
  ASSIGN_OR_RETURN(const auto made,
                   graph.builder.emit_control_flow(op, std::move(inputs), std::move(regions)));
  for (ValueId v : made) graph.value_count = std::max(graph.value_count, v + 1);
  std::copy_n(made.begin(), call.output_count, call.outputs);
  return ok();
}

}  // namespace

isthmus_status_t isthmus_graph_if(isthmus_graph_t* graph, isthmus_value_t condition,
                                  const isthmus_value_t* operands, int32_t operand_count,
                                  const isthmus_graph_t* then_region, const isthmus_graph_t* else_region,
                                  isthmus_value_t* outputs, int32_t output_count) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_graph_if", ISTHMUS_POINTER(graph), ISTHMUS_POINTER(then_region),
                            ISTHMUS_POINTER(else_region)));
    return append(
        if_op(),
        {graph, {condition}, operands, operand_count, {then_region, else_region}, outputs, output_count});
  });
}

isthmus_status_t isthmus_graph_loop(isthmus_graph_t* graph, isthmus_value_t trip_count,
                                    isthmus_value_t condition, const isthmus_value_t* operands,
                                    int32_t operand_count, const isthmus_graph_t* body,
                                    isthmus_value_t* outputs, int32_t output_count) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_graph_loop", ISTHMUS_POINTER(graph), ISTHMUS_POINTER(body)));
    return append(loop_op(),
                  {graph, {trip_count, condition}, operands, operand_count, {body}, outputs, output_count});
  });
}
