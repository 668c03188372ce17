// SPDX-License-Identifier: Apache-2.0
// The host's side of where.cl.
#include <array>

#include "ops/portable/loops.h"
#include "ops/portable/portable.h"

namespace isthmus {
namespace {

Result<PortablePlan> prepare(const PortableQuery& query) {
  PortablePlan plan;
  plan.source = "elementwise/where.cl";
  plan.entries = {"where"};
  plan.divides = false;
  plan.define("W", word_of(query.dtype(1)));
  std::array<int32_t, 4> ranks{};
  for (int i = 0; i < 4; ++i) ranks[i] = query.operands[i].rank;
  plan.run = [=](const PortableRun& run) {
    const Loops loops = make_loops(run.operands, ranks);
    const int64_t n = loop_elements(loops);
    KernelArguments arguments;
    for (int i = 0; i < 4; ++i) arguments.operand(run.operands[i]);
    arguments.value(loops).value(n);
    return run.launch(0, Grid::items(n), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"where", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(where, kernels)
