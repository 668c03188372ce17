// SPDX-License-Identifier: Apache-2.0
// The one intermediate representation: values with dtype and symbolic dimensions, nodes that apply operators,
// state values with ordered reads and writes, and regions for control flow.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/op_def.h"
#include "ops/prepared_op.h"

namespace isthmus {

using ValueId = int32_t;
inline constexpr ValueId kNoValue = -1;  // an absent optional operand

enum class ValueKind : uint8_t {
  kInput,     // given at every run
  kConstant,  // bytes that outlive the graph: a mapped file's, or the graph's own
  kState,  // lives between runs (caches, recurrent states, generators); bound once, read and written in node
           // order
  kComputed,  // a node's output
};

struct Value {
  ValueKind kind = ValueKind::kComputed;
  TensorType type;
  std::string name;  // for people and for binding inputs, states and outputs
  // kConstant only.
  const void* data = nullptr;
  std::shared_ptr<const void> owner = {};  // keeps data alive
  std::string source = {};  // names the bytes by where they lie in a file (MappedFile::name_of), or empty
  // kComputed by a fused node only: the operator that made it before, and which of its outputs it was. Traces
  // call it so, to compare it with what other chips compute one by one.
  const OpDef* part = nullptr;
  int part_output = 0;
};

struct Graph;

struct Node {
  const OpDef* op = nullptr;
  Attributes attributes;  // complete
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::vector<std::shared_ptr<const Graph>> regions;  // of control flow: control_flow.h
  std::string name;                                   // where it came from: "layers.3.attention"
};

struct Symbol {
  std::string name;
  SymbolRange range;
};

// Nodes are in execution order. Values are never removed while passes run, so ids stay valid.
struct Graph {
  std::vector<Symbol> symbols;
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<ValueId> inputs;   // in declared order
  std::vector<ValueId> outputs;  // in declared order
  std::vector<ValueId> states;

  std::vector<SymbolRange> symbol_ranges() const;
  // Type of a value, or of an absent operand.
  const TensorType& type(ValueId value) const;
  // One line per node, those of regions set in; for people.
  std::string to_string(int indent = 0) const;
};

// True when the node, or one inside its regions, writes a state.
bool writes_state(const Node& node);

// Structure and types: ids in range, operands made before they are used, one producer each, types as the
// operators' rules say, states bound to state operands, symbols known. Run between passes in debug builds.
Status check(const Graph& graph);

}  // namespace isthmus
