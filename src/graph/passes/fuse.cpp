// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "graph/passes/pass.h"
#include "ops/registry.h"

namespace isthmus {
namespace {

// Who makes and who reads each value; node numbers in order.
struct Uses {
  explicit Uses(const Graph& graph)
      : maker(graph.values.size(), -1), readers(graph.values.size()), is_output(graph.values.size(), false) {
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      for (ValueId v : graph.nodes[n].outputs)
        if (v != kNoValue) maker[v] = static_cast<int>(n);
      for (ValueId v : graph.nodes[n].inputs)
        if (v != kNoValue) readers[v].push_back(static_cast<int>(n));
    }
    for (ValueId v : graph.outputs) is_output[v] = true;
  }
  std::vector<int> maker;
  std::vector<std::vector<int>> readers;
  std::vector<bool> is_output;
};

// What a fused operator would be applied to, were the nodes around a node what it is made of.
struct Guess {
  std::vector<ValueId> inputs;
  Attributes attributes;
};

struct Row {
  const char* fused;
  const char* last;  // the operator a guess starts from
  std::optional<Guess> (*guess)(const Graph&, const Uses&, const Node& last);
};

// activation(gate) * up
std::optional<Guess> gated(const Graph& graph, const Uses& uses, const Node& product) {
  const int activation = uses.maker[product.inputs[0]];
  if (activation < 0 || graph.nodes[activation].inputs.empty()) return std::nullopt;
  return Guess{{graph.nodes[activation].inputs[0], product.inputs[1]}, {}};
}

// Products of the same activations: this one and the first of the others.
template <size_t kCount>
std::optional<Guess> products(const Graph& graph, const Uses& uses, const Node& one) {
  Guess guess{{one.inputs[0], one.inputs[1], one.inputs[2]}, {}};
  size_t found = 0;
  for (int n : uses.readers[one.inputs[0]]) {
    const Node& other = graph.nodes[n];
    if (other.op != one.op || !std::equal(one.inputs.begin(), one.inputs.begin() + 3, other.inputs.begin()))
      continue;
    if (found++ < kCount) guess.inputs.insert(guess.inputs.end(), {other.inputs[3], other.inputs[4]});
  }
  return found < kCount ? std::nullopt : std::optional(guess);
}

// quantize_rows(activation(gate, up)) of a pair of products
std::optional<Guess> gated_products(const Graph& graph, const Uses& uses, const Node& quantize) {
  const int activation = uses.maker[quantize.inputs[0]];
  if (activation < 0 || graph.nodes[activation].inputs.empty()) return std::nullopt;
  const int pair = uses.maker[graph.nodes[activation].inputs[0]];
  if (pair < 0 || graph.nodes[pair].op->name != "linear_quantized_pair") return std::nullopt;
  return Guess{graph.nodes[pair].inputs, {{"activation", graph.nodes[activation].op->name}}};
}

// Tried in order. A row only says where to look: that the nodes are exactly what the fused operator's
// declaration decomposes into is found out from the declaration.
constexpr Row kRows[] = {
    {"swiglu", "mul", gated},
    {"geglu", "mul", gated},
    {"geglu_tanh", "mul", gated},
    {"reglu", "mul", gated},
    {"glu", "mul", gated},
    {"linear_quantized_triple", "linear_quantized", products<3>},
    {"linear_quantized_pair", "linear_quantized", products<2>},
    {"linear_quantized_gated", "quantize_rows", gated_products},
};

// A decomposition that finds its nodes in the graph instead of making them.
class Finder : public Emitter {
 public:
  Finder(const Graph& graph, const Uses& uses) : graph_(graph), uses_(uses) {}
  const TensorType& type(EmitValue value) const override { return graph_.type(value); }
  Result<std::vector<EmitValue>> emit(std::string_view name, std::vector<EmitValue> inputs,
                                      Attributes attributes) override {
    ASSIGN_OR_RETURN(const OpDef* op, require_op(name));
    ASSIGN_OR_RETURN(const Attributes complete, op->complete(attributes));
    inputs.resize(std::max(inputs.size(), op->inputs.size()), kNoValue);
    if (inputs.empty() || inputs[0] == kNoValue)
      return error(Code::kNotFound, "nowhere to look for {}", name);
    for (int n : uses_.readers[inputs[0]]) {
      const Node& node = graph_.nodes[n];
      if (node.op != op || node.inputs != inputs || !(node.attributes == complete) || writes_state(node))
        continue;
      if (std::find(found_.begin(), found_.end(), n) != found_.end()) continue;
      found_.push_back(n);
      return node.outputs;
    }
    return error(Code::kNotFound, "the graph has no such {}", name);
  }
  // In the graph's order.
  std::vector<int> found() {
    std::sort(found_.begin(), found_.end());
    return found_;
  }

