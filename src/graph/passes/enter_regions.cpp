// SPDX-License-Identifier: Apache-2.0
#include "graph/control_flow.h"
#include "graph/passes/pass.h"

namespace isthmus {
namespace {

// Constants that an if or a loop hands to its regions become their own, so that they are folded and packed
// there. The values a loop carries change: what they start with stays an operand.
void hand_over_constants(const Graph& graph, Node& node, std::vector<Graph>& regions) {
  const bool is_loop = node.op == &loop_op();
  const std::vector<size_t> operands = region_operands(graph, node).inputs;
  for (size_t k = operands.size(); k-- > (is_loop ? node.outputs.size() : 0);) {
    const Value& constant = graph.values[node.inputs[operands[k]]];
    if (constant.kind != ValueKind::kConstant) continue;
    for (Graph& region : regions) {
      const auto parameter = region.inputs.begin() + static_cast<int64_t>(k + (is_loop ? 1 : 0));
      region.values[*parameter] = constant;
      region.inputs.erase(parameter);
    }
    node.inputs.erase(node.inputs.begin() + static_cast<int64_t>(operands[k]));
  }
}

}  // namespace

Status enter_regions(Graph& graph, const PassContext& context) {
  for (Node& node : graph.nodes) {
    // Copies: other graphs may share the regions.
    std::vector<Graph> regions;
    for (const auto& region : node.regions) regions.push_back(*region);
    if (regions.empty()) continue;
    hand_over_constants(graph, node, regions);
    for (size_t r = 0; r < regions.size(); ++r) {
      RETURN_IF_ERROR(run_passes(regions[r], context), "the region '{}' of {} {}", region_name(node, r),
                      node.op->name, node.name);
      node.regions[r] = std::make_shared<const Graph>(std::move(regions[r]));
    }
  }
  return ok();
}

}  // namespace isthmus
