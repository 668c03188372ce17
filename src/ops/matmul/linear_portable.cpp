// SPDX-License-Identifier: Apache-2.0
// The host's side of linear.cl, and of product.cl for constant weights and for more than a few rows.
#include "base/dtype.h"
#include "ops/matmul/panels.h"
#include "ops/matmul/product.h"
#include "ops/portable/portable.h"
#include "ops/portable/rows.h"

namespace isthmus {
namespace {

struct Linear {
  Loops rows;
  int64_t count, columns, depth;
  int64_t x_step, y_step, bias_step;
  int64_t weight_row, weight_step;
};

int64_t rows_of(const PortableQuery& query) {
  int64_t count = 1;
  for (int i = 0; i + 1 < query.operands[0].rank; ++i) count *= query.operands[0].dims[i];
  return count;
}

// Any weight, read as it lies, for few rows.
PortablePlan plan_linear_strided(const PortableQuery& query) {
  const Dtype weight = query.dtype(1);
  const int32_t rank = query.operands[0].rank;
  PortablePlan plan;
  plan.source = "matmul/linear.cl";
  plan.entries = {"linear"};
  plan.define("W", std::string(dtype_name(weight)));
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
    Grid grid = Grid::items(p.columns, 64);
    grid.groups[1] = p.count;
    return run.launch(0, grid, arguments);
  };
  return plan;
}

// A weight in panels: packed once, where it is constant, else at every run.
PortablePlan plan_linear_panels(const PortableQuery& query, bool constant) {
  const Dtype weight = query.dtype(1);
  const int32_t rank = query.operands[0].rank;
  const int64_t columns = query.operands[1].dims[0], depth = query.operands[1].dims[1];
  const ProductShape shape = product_shape(query.vector_floats);
  PortablePlan plan;
  plan.source = "matmul/product.cl";
  plan.entries = {"product_one", "product_many"};
  plan.define("A", "F32").define("W", std::string(dtype_name(weight))).define("Y", "F32");
  shape.define(plan);
  if (constant) {
    plan.packed[1] = pack_plain(weight, columns, depth);
  } else {
    plan.entries.emplace_back("pack_panels");
    plan.define("PACKS", "1");
    plan.workspace_bytes = static_cast<uint64_t>(panels_bytes(weight, columns, depth));
  }
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
    if (!constant) {
      const int32_t none = 0;
      const Pack pack = {make_loops(&w, std::span(&none, 1)), p.columns, p.depth, w.strides[0], w.strides[1]};
      RETURN_IF_ERROR(launch_pack(run, weight, w, pack));
    }
    return launch_product(run, shape, p, 1, x.address, constant ? w.address : run.workspace, bias.address,
                          y.address);
  };
  return plan;
}

Result<PortablePlan> prepare_linear(const PortableQuery& query) {
  const Dtype weight = query.dtype(1);
  if (is_block(weight)) return unimplemented("a block format: quantize_rows and linear_quantized do it");
  const isthmus_operand_t& w = query.operands[1];
  const bool constant = w.role == ISTHMUS_ROLE_CONSTANT && w.contiguous;
  PortablePlan plan = constant || rows_of(query) >= kFewRows ? plan_linear_panels(query, constant)
                                                             : plan_linear_strided(query);
  plan.divides = false;
  if (weight == Dtype::kBF16) plan.define("PAIRS", int64_t{1});
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"linear", prepare_linear}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(linear, kernels)
