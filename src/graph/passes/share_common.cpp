// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "graph/passes/pass.h"

namespace isthmus {
namespace {

// Nodes that read a state are never shared: what they read may change in between.
bool shareable(const Graph& graph, const Node& node) {
  if (writes_state(node) || !node.regions.empty()) return false;
  for (ValueId v : node.inputs)
    if (v != kNoValue && graph.values[v].kind == ValueKind::kState) return false;
  return true;
}

}  // namespace

Status share_common(Graph& graph, const PassContext&) {
  std::multimap<std::pair<const OpDef*, std::vector<ValueId>>, const Node*> seen;
  std::vector<ValueId> same(graph.values.size());
  for (size_t v = 0; v < same.size(); ++v) same[v] = static_cast<ValueId>(v);
  for (Node& node : graph.nodes) {
    for (ValueId& v : node.inputs)
      if (v != kNoValue) v = same[v];
    if (!shareable(graph, node)) continue;
    const std::pair key(node.op, node.inputs);
    const Node* twin = nullptr;
    for (auto [at, end] = seen.equal_range(key); at != end; ++at)
      if (at->second->attributes == node.attributes) twin = at->second;
    if (!twin) {
      seen.emplace(key, &node);
      continue;
    }
    for (size_t i = 0; i < node.outputs.size(); ++i)
      if (node.outputs[i] != kNoValue) same[node.outputs[i]] = twin->outputs[i];
  }
  for (ValueId& v : graph.outputs) {
    if (same[v] == v) continue;
    graph.values[same[v]].name = graph.values[v].name;
    v = same[v];
  }
  return ok();
}

}  // namespace isthmus
