// SPDX-License-Identifier: Apache-2.0
// The host's side of linear_dequantized.cl.
#include "ops/portable/portable.h"
#include "ops/portable/rows.h"

namespace isthmus {
namespace {

struct Dequantized {
  Loops rows;
  int64_t count, columns, depth, group;
  int64_t x_step, y_step, w_row, w_step;
  int64_t scale_row, scale_step, offset_row, offset_step, bias_step;
};

Result<PortablePlan> prepare(const PortableQuery& query) {
  constexpr int64_t kRows = 4;
  const int32_t rank = query.operands[0].rank;
  const auto name = [&](int operand) { return std::string(dtype_name(query.dtype(operand))); };
  PortablePlan plan;
  plan.source = "matmul/linear_dequantized.cl";
  plan.entries = {"linear_dequantized"};
  plan.divides = false;
  plan.define("X", name(0)).define("SCALE", name(2)).define("ROWS", kRows);
  plan.define("FOUR_BITS", int64_t{query.dtype(1) == Dtype::kU8});
  if (query.present(3)) plan.define("OFFSET", name(3));
  if (query.present(4)) plan.define("BIAS", name(4));
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &weight = run.operands[1], &scale = run.operands[2],
                               &offset = run.operands[3], &bias = run.operands[4], &y = run.operands[5];
    Dequantized p = {};
    p.rows = row_loops<2>({x, y}, rank, rank - 1);
    p.count = loop_elements(p.rows);
    p.columns = weight.dims[0];
    p.depth = x.dims[rank - 1];
    p.group = p.depth >= scale.dims[1] ? p.depth / scale.dims[1] : 1;
    p.x_step = x.strides[rank - 1];
    p.y_step = y.strides[rank - 1];
    p.w_row = weight.strides[0];
    p.w_step = weight.strides[1];
    p.scale_row = scale.strides[0];
    p.scale_step = scale.strides[1];
    p.offset_row = offset.strides[0];
    p.offset_step = offset.strides[1];
    p.bias_step = bias.strides[0];
    KernelArguments arguments;
    for (int i = 0; i < 6; ++i) arguments.operand(run.operands[i]);
    arguments.value(p);
    Grid grid = Grid::items(p.columns);
    grid.groups[1] = (p.count + kRows - 1) / kRows;
    return run.launch(0, grid, arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"linear_dequantized", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(linear_dequantized, kernels)
