// SPDX-License-Identifier: Apache-2.0
#include "graph/passes/pass.h"

namespace isthmus {

void replace_uses(Graph& graph, ValueId old_value, ValueId new_value) {
  for (Node& node : graph.nodes)
    for (ValueId& v : node.inputs)
      if (v == old_value) v = new_value;
  for (ValueId& v : graph.outputs) {
    if (v != old_value) continue;
    v = new_value;
    if (graph.values[new_value].kind == ValueKind::kComputed)
      graph.values[new_value].name = graph.values[old_value].name;
  }
}

Status run_passes(Graph& graph, const PassContext& context) {
  struct Row {
    const char* name;
    Status (*run)(Graph&, const PassContext&);
  };
  static constexpr Row kPasses[] = {
      {"fold_constants", fold_constants}, {"decompose", decompose}, {"share_common", share_common},
      {"remove_dead", remove_dead},       {"fuse", fuse},           {"enter_regions", enter_regions},
  };
  for (const Row& pass : kPasses) {
    RETURN_IF_ERROR(pass.run(graph, context), "pass {}", pass.name);
#ifndef NDEBUG
    RETURN_IF_ERROR(check(graph), "after pass {}", pass.name);
#endif
  }
  return check(graph).with_context("after the passes");
}

}  // namespace isthmus
