// SPDX-License-Identifier: Apache-2.0
// Control flow as nodes of a graph: "if" and "loop", whose bodies are graphs of their own, called regions.
//
// They are no registered operators: their types follow from their regions and not from their operands, no
// chip prepares them, and there is no reference or sample of them. So their declarations live here.
//
//   if    inputs: condition BOOL, one element; operands…    regions: then, else
//   loop  inputs: trip count I64, one element, or absent; condition BOOL, one element, or absent; operands…
//         regions: body, which runs while iteration < trip count and the condition holds
//
// A region sees nothing from outside but the operands: those that are no states are its inputs, in order; the
// states are its states, in order. The body of a loop has one more input in front, the iteration (I64, a
// scalar). The regions of an if give the node's outputs. The body gives the next condition, then the carried
// values; these are the node's outputs, and the first operands are what they start with.
// A region may use the symbols of the graph around it.
#pragma once

#include "graph/graph.h"

namespace isthmus {

const OpDef& if_op();
const OpDef& loop_op();
bool is_control_flow(const Node& node);
// Names of a node's regions, for people.
const char* region_name(const Node& node, size_t region);

// A node's operands as its regions see them. Positions are those of Node::inputs.
struct RegionOperands {
  std::vector<size_t> inputs;  // of the regions, without the iteration of a loop
  std::vector<size_t> states;
};
RegionOperands region_operands(const Graph& graph, const Node& node);

// Types of the node's outputs; an error where the regions do not fit the operands or each other.
Result<std::vector<TensorType>> control_flow_types(const Graph& graph, const Node& node);

// Appends an if or a loop, with fresh output values.
Result<std::vector<ValueId>> append_control_flow(Graph& graph, const OpDef& op, std::vector<ValueId> inputs,
                                                 std::vector<std::shared_ptr<const Graph>> regions,
                                                 std::string name);

}  // namespace isthmus
