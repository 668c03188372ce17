// SPDX-License-Identifier: Apache-2.0
// The host's side of random.cl.
#include "ops/portable/loops.h"
#include "ops/portable/portable.h"

namespace isthmus {
namespace {

Result<PortablePlan> prepare(const PortableQuery& query) {
  const bool normal = query.op.name == "random_normal";
  const int inputs = query.input_count;
  const int32_t rank = query.operands[inputs].rank;
  const float low = static_cast<float>(query.attributes.f(normal ? "mean" : "low"));
  const float spread = normal ? static_cast<float>(query.attributes.f("scale"))
                              : static_cast<float>(query.attributes.f("high")) - low;
  PortablePlan plan;
  plan.source = "random/random.cl";
  plan.entries = {"random", "advance"};
  plan.divides = normal;
  plan.f64 = normal;
  plan.define("NORMAL", int64_t{normal});
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t &state = run.operands[0], &y = run.operands[inputs];
    const Loops loops = make_loops(&y, std::span(&rank, 1));
    const int64_t n = loop_elements(loops), counters = (n + 3) / 4, step = state.strides[0];
    KernelArguments making, advancing;
    making.operand(state).operand(y).value(loops).value(step).value(n).value(low).value(spread);
    RETURN_IF_ERROR(run.launch(0, Grid::items(counters), making));
    advancing.operand(state).value(step).value(counters);
    return run.launch(1, Grid::items(1, 1), advancing);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"random_uniform", prepare}, {"random_normal", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(random, kernels)
