// SPDX-License-Identifier: Apache-2.0
// The host's side of grouped_matmul.cl.
#include "ops/portable/portable.h"

namespace isthmus {
namespace {

struct Grouped {
  int64_t count, columns, depth, groups;
  int64_t x_row, x_step, w_group, w_row, w_step, index_step, y_row, y_step;
};

Result<PortablePlan> prepare(const PortableQuery& query) {
  PortablePlan plan;
  plan.source = "matmul/grouped_matmul.cl";
  plan.entries = {"grouped_matmul"};
  plan.divides = false;
  plan.define("X", std::string(dtype_name(query.dtype(0))))
      .define("INDEX", std::string(dtype_name(query.dtype(2))));
  if (query.dtype(0) == Dtype::kBF16) plan.define("PAIRS", int64_t{1});
  plan.run = [](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &w = run.operands[1], &groups = run.operands[2],
                               &y = run.operands[3];
    const Grouped p = {y.dims[0],    y.dims[1],         x.dims[1],    w.dims[0],
                       x.strides[0], x.strides[1],      w.strides[0], w.strides[1],
                       w.strides[2], groups.strides[0], y.strides[0], y.strides[1]};
    KernelArguments arguments;
    for (int i = 0; i < 4; ++i) arguments.operand(run.operands[i]);
    arguments.value(p);
    return run.launch(0, Grid::items(p.count * p.columns), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"grouped_matmul", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(grouped_matmul, kernels)
