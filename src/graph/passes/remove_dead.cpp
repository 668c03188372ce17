// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "graph/passes/pass.h"

namespace isthmus {

Status remove_dead(Graph& graph, const PassContext&) {
  std::vector<char> used(graph.values.size(), 0);
  for (ValueId v : graph.outputs) used[v] = 1;
  std::vector<Node> kept;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    const bool needed =
        writes_state(*node) || std::any_of(node->outputs.begin(), node->outputs.end(),
                                           [&](ValueId v) { return v != kNoValue && used[v]; });
    if (!needed) continue;
    for (ValueId v : node->inputs)
      if (v != kNoValue) used[v] = 1;
    kept.push_back(std::move(*node));
  }
  std::reverse(kept.begin(), kept.end());
  graph.nodes = std::move(kept);
  return ok();
}

}  // namespace isthmus
