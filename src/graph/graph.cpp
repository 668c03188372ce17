// SPDX-License-Identifier: Apache-2.0
#include "graph/graph.h"

#include <algorithm>

#include "graph/control_flow.h"

namespace isthmus {

std::vector<SymbolRange> Graph::symbol_ranges() const {
  std::vector<SymbolRange> ranges;
  for (const Symbol& symbol : symbols) ranges.push_back(symbol.range);
  return ranges;
}

const TensorType& Graph::type(ValueId value) const {
  static const TensorType absent;
  return value == kNoValue ? absent : values[value].type;
}

bool writes_state(const Node& node) {
  for (const Port& port : node.op->inputs)
    if (port.state) return true;
  for (const auto& region : node.regions)
    if (std::any_of(region->nodes.begin(), region->nodes.end(), writes_state)) return true;
  return false;
}

std::string Graph::to_string(int indent) const {
  auto describe = [&](ValueId v) {
    if (v == kNoValue) return std::string("_");
    const Value& value = values[v];
    return fmt::format("%{}{}:{}{}", v, value.name.empty() ? "" : "(" + value.name + ")",
                       dtype_name(value.type.dtype), shape_to_string(value.type.shape));
  };
  std::string text;
  for (const Node& node : nodes) {
    text.append(static_cast<size_t>(indent), ' ');
    for (size_t i = 0; i < node.outputs.size(); ++i) text += (i ? ", " : "") + describe(node.outputs[i]);
    text += fmt::format("{}{}(", node.outputs.empty() ? "" : " = ", node.op->name);
    for (size_t i = 0; i < node.inputs.size(); ++i) text += (i ? ", " : "") + describe(node.inputs[i]);
    text += ")\n";
    for (size_t r = 0; r < node.regions.size(); ++r) {
      const Graph& region = *node.regions[r];
      text += fmt::format("{:{}}{}:\n", "", indent + 2, region_name(node, r));
      text += region.to_string(indent + 4);
    }
  }
  return text;
}

namespace {

Status check_node(const Graph& graph, const Node& node, std::vector<char>& made) {
  std::vector<TensorType> inputs;
  const bool flow = is_control_flow(node);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const ValueId v = node.inputs[i];
    if (v != kNoValue) {
      if (v < 0 || v >= static_cast<ValueId>(graph.values.size()))
        return error(Code::kInternal, "input {} is value {}, which does not exist", i, v);
      if (!made[v]) return error(Code::kInternal, "input {} is value {}, which is made later", i, v);
      const Port* port = flow ? nullptr : &node.op->inputs[std::min(i, node.op->inputs.size() - 1)];
      if (port && port->state && graph.values[v].kind != ValueKind::kState)
        return error(Code::kInternal, "input '{}' is written in place, so it must be a state", port->name);
    }
    inputs.push_back(graph.type(v));
  }
  ASSIGN_OR_RETURN(const auto outputs,
                   flow ? control_flow_types(graph, node) : node.op->infer_types(inputs, node.attributes));
  if (outputs.size() != node.outputs.size())
    return error(Code::kInternal, "has {} outputs, the operator {}", node.outputs.size(), outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const ValueId v = node.outputs[i];
    if (v == kNoValue) continue;
    if (v < 0 || v >= static_cast<ValueId>(graph.values.size()) || made[v])
      return error(Code::kInternal, "output {} is value {}, which does not exist or is made twice", i, v);
    if (!(outputs[i] == graph.values[v].type))
      return error(Code::kInternal, "output {} has type {}{}, the operator's rule says {}{}", i,
                   dtype_name(graph.values[v].type.dtype), shape_to_string(graph.values[v].type.shape),
                   dtype_name(outputs[i].dtype), shape_to_string(outputs[i].shape));
    made[v] = 1;
  }
  return ok();
}

}  // namespace

Status check(const Graph& graph) {
  std::vector<char> made(graph.values.size(), 0);
  for (size_t v = 0; v < graph.values.size(); ++v) {
    const Value& value = graph.values[v];
    if (value.kind != ValueKind::kComputed) made[v] = 1;
    if (value.kind == ValueKind::kConstant && !value.data)
      return error(Code::kInternal, "constant {} '{}' has no data", v, value.name);
    for (const Dim& dim : value.type.shape)
      if (dim.symbol >= static_cast<int32_t>(graph.symbols.size()))
        return error(Code::kInternal, "value {} uses symbol {}, which does not exist", v, dim.symbol);
  }
  for (size_t n = 0; n < graph.nodes.size(); ++n)
    RETURN_IF_ERROR(check_node(graph, graph.nodes[n], made), "node {} ({} {})", n, graph.nodes[n].op->name,
                    graph.nodes[n].name);
  for (ValueId v : graph.outputs)
    if (v < 0 || v >= static_cast<ValueId>(graph.values.size()) || !made[v])
      return error(Code::kInternal, "output {} is never made", v);
  return ok();
}

}  // namespace isthmus
