// SPDX-License-Identifier: Apache-2.0
#include "graph/control_flow.h"

namespace isthmus {
namespace {

// Deeper than any program people write, and shallow enough to walk by recursion.
constexpr int kMaxNesting = 16;

OpDef declare(const char* name, const char* meaning, std::vector<Port> controls) {
  OpDef def;
  def.name = name;
  def.family = "Control flow";
  def.meaning = meaning;
  def.inputs = std::move(controls);
  return def;
}

size_t control_count(const Node& node) { return node.op->inputs.size(); }

std::string type_text(const TensorType& type) {
  return fmt::format("{} {}", dtype_name(type.dtype), shape_to_string(type.shape));
}

bool one_element(const TensorType& type, Dtype dtype) {
  return type.dtype == dtype && (type.rank() == 0 || (type.rank() == 1 && type.shape[0].is(1)));
}

int nesting(const Graph& graph) {
  int deepest = 0;
  for (const Node& node : graph.nodes)
    for (const auto& region : node.regions) deepest = std::max(deepest, 1 + nesting(*region));
  return deepest;
}

Status check_controls(const Graph& graph, const Node& node) {
  if (node.inputs.size() < control_count(node))
    return invalid_argument("{}: inputs are missing", node.op->name);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const ValueId v = node.inputs[i];
    if (i >= control_count(node)) {
      if (v == kNoValue)
        return invalid_argument("{}: operand {} is absent", node.op->name, i - control_count(node));
      continue;
    }
    const Port& port = node.op->inputs[i];
    if (v == kNoValue && port.optional) continue;
    if (!one_element(graph.type(v), port.dtypes[0]))
      return invalid_argument("{}: the {} must be one {}, not {}", node.op->name, port.name,
                              dtype_name(port.dtypes[0]),
                              v == kNoValue ? std::string("absent") : type_text(graph.type(v)));
  }
  return ok();
}

Status check_parameter(const Graph& region, const char* kind, size_t index, ValueId parameter,
                       const TensorType& given) {
  if (region.type(parameter) == given) return ok();
  return invalid_argument("takes {} as {} {} ('{}'), but is given {}", type_text(region.type(parameter)),
                          kind, index, region.values[parameter].name, type_text(given));
}

// The region's parameters against the operands and, of a loop, the iteration in front of them.
Status check_region(const Graph& graph, const Node& node, const Graph& region) {
  if (nesting(region) >= kMaxNesting)
    return invalid_argument("regions are nested deeper than {}", kMaxNesting);
  if (region.symbols.size() > graph.symbols.size())
    return invalid_argument("has {} symbols, the graph around it {}", region.symbols.size(),
                            graph.symbols.size());
  for (size_t i = 0; i < region.symbols.size(); ++i) {
    const Symbol &inner = region.symbols[i], &outer = graph.symbols[i];
    if (inner.name != outer.name || inner.range.min != outer.range.min || inner.range.max != outer.range.max)
      return invalid_argument("symbol {} is '{}' ({} to {}), but '{}' ({} to {}) in the graph around it", i,
                              inner.name, inner.range.min, inner.range.max, outer.name, outer.range.min,
                              outer.range.max);
  }
  std::vector<TensorType> given;
  if (node.op == &loop_op()) given.push_back({Dtype::kI64, {}});
  const RegionOperands operands = region_operands(graph, node);
  for (size_t at : operands.inputs) given.push_back(graph.type(node.inputs[at]));
  if (region.inputs.size() != given.size() || region.states.size() != operands.states.size())
    return invalid_argument("takes {} inputs and {} states, but is given {} and {}", region.inputs.size(),
                            region.states.size(), given.size(), operands.states.size());
  for (size_t i = 0; i < given.size(); ++i)
    RETURN_IF_ERROR(check_parameter(region, "input", i, region.inputs[i], given[i]));
  for (size_t i = 0; i < operands.states.size(); ++i)
    RETURN_IF_ERROR(
        check_parameter(region, "state", i, region.states[i], graph.type(node.inputs[operands.states[i]])));
  return check(region);
}

std::vector<TensorType> output_types(const Graph& region) {
  std::vector<TensorType> types;
  for (ValueId v : region.outputs) types.push_back(region.type(v));
  return types;
}

Result<std::vector<TensorType>> if_types(const Node& node) {
  const std::vector<TensorType> types = output_types(*node.regions[0]),
                                other = output_types(*node.regions[1]);
  if (types.size() != other.size())
    return invalid_argument("if: the region 'then' gives {} outputs, 'else' {}", types.size(), other.size());
  for (size_t i = 0; i < types.size(); ++i)
    if (!(types[i] == other[i]))
      return invalid_argument("if: output {} is {} in the region 'then', but {} in 'else'", i,
                              type_text(types[i]), type_text(other[i]));
  return types;
}

Result<std::vector<TensorType>> loop_types(const Graph& graph, const Node& node) {
  std::vector<TensorType> types = output_types(*node.regions[0]);
  if (types.empty() || !one_element(types[0], Dtype::kBool))
    return invalid_argument("loop: the first output of the body must be the next condition, one {}",
                            dtype_name(Dtype::kBool));
  types.erase(types.begin());
  const RegionOperands operands = region_operands(graph, node);
  if (types.size() > operands.inputs.size())
    return invalid_argument("loop: the body gives {} carried values, but only {} operands start them",
                            types.size(), operands.inputs.size());
  for (size_t i = 0; i < types.size(); ++i) {
    const TensorType& start = graph.type(node.inputs[operands.inputs[i]]);
    if (!(types[i] == start))
      return invalid_argument("loop: carried value {} starts as {}, but the body gives {}", i,
                              type_text(start), type_text(types[i]));
  }
  return types;
}

}  // namespace

