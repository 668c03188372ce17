// SPDX-License-Identifier: Apache-2.0
#include "graph/builder.h"
#include "graph/passes/pass.h"
#include "ops/registry.h"

namespace isthmus {
namespace {

// Appends the nodes of one decomposition to the list under construction.
class PassEmitter : public Emitter {
 public:
  PassEmitter(Graph& graph, std::vector<Node>& nodes, const std::string& name)
      : graph_(graph), nodes_(nodes), name_(name) {}
  const TensorType& type(EmitValue value) const override { return graph_.type(value); }
  Result<std::vector<EmitValue>> emit(std::string_view op, std::vector<EmitValue> inputs,
                                      Attributes attributes) override {
    ASSIGN_OR_RETURN(const OpDef* def, require_op(op));
    return append_node(graph_, nodes_, *def, std::move(inputs), attributes, name_);
  }

 private:
  Graph& graph_;
  std::vector<Node>& nodes_;
  const std::string& name_;
};

// Decompositions nest a few deep at most; more means that two operators decompose into each other.
constexpr int kMaxDepth = 8;

Status expand(Graph& graph, const PassContext& context, Node node, std::vector<Node>& out,
              std::vector<ValueId>& renamed, int depth) {
  if (!context.supported || !node.op->decompose || context.supported(graph, node).ok()) {
    out.push_back(std::move(node));
    return ok();
  }
  if (depth > kMaxDepth) return error(Code::kInternal, "the decomposition of '{}' never ends", node.op->name);
  std::vector<Node> parts;
  PassEmitter emitter(graph, parts, node.name);
  Result<std::vector<EmitValue>> expansion = node.op->decompose(emitter, node.inputs, node.attributes);
  if (!expansion.ok()) {
    // Some operators are fused for some operands only ('linear' over quantised weights): the others stay
    // whole.
    if (expansion.status().code() != Code::kUnimplemented)
      return std::move(expansion).status().with_context(fmt::format("decomposing '{}'", node.op->name));
    out.push_back(std::move(node));
    return ok();
  }
  const std::vector<EmitValue>& outputs = *expansion;
  if (outputs.size() != node.outputs.size())
    return error(Code::kInternal, "the decomposition of '{}' gives {} outputs, not {}", node.op->name,
                 outputs.size(), node.outputs.size());
  renamed.resize(graph.values.size(), kNoValue);
  for (size_t i = 0; i < outputs.size(); ++i)
    if (node.outputs[i] != kNoValue) renamed[node.outputs[i]] = outputs[i];
  for (Node& part : parts) RETURN_IF_ERROR(expand(graph, context, std::move(part), out, renamed, depth + 1));
  return ok();
}

}  // namespace

Status decompose(Graph& graph, const PassContext& context) {
  std::vector<Node> out;
  std::vector<ValueId> renamed(graph.values.size(), kNoValue);
  for (Node& node : graph.nodes) RETURN_IF_ERROR(expand(graph, context, std::move(node), out, renamed, 0));
  renamed.resize(graph.values.size(), kNoValue);
  auto latest = [&](ValueId v) {
    while (v != kNoValue && renamed[v] != kNoValue) v = renamed[v];
    return v;
  };
  for (Node& node : out)
    for (ValueId& v : node.inputs) v = latest(v);
  for (ValueId& v : graph.outputs) {
    const ValueId now = latest(v);
    if (now != v) graph.values[now].name = graph.values[v].name;
    v = now;
  }
  graph.nodes = std::move(out);
  return ok();
}

}  // namespace isthmus
