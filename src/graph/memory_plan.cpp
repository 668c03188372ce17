// SPDX-License-Identifier: Apache-2.0
#include "graph/memory_plan.h"

#include <algorithm>

namespace isthmus {
namespace {

uint64_t largest_bytes(const Graph& graph, const TensorType& type) {
  int64_t elements = 1;
  for (const Dim& dim : type.shape)
    elements *= dim.fixed() ? dim.offset : dim.scale * graph.symbols[dim.symbol].range.max + dim.offset;
  return static_cast<uint64_t>(dtype_bytes(type.dtype, elements));
}

struct Life {
  ValueId value;
  uint64_t bytes;
  int first, last;  // nodes, inclusive
};

}  // namespace

bool is_view(const Graph& graph, const Node& node) {
  return node.op->view && graph.values[node.inputs[0]].kind != ValueKind::kState;
}

MemoryPlan plan_memory(const Graph& graph, uint64_t alignment) {
  MemoryPlan plan;
  plan.places.resize(graph.values.size());
  for (size_t v = 0; v < graph.values.size(); ++v) plan.places[v].root = static_cast<ValueId>(v);
  for (const Node& node : graph.nodes)
    if (is_view(graph, node)) plan.places[node.outputs[0]].root = plan.places[node.inputs[0]].root;

  const int end = static_cast<int>(graph.nodes.size());
  std::vector<int> first(graph.values.size(), -1), last(graph.values.size(), -1);
  for (int n = 0; n < end; ++n) {
    for (ValueId v : graph.nodes[n].outputs) {
      if (v == kNoValue) continue;
      const ValueId root = plan.places[v].root;
      if (first[root] < 0) first[root] = n;
      last[root] = std::max(last[root], n);
    }
    for (ValueId v : graph.nodes[n].inputs)
      if (v != kNoValue) last[plan.places[v].root] = n;
  }
  for (ValueId v : graph.outputs) last[plan.places[v].root] = end;

  std::vector<Life> lives;
  for (size_t v = 0; v < graph.values.size(); ++v) {
    const Value& value = graph.values[v];
    const uint64_t bytes = value.type.present() ? largest_bytes(graph, value.type) : 0;
    plan.places[v].bytes = bytes;
    if (value.kind != ValueKind::kComputed || plan.places[v].root != static_cast<ValueId>(v) || first[v] < 0)
      continue;
    plan.places[v].in_arena = true;
    lives.push_back(
        {static_cast<ValueId>(v), (bytes + alignment - 1) / alignment * alignment, first[v], last[v]});
  }
  std::stable_sort(lives.begin(), lives.end(),
                   [](const Life& a, const Life& b) { return a.bytes > b.bytes; });

  std::vector<const Life*> placed;
  for (const Life& life : lives) {
    std::vector<const Life*> meeting;
    for (const Life* other : placed)
      if (other->first <= life.last && life.first <= other->last) meeting.push_back(other);
    std::sort(meeting.begin(), meeting.end(), [&](const Life* a, const Life* b) {
      return plan.places[a->value].offset < plan.places[b->value].offset;
    });
    uint64_t offset = 0;
    for (const Life* other : meeting) {
      const uint64_t taken = plan.places[other->value].offset;
      if (offset + life.bytes <= taken) break;
      offset = std::max(offset, taken + other->bytes);
    }
    plan.places[life.value].offset = offset;
    plan.arena_bytes = std::max(plan.arena_bytes, offset + life.bytes);
    placed.push_back(&life);
  }
  return plan;
}

}  // namespace isthmus
