// SPDX-License-Identifier: Apache-2.0
// The host's side of quantize_rows.cl.
#include "ops/portable/portable.h"
#include "ops/portable/rows.h"

namespace isthmus {
namespace {

struct Quantize {
  Loops rows;
  int64_t count, blocks;
  int64_t x_step, q_step, scale_step, sum_step;
};

Result<PortablePlan> prepare(const PortableQuery& query) {
  const int32_t rank = query.operands[0].rank;
  PortablePlan plan;
  plan.source = "quantize/quantize_rows.cl";
  plan.entries = {"quantize_rows"};
  plan.run = [rank](const PortableRun& run) {
    const isthmus_tensor_arg_t* t = run.operands;
    Quantize p = {};
    p.rows = row_loops<4>({t[0], t[1], t[2], t[3]}, rank, rank - 1);
    p.count = loop_elements(p.rows);
    p.blocks = t[0].dims[rank - 1] / 16;
    p.x_step = t[0].strides[rank - 1];
    p.q_step = t[1].strides[rank - 1];
    p.scale_step = t[2].strides[rank - 1];
    p.sum_step = t[3].strides[rank - 1];
    KernelArguments arguments;
    for (int i = 0; i < 4; ++i) arguments.operand(t[i]);
    arguments.value(p);
    return run.launch(0, Grid::items(p.count * p.blocks), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"quantize_rows", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(quantize_rows, kernels)
