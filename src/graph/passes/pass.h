// SPDX-License-Identifier: Apache-2.0
// Graph passes: one file each, each a function from graph to graph. run_passes() is the list, in order.
#pragma once

#include <functional>

#include "graph/graph.h"

namespace isthmus {

// What a pass may ask about the chip the graph is for. Null function: everything is taken.
struct PassContext {
  // Ok when the chip has the operator itself; its reason otherwise.
  std::function<Status(const Graph&, const Node&)> supported;
};

// Nodes whose outputs nobody reads and that write no state go.
Status remove_dead(Graph& graph, const PassContext& context);
// Nodes with equal operator, attributes and operands become one.
Status share_common(Graph& graph, const PassContext& context);
// Fused operators the chip lacks become the simpler ones of their decomposition, as long as there is one.
Status decompose(Graph& graph, const PassContext& context);
// Small nodes over constants alone are computed now.
Status fold_constants(Graph& graph, const PassContext& context);

// Nodes that are exactly what a fused operator is made of become that operator, where the chip itself has it;
// no bit changes.
Status fuse(Graph& graph, const PassContext& context);
// What run_passes does, inside the regions of control flow; first, constants they are given become their own.
Status enter_regions(Graph& graph, const PassContext& context);

// All of the above in order, with a check of the graph between them in debug builds and at the end always.
Status run_passes(Graph& graph, const PassContext& context);

// Replaces every use of a value by another.
void replace_uses(Graph& graph, ValueId old_value, ValueId new_value);

}  // namespace isthmus
