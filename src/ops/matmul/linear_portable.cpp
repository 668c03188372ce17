// SPDX-License-Identifier: Apache-2.0
// The host's side of linear.cl, and of product.cl for constant weights.
#include "base/dtype.h"
#include "ops/matmul/panels.h"
#include "ops/matmul/product.h"
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

// Any weight, read as it lies.
PortablePlan plan_linear_strided(const PortableQuery& query) {
  const Dtype weight = query.dtype(1);
  const int32_t rank = query.operands[0].rank;
  const int64_t rows = rows_of(query);
  PortablePlan plan;
  plan.source = "matmul/linear.cl";
  plan.entries = {"linear"};
  plan.define("W", std::string(dtype_name(weight))).define("ROWS", rows);
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

// A constant weight, packed in panels.
PortablePlan plan_linear_packed(const PortableQuery& query) {
  const Dtype weight = query.dtype(1);
  const int32_t rank = query.operands[0].rank;
  const ProductShape shape = product_shape(weight, query.vector_floats);
  PortablePlan plan;
  plan.source = "matmul/product.cl";
  plan.entries = {"product_one", "product_many"};
  plan.packed[1] = pack_plain(weight, query.operands[1].dims[0], query.operands[1].dims[1]);
  plan.define("A", "F32").define("W", std::string(dtype_name(weight))).define("Y", "F32");
  shape.define(plan);
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &w = run.operands[1], &bias = run.operands[2],
                               &y = run.operands[3];
    Product p = {};
    p.rows = row_loops<2>({x, y}, rank, rank - 1);
    p.count = loop_elements(p.rows);
    p.columns = w.dims[0];
    p.depth = w.dims[1];
    p.a_step = x.strides[rank - 1];
    p.y_step = y.strides[rank - 1];
    p.bias_step = bias.strides[0];
    return launch_product(run, shape, p, 1, x.address, w.address, bias.address, y.address);
  };
  return plan;
}

Result<PortablePlan> prepare_linear(const PortableQuery& query) {
  const Dtype weight = query.dtype(1);
  if (is_block(weight)) return unimplemented("a block format: quantize_rows and linear_quantized do it");
  const isthmus_operand_t& w = query.operands[1];
  const bool packs = w.role == ISTHMUS_ROLE_CONSTANT && w.contiguous;
  PortablePlan plan = packs ? plan_linear_packed(query) : plan_linear_strided(query);
  plan.divides = false;
  if (weight == Dtype::kBF16) plan.define("PAIRS", int64_t{1});
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"linear", prepare_linear}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(linear, kernels)
