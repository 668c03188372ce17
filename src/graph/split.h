// SPDX-License-Identifier: Apache-2.0
// Cuts a graph, as it was built, into consecutive parts for several chips.
#pragma once

#include <span>
#include <vector>

#include "graph/graph.h"

namespace isthmus {

// Part i has the nodes from cuts[i - 1] to cuts[i]; the first starts at 0, the last ends with the graph. What
// a part makes and a later one reads is an output of the one and an input of the other, under one name. Value
// ids, constants and symbols stay those of the whole. A state belongs to one part: two that use it are an
// error.
Result<std::vector<Graph>> split_graph(const Graph& graph, std::span<const size_t> cuts);

}  // namespace isthmus
