// SPDX-License-Identifier: Apache-2.0
// The host's side of gated.cl.
#include <array>

#include "ops/gated/gated_portable.h"
#include "ops/portable/loops.h"
#include "ops/portable/portable.h"

namespace isthmus {
namespace {

Result<PortablePlan> prepare(const PortableQuery& query) {
  const std::array<int32_t, 3> ranks = {query.operands[0].rank, query.operands[1].rank,
                                        query.operands[2].rank};
  PortablePlan plan;
  plan.source = "gated/gated.cl";
  plan.entries = {"gated"};
  plan.define("X", std::string(dtype_name(query.dtype(0))))
      .define("ACTIVATION", gated_activations().at(query.op.name));
  plan.run = [ranks](const PortableRun& run) {
    const Loops loops = make_loops(run.operands, ranks);
    const int64_t n = loop_elements(loops);
    KernelArguments arguments;
    for (int i = 0; i < 3; ++i) arguments.operand(run.operands[i]);
    arguments.value(loops).value(n);
    return run.launch(0, Grid::items(n), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() {
  std::vector<PortableKernel> all;
  for (const auto& [name, activation] : gated_activations()) all.push_back({name, prepare});
  return all;
}

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(gated, kernels)