const OpDef& if_op() {
  static const OpDef def = declare("if", "one of two regions, by a condition read at run time",
                                   {{"condition", dtypes::boolean, "one element"}});
  return def;
}

const OpDef& loop_op() {
  static const OpDef def =
      declare("loop", "a region again and again, with values carried from one run to the next",
              {{"trip count", {Dtype::kI64}, "one element", true},
               {"condition", dtypes::boolean, "one element", true}});
  return def;
}

bool is_control_flow(const Node& node) { return node.op == &if_op() || node.op == &loop_op(); }

const char* region_name(const Node& node, size_t region) {
  return node.op == &loop_op() ? "body" : region == 0 ? "then" : "else";
}

RegionOperands region_operands(const Graph& graph, const Node& node) {
  RegionOperands operands;
  for (size_t i = control_count(node); i < node.inputs.size(); ++i)
    (graph.values[node.inputs[i]].kind == ValueKind::kState ? operands.states : operands.inputs).push_back(i);
  return operands;
}

Result<std::vector<TensorType>> control_flow_types(const Graph& graph, const Node& node) {
  const bool is_if = node.op == &if_op();
  if (node.regions.size() != (is_if ? 2 : 1))
    return invalid_argument("{}: has {} regions", node.op->name, node.regions.size());
  RETURN_IF_ERROR(check_controls(graph, node));
  for (size_t r = 0; r < node.regions.size(); ++r)
    RETURN_IF_ERROR(check_region(graph, node, *node.regions[r]), "{}: the region '{}'", node.op->name,
                    region_name(node, r));
  return is_if ? if_types(node) : loop_types(graph, node);
}

Result<std::vector<ValueId>> append_control_flow(Graph& graph, const OpDef& op, std::vector<ValueId> inputs,
                                                 std::vector<std::shared_ptr<const Graph>> regions,
                                                 std::string name) {
  Node node;
  node.op = &op;
  node.inputs = std::move(inputs);
  node.regions = std::move(regions);
  node.name = std::move(name);
  ASSIGN_OR_RETURN(const std::vector<TensorType> types, control_flow_types(graph, node));
  for (const TensorType& type : types) {
    node.outputs.push_back(static_cast<ValueId>(graph.values.size()));
    graph.values.push_back({ValueKind::kComputed, type, {}, nullptr, nullptr});
  }
  graph.nodes.push_back(std::move(node));
  return graph.nodes.back().outputs;
}

}  // namespace isthmus
