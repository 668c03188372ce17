// SPDX-License-Identifier: Apache-2.0
// Builds a graph operator by operator. The first error is kept and every later call does nothing, so model
// code reads as plain formulas; finish() gives the graph or that error.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace isthmus {

class GraphBuilder : public Emitter {
 public:
  // A symbolic dimension with the smallest and largest number it takes at run time.
  Dim symbol(std::string name, SymbolRange range);
  ValueId input(std::string name, Dtype dtype, Shape shape);
  ValueId state(std::string name, Dtype dtype, Shape shape);
  // Bytes that outlive the graph and all executables made of it, or are kept alive by `owner`.
  ValueId constant(std::string name, Dtype dtype, Shape shape, const void* data,
                   std::shared_ptr<const void> owner = nullptr, std::string source = {});
  // A constant with its own copy of the values.
  ValueId constant_f32(std::string name, Shape shape, std::vector<float> values);
  void output(ValueId value, std::string name);

  // Operators with one output, and with several. Wrong operands are remembered as the builder's error.
  ValueId op(std::string_view name, std::vector<ValueId> inputs, Attributes attributes = {});
  std::vector<ValueId> op_all(std::string_view name, std::vector<ValueId> inputs, Attributes attributes = {});

  // Control flow (control_flow.h). Builds a region: gets its builder and the operands as values of it, and
  // gives the region's outputs.
  using Region = std::function<std::vector<ValueId>(GraphBuilder& region, std::span<const ValueId> operands)>;
  std::vector<ValueId> if_else(ValueId condition, const std::vector<ValueId>& operands,
                               const Region& then_region, const Region& else_region);
  // The body gets the iteration, the carried values, then the operands; it gives the next condition, then the
  // carried values. trip_count and condition may be kNoValue. Gives the carried values after the last run.
  std::vector<ValueId> loop(ValueId trip_count, ValueId condition, const std::vector<ValueId>& carried,
                            const std::vector<ValueId>& operands, const Region& body);
  // The same with regions that are graphs already.
  Result<std::vector<ValueId>> emit_control_flow(const OpDef& op, std::vector<ValueId> inputs,
                                                 std::vector<std::shared_ptr<const Graph>> regions);

  // Names given to nodes from here on: "layers.3.attention".
  void scope(std::string name) { scope_ = std::move(name); }

  size_t node_count() const { return graph_.nodes.size(); }
  const TensorType& type(ValueId value) const override { return graph_.type(value); }
  Result<std::vector<EmitValue>> emit(std::string_view op, std::vector<EmitValue> inputs,
                                      Attributes attributes = {}) override;
  void fail(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }
  const Status& status() const { return status_; }
  Result<Graph> finish();

 private:
  ValueId add(Value value);
  std::shared_ptr<const Graph> region(const char* name, bool iteration, const std::vector<ValueId>& operands,
                                      const Region& build);
  std::vector<ValueId> control_flow(const OpDef& op, std::vector<ValueId> inputs,
                                    std::vector<std::shared_ptr<const Graph>> regions);
  Graph graph_;
  Status status_;
  std::string scope_;
};

// Appends a node to a graph under construction by a pass, with fresh output values.
Result<std::vector<ValueId>> append_node(Graph& graph, std::vector<Node>& nodes, const OpDef& op,
                                         std::vector<ValueId> inputs, const Attributes& attributes,
                                         std::string name);

}  // namespace isthmus