 private:
  const Graph& graph_;
  const Uses& uses_;
  std::vector<int> found_;
};

bool contains(const std::vector<int>& nodes, int n) {
  return std::binary_search(nodes.begin(), nodes.end(), n);
}

// Where the fused node can stand: behind what its inputs are made by, before whatever reads its outputs. -1:
// nowhere, or something else reads a value that would be gone.
int place_for(const Graph& graph, const Uses& uses, const std::vector<int>& parts, const Node& fused) {
  int place = parts.back();
  for (int n : parts) {
    for (ValueId v : graph.nodes[n].outputs) {
      if (v == kNoValue) continue;
      const bool kept = std::find(fused.outputs.begin(), fused.outputs.end(), v) != fused.outputs.end();
      if (!kept && uses.is_output[v]) return -1;
      for (int reader : uses.readers[v]) {
        if (contains(parts, reader)) continue;
        if (!kept) return -1;
        while (place > reader) place = *(std::lower_bound(parts.begin(), parts.end(), reader) - 1);
      }
    }
  }
  for (ValueId v : fused.inputs) {
    if (v == kNoValue) continue;
    // Reads of a state must not change places with writes.
    if (graph.values[v].kind == ValueKind::kState) return -1;
    if (uses.maker[v] >= place || contains(parts, uses.maker[v])) return -1;
  }
  return place;
}

// The fused node in place of its parts, which become nodes of no operator; false where they are not there.
Result<bool> try_row(Graph& graph, const PassContext& context, const Uses& uses, const Row& row, int last) {
  const std::optional<Guess> guess = row.guess(graph, uses, graph.nodes[last]);
  if (!guess) return false;
  Node fused;
  ASSIGN_OR_RETURN(fused.op, require_op(row.fused));
  ASSIGN_OR_RETURN(fused.attributes, fused.op->complete(guess->attributes));
  fused.inputs = guess->inputs;
  fused.inputs.resize(std::max(fused.inputs.size(), fused.op->inputs.size()), kNoValue);
  fused.name = graph.nodes[last].name;
  std::vector<TensorType> types;
  for (ValueId v : fused.inputs) types.push_back(graph.type(v));
  if (!fused.op->infer_types(types, fused.attributes).ok()) return false;
  Finder finder(graph, uses);
  Result<std::vector<EmitValue>> outputs = fused.op->decompose(finder, fused.inputs, fused.attributes);
  if (!outputs.ok()) return false;
  fused.outputs = std::move(outputs).value();
  const std::vector<int> parts = finder.found();
  if (!contains(parts, last)) return false;
  const int place = place_for(graph, uses, parts, fused);
  if (place < 0 || (context.supported && !context.supported(graph, fused).ok())) return false;
  for (int n : parts) {
    const Node& part = graph.nodes[n];
    for (size_t i = 0; i < part.outputs.size(); ++i) {
      if (part.outputs[i] == kNoValue) continue;
      Value& value = graph.values[part.outputs[i]];
      if (value.part) continue;  // of a node that was fused itself
      value.part = part.op;
      value.part_output = static_cast<int>(i);
    }
    graph.nodes[n] = Node();
  }
  graph.nodes[place] = std::move(fused);
  return true;
}

}  // namespace

Status fuse(Graph& graph, const PassContext& context) {
  for (const Row& row : kRows) {
    Uses uses(graph);
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      if (!graph.nodes[n].op || graph.nodes[n].op->name != row.last) continue;
      ASSIGN_OR_RETURN(const bool done, try_row(graph, context, uses, row, static_cast<int>(n)), "{}",
                       row.fused);
      if (done) uses = Uses(graph);
    }
    std::erase_if(graph.nodes, [](const Node& node) { return !node.op; });
  }
  return ok();
}

}  // namespace isthmus
