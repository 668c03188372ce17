// SPDX-License-Identifier: Apache-2.0
// The host's side of linear.cl and linear_quantized.cl.
#include "base/dtype.h"
#include "ops/portable/blocks.h"
#include "ops/portable/portable.h"
#include "ops/portable/rows.h"

namespace isthmus {
namespace {

constexpr int64_t kRows = 8;  // to a work item, where there are so many

struct Linear {
  Loops rows;
  int64_t count, columns, depth;
  int64_t x_step, y_step, bias_step;
  int64_t weight_row, weight_step;
};

struct LinearQuantized {
  Loops rows;
  int64_t count, columns, blocks;
  int64_t q_step, scale_step, sum_step, y_step, bias_step;
  int64_t weight_row_bytes;
};

// One entry for single rows, one for many.
Grid grid(int64_t columns, int64_t count, int64_t rows) {
  Grid grid = Grid::items(columns, 64);
  grid.groups[1] = (count + rows - 1) / rows;
  return grid;
}

int64_t rows_of(const PortableQuery& query) {
  int64_t count = 1;
  for (int i = 0; i + 1 < query.operands[0].rank; ++i) count *= query.operands[0].dims[i];
  return count < kRows ? 1 : kRows;
}

Result<PortablePlan> prepare_linear(const PortableQuery& query) {
  const Dtype weight = query.dtype(1);
  if (is_block(weight)) return unimplemented("a block format: quantize_rows and linear_quantized do it");
  const int32_t rank = query.operands[0].rank;
  const int64_t rows = rows_of(query);
  PortablePlan plan;
  plan.source = "matmul/linear.cl";
  plan.entries = {"linear"};
  plan.divides = false;
  plan.define("W", std::string(dtype_name(weight))).define("ROWS", rows);
  if (weight == Dtype::kBF16) plan.define("PAIRS", int64_t{1});
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &w = run.operands[1], &bias = run.operands[2],
                               &y = run.operands[3];
    Linear p = {};
    p.rows = row_loops<2>({x, y}, rank, rank - 1);
    p.count = loop_elements(p.rows);
    p.columns = w.dims[0];
    p.depth = w.dims[1];
    p.x_step = x.strides[rank - 1];
    p.y_step = y.strides[rank - 1];
    p.bias_step = bias.strides[0];
    p.weight_row = w.strides[0];
    p.weight_step = w.strides[1];
    KernelArguments arguments;
    arguments.operand(x).operand(w).operand(bias).operand(y).value(p);
    return run.launch(0, grid(p.columns, p.count, rows), arguments);
  };
  return plan;
}

Result<PortablePlan> prepare_quantized(const PortableQuery& query) {
  const Dtype weight = query.dtype(3);
  const int32_t rank = query.operands[0].rank;
  const int64_t rows = rows_of(query);
  PortablePlan plan;
  plan.source = "matmul/linear_quantized.cl";
  plan.entries = {"linear_quantized"};
  plan.divides = false;
  define_blocks(plan, weight);
  plan.define("ROWS", rows);
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t *t = run.operands, &w = t[3], &bias = t[4], &y = t[5];
    LinearQuantized p = {};
    p.rows = row_loops<4>({t[0], t[1], t[2], y}, rank, rank - 1);
    p.count = loop_elements(p.rows);
    p.columns = w.dims[0];
    p.blocks = w.dims[1] / 32;
    p.q_step = t[0].strides[rank - 1];
    p.scale_step = t[1].strides[rank - 1];
    p.sum_step = t[2].strides[rank - 1];
    p.y_step = y.strides[rank - 1];
    p.bias_step = bias.strides[0];
    p.weight_row_bytes = dtype_bytes(weight, w.strides[0]);
    KernelArguments arguments;
    for (int i = 0; i < 6; ++i) arguments.operand(t[i]);
    arguments.value(p);
    return run.launch(0, grid(p.columns, p.count, rows), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() {
  return {{"linear", prepare_linear}, {"linear_quantized", prepare_quantized}};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(linear, kernels)
