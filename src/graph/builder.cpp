// SPDX-License-Identifier: Apache-2.0
#include "graph/builder.h"

#include <algorithm>

#include "graph/control_flow.h"
#include "ops/registry.h"

namespace isthmus {

Result<std::vector<ValueId>> append_node(Graph& graph, std::vector<Node>& nodes, const OpDef& op,
                                         std::vector<ValueId> inputs, const Attributes& attributes,
                                         std::string name) {
  ASSIGN_OR_RETURN(Attributes complete, op.complete(attributes));
  std::vector<TensorType> types;
  for (ValueId v : inputs) types.push_back(graph.type(v));
  ASSIGN_OR_RETURN(std::vector<TensorType> outputs, op.infer_types(types, complete));
  Node node;
  node.op = &op;
  node.attributes = std::move(complete);
  node.inputs = std::move(inputs);
  node.inputs.resize(std::max(node.inputs.size(), op.inputs.size()), kNoValue);
  node.name = std::move(name);
  for (TensorType& type : outputs) {
    if (!type.present()) {
      node.outputs.push_back(kNoValue);
      continue;
    }
    Value value;
    value.type = std::move(type);
    graph.values.push_back(std::move(value));
    node.outputs.push_back(static_cast<ValueId>(graph.values.size() - 1));
  }
  nodes.push_back(std::move(node));
  return nodes.back().outputs;
}

ValueId GraphBuilder::add(Value value) {
  if (value.type.rank() > kMaxRank) fail(invalid_argument("'{}' has rank {}", value.name, value.type.rank()));
  graph_.values.push_back(std::move(value));
  return static_cast<ValueId>(graph_.values.size() - 1);
}

Dim GraphBuilder::symbol(std::string name, SymbolRange range) {
  graph_.symbols.push_back({std::move(name), range});
  return Dim::of_symbol(static_cast<int32_t>(graph_.symbols.size() - 1));
}

ValueId GraphBuilder::input(std::string name, Dtype dtype, Shape shape) {
  const ValueId v = add({ValueKind::kInput, {dtype, std::move(shape)}, std::move(name), nullptr, nullptr});
  graph_.inputs.push_back(v);
  return v;
}

ValueId GraphBuilder::state(std::string name, Dtype dtype, Shape shape) {
  const ValueId v = add({ValueKind::kState, {dtype, std::move(shape)}, std::move(name), nullptr, nullptr});
  graph_.states.push_back(v);
  return v;
}

ValueId GraphBuilder::constant(std::string name, Dtype dtype, Shape shape, const void* data,
                               std::shared_ptr<const void> owner, std::string source) {
  return add({ValueKind::kConstant,
              {dtype, std::move(shape)},
              std::move(name),
              data,
              std::move(owner),
              std::move(source)});
}

ValueId GraphBuilder::constant_f32(std::string name, Shape shape, std::vector<float> values) {
  auto owned = std::make_shared<const std::vector<float>>(std::move(values));
  const void* data = owned->data();
  return constant(std::move(name), Dtype::kF32, std::move(shape), data, std::move(owned));
}

void GraphBuilder::output(ValueId value, std::string name) {
  if (value < 0) return;  // The error that made it so is kept.
  graph_.values[value].name = std::move(name);
  graph_.outputs.push_back(value);
}

Result<std::vector<EmitValue>> GraphBuilder::emit(std::string_view name, std::vector<EmitValue> inputs,
                                                  Attributes attributes) {
  ASSIGN_OR_RETURN(const OpDef* op, require_op(name));
  return append_node(graph_, graph_.nodes, *op, std::move(inputs), attributes, scope_);
}

std::vector<ValueId> GraphBuilder::op_all(std::string_view name, std::vector<ValueId> inputs,
                                          Attributes attributes) {
  if (!status_.ok()) return {};
  Result<std::vector<EmitValue>> outputs = emit(name, inputs, std::move(attributes));
  if (!outputs.ok()) {
    // An operator knows its operands by their roles; a person looks for the file's tensors.
    std::string constants;
    for (ValueId v : inputs)
      if (v != kNoValue && graph_.values[v].kind == ValueKind::kConstant)
        constants += (constants.empty() ? "" : ", ") + graph_.values[v].name;
    Status status = outputs.status();
    if (!constants.empty()) status = std::move(status).with_context(constants);
    if (!scope_.empty()) status = std::move(status).with_context(scope_);
    fail(std::move(status));
    return {};
  }
  return *outputs;
}

ValueId GraphBuilder::op(std::string_view name, std::vector<ValueId> inputs, Attributes attributes) {
  const std::vector<ValueId> outputs = op_all(name, std::move(inputs), std::move(attributes));
  return outputs.empty() ? kNoValue : outputs[0];
}

Result<std::vector<ValueId>> GraphBuilder::emit_control_flow(
    const OpDef& op, std::vector<ValueId> inputs, std::vector<std::shared_ptr<const Graph>> regions) {
  return append_control_flow(graph_, op, std::move(inputs), std::move(regions), scope_);
}

std::shared_ptr<const Graph> GraphBuilder::region(const char* name, bool iteration,
                                                  const std::vector<ValueId>& operands, const Region& build) {
  if (!status_.ok()) return nullptr;
  GraphBuilder inner;
  inner.graph_.symbols = graph_.symbols;
  inner.scope_ = scope_;
  std::vector<ValueId> parameters;
  if (iteration) parameters.push_back(inner.input("iteration", Dtype::kI64, {}));
  for (ValueId v : operands) {
    if (v == kNoValue) {
      fail(invalid_argument("the region '{}' is given an absent operand", name));
      return nullptr;
    }
    const Value& value = graph_.values[v];
    parameters.push_back(value.kind == ValueKind::kState
                             ? inner.state(value.name, value.type.dtype, value.type.shape)
                             : inner.input(value.name, value.type.dtype, value.type.shape));
  }
  std::vector<ValueId> outputs = build(inner, parameters);
  if (std::find(outputs.begin(), outputs.end(), kNoValue) != outputs.end())
    inner.fail(invalid_argument("one of its outputs is no value"));
  inner.graph_.outputs = std::move(outputs);
  Result<Graph> graph = inner.finish();
  if (!graph.ok()) {
    fail(Status(graph.status()).with_context(fmt::format("the region '{}'", name)));
    return nullptr;
  }
  return std::make_shared<const Graph>(std::move(graph).value());
}

std::vector<ValueId> GraphBuilder::control_flow(const OpDef& op, std::vector<ValueId> inputs,
                                                std::vector<std::shared_ptr<const Graph>> regions) {
  if (!status_.ok()) return {};
  Result<std::vector<ValueId>> outputs = emit_control_flow(op, std::move(inputs), std::move(regions));
  if (outputs.ok()) return *outputs;
  fail(scope_.empty() ? outputs.status() : Status(outputs.status()).with_context(scope_));
  return {};
}

std::vector<ValueId> GraphBuilder::if_else(ValueId condition, const std::vector<ValueId>& operands,
                                           const Region& then_region, const Region& else_region) {
  std::vector<ValueId> inputs = {condition};
  inputs.insert(inputs.end(), operands.begin(), operands.end());
  std::vector<std::shared_ptr<const Graph>> regions = {region("then", false, operands, then_region),
                                                       region("else", false, operands, else_region)};
  return control_flow(if_op(), std::move(inputs), std::move(regions));
}

std::vector<ValueId> GraphBuilder::loop(ValueId trip_count, ValueId condition,
                                        const std::vector<ValueId>& carried,
                                        const std::vector<ValueId>& operands, const Region& body) {
  for (ValueId v : carried)
    if (v != kNoValue && graph_.values[v].kind == ValueKind::kState)
      fail(
          invalid_argument("a loop cannot carry the state '{}': states are operands", graph_.values[v].name));
  std::vector<ValueId> all = carried;
  all.insert(all.end(), operands.begin(), operands.end());
  std::vector<ValueId> inputs = {trip_count, condition};
  inputs.insert(inputs.end(), all.begin(), all.end());
  std::vector<std::shared_ptr<const Graph>> regions = {region("body", true, all, body)};
  return control_flow(loop_op(), std::move(inputs), std::move(regions));
}

Result<Graph> GraphBuilder::finish() {
  if (!status_.ok()) return status_;
  RETURN_IF_ERROR(check(graph_), "the finished graph");
  return std::move(graph_);
}

}  // namespace isthmus
