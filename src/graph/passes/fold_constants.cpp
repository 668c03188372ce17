// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "graph/passes/pass.h"

namespace isthmus {
namespace {

// Results larger than this stay nodes: weights are read in place, not multiplied.
constexpr int64_t kMaxElements = 1 << 16;

bool foldable(const Graph& graph, const Node& node) {
  if (writes_state(node) || node.outputs.empty() || !node.regions.empty() || node.op->family == "random")
    return false;
  bool any = false;
  for (ValueId v : node.inputs) {
    if (v == kNoValue) continue;
    if (graph.values[v].kind != ValueKind::kConstant) return false;
    any = true;
  }
  for (ValueId v : node.outputs) {
    if (v == kNoValue) continue;
    int64_t elements = 1;
    for (const Dim& dim : graph.values[v].type.shape) {
      if (!dim.fixed()) return false;
      elements *= dim.offset;
    }
    if (elements > kMaxElements) return false;
  }
  return any;
}

Tensor view(const TensorType& type, const void* data) {
  Tensor t;
  t.data = const_cast<void*>(data);
  t.dtype = type.dtype;
  t.rank = type.rank();
  for (int i = 0; i < t.rank; ++i) t.dims[i] = type.shape[i].offset;
  contiguous_strides(t.dims, t.rank, t.strides);
  return t;
}

}  // namespace

Status fold_constants(Graph& graph, const PassContext&) {
  std::vector<Node> kept;
  for (Node& node : graph.nodes) {
    if (!foldable(graph, node)) {
      kept.push_back(std::move(node));
      continue;
    }
    std::vector<Tensor> inputs, outputs;
    for (ValueId v : node.inputs)
      inputs.push_back(v == kNoValue ? Tensor{} : view(graph.values[v].type, graph.values[v].data));
    for (ValueId v : node.outputs) {
      if (v == kNoValue) {
        outputs.emplace_back();
        continue;
      }
      Value& value = graph.values[v];
      Tensor t = view(value.type, nullptr);
      std::shared_ptr<char[]> bytes(new char[static_cast<size_t>(dtype_bytes(t.dtype, t.elements())) + 1]);
      t.data = bytes.get();
      value.kind = ValueKind::kConstant;
      value.data = bytes.get();
      value.owner = bytes;
      outputs.push_back(t);
    }
    RETURN_IF_ERROR(node.op->reference(ReferenceCall{inputs, outputs, node.attributes}), "{}", node.op->name);
  }
  graph.nodes = std::move(kept);
  return ok();
}

}  // namespace isthmus
