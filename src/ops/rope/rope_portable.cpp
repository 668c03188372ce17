// SPDX-License-Identifier: Apache-2.0
// The host's side of rope.cl.
#include "ops/portable/portable.h"

namespace isthmus {
namespace {

struct Rope {
  int64_t tokens, heads, width, pairs;
  int64_t x[3], y[3];
  int64_t position_step, frequency_step;
  float scale;
};

Result<PortablePlan> prepare(const PortableQuery& query) {
  PortablePlan plan;
  plan.source = "rope/rope.cl";
  plan.entries = {"rope"};
  plan.f64 = true;  // sin and cos
  plan.define("X", std::string(dtype_name(query.dtype(0))));
  plan.define("NEOX", int64_t{query.attributes.s("style") == "neox"});
  const float scale = static_cast<float>(query.attributes.f("scale"));
  plan.run = [scale](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &positions = run.operands[1],
                               &inv_freq = run.operands[2], &y = run.operands[3];
    Rope p = {};
    p.tokens = x.dims[0];
    p.heads = x.dims[1];
    p.width = x.dims[2];
    p.pairs = inv_freq.dims[0];
    for (int d = 0; d < 3; ++d) {
      p.x[d] = x.strides[d];
      p.y[d] = y.strides[d];
    }
    p.position_step = positions.strides[0];
    p.frequency_step = inv_freq.strides[0];
    p.scale = scale;
    KernelArguments arguments;
    arguments.operand(x).operand(positions).operand(inv_freq).operand(y).value(p);
    return run.launch(0, Grid::items(p.tokens * p.heads * (p.width - p.pairs)), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"rope", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(rope, kernels)
