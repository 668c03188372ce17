// SPDX-License-Identifier: Apache-2.0
// Where computed values live: offsets into one arena, shared by values whose lifetimes do not overlap.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"

namespace isthmus {

struct MemoryPlan {
  struct Place {
    ValueId root = kNoValue;  // the value whose memory this one is a view of; itself when it has its own
    uint64_t offset = 0;      // into the arena; for roots of kind kComputed
    uint64_t bytes = 0;       // at the largest dimensions
    bool in_arena = false;
  };
  std::vector<Place> places;  // by value
  uint64_t arena_bytes = 0;
};

// True for nodes that executables turn into views of their first input: nothing runs. A state is copied
// instead, since what is written to it later must not show.
bool is_view(const Graph& graph, const Node& node);

// Plans by lifetime: values are placed in order of falling size at the lowest offset free during their lives.
// Outputs of the graph live to the end. Sizes are rounded up to `alignment`.
MemoryPlan plan_memory(const Graph& graph, uint64_t alignment);

}  // namespace isthmus
