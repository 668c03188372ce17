// SPDX-License-Identifier: Apache-2.0
// The host's side of grouped_transposed.cl.
#include "ops/portable/portable.h"

namespace isthmus {
namespace {

struct Transposed {
  int64_t groups, rows, columns, depth;
  int64_t x_row, x_step, w_row, w_step, end_step, y_group, y_row, y_step;
};

Result<PortablePlan> prepare(const PortableQuery& query) {
  PortablePlan plan;
  plan.source = "matmul/grouped_transposed.cl";
  plan.entries = {"grouped_transposed"};
  plan.divides = false;
  plan.define("X", std::string(dtype_name(query.dtype(0))))
      .define("INDEX", std::string(dtype_name(query.dtype(2))));
  plan.run = [](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &w = run.operands[1], &ends = run.operands[2],
                               &y = run.operands[3];
    const Transposed p = {y.dims[0],       y.dims[1],    y.dims[2],    x.dims[0],
                          x.strides[0],    x.strides[1], w.strides[0], w.strides[1],
                          ends.strides[0], y.strides[0], y.strides[1], y.strides[2]};
    KernelArguments arguments;
    for (int i = 0; i < 4; ++i) arguments.operand(run.operands[i]);
    arguments.value(p);
    return run.launch(0, Grid::items(p.groups * p.rows * p.columns), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"grouped_matmul_transposed", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(grouped_transposed, kernels)
