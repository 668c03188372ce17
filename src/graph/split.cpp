// SPDX-License-Identifier: Apache-2.0
#include "graph/split.h"

#include <algorithm>

namespace isthmus {
namespace {

constexpr size_t kNoPart = SIZE_MAX;

// Of a value: the part that makes it; of a state: the part that uses it.
struct Use {
  size_t maker = kNoPart;
  size_t state_of = kNoPart;
};

void add_once(std::vector<ValueId>& list, ValueId v) {
  if (std::find(list.begin(), list.end(), v) == list.end()) list.push_back(v);
}

}  // namespace

Result<std::vector<Graph>> split_graph(const Graph& graph, std::span<const size_t> cuts) {
  std::vector<size_t> ends(cuts.begin(), cuts.end());
  ends.push_back(graph.nodes.size());
  if (!std::is_sorted(ends.begin(), ends.end()))
    return invalid_argument("a graph of {} nodes cannot be cut at {}", graph.nodes.size(),
                            fmt::join(cuts, ", "));
  std::vector<Use> uses(graph.values.size());
  std::vector<Graph> parts;
  size_t begin = 0;
  for (size_t p = 0; p < ends.size(); begin = ends[p++]) {
    Graph part;
    part.symbols = graph.symbols;
    part.values = graph.values;
    for (size_t n = begin; n < ends[p]; ++n) {
      const Node& node = graph.nodes[n];
      part.nodes.push_back(node);
      for (ValueId v : node.outputs)
        if (v != kNoValue) uses[static_cast<size_t>(v)].maker = p;
      for (ValueId v : node.inputs) {
        if (v == kNoValue) continue;
        Value& value = part.values[static_cast<size_t>(v)];
        Use& use = uses[static_cast<size_t>(v)];
        if (value.kind == ValueKind::kState) {
          if (use.state_of != kNoPart && use.state_of != p)
            return invalid_argument("state '{}' is used by parts {} and {} of the graph", value.name,
                                    use.state_of, p);
          use.state_of = p;
          add_once(part.states, v);
        } else if (value.kind == ValueKind::kInput) {
          add_once(part.inputs, v);
        } else if (value.kind == ValueKind::kComputed && use.maker != p) {
          Graph& maker = parts[use.maker];
          Value& made = maker.values[static_cast<size_t>(v)];
          if (made.name.empty()) made.name = fmt::format("value {}", v);
          add_once(maker.outputs, v);
          value.kind = ValueKind::kInput;
          value.name = made.name;
          add_once(part.inputs, v);
        }
      }
    }
    parts.push_back(std::move(part));
  }
  for (ValueId v : graph.outputs) {
    const size_t maker = uses[static_cast<size_t>(v)].maker;
    Graph& part = parts[maker == kNoPart ? parts.size() - 1 : maker];
    if (maker == kNoPart && graph.values[static_cast<size_t>(v)].kind == ValueKind::kInput)
      add_once(part.inputs, v);
    add_once(part.outputs, v);
  }
  return parts;
}

}  // namespace isthmus
