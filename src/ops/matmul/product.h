// SPDX-License-Identifier: Apache-2.0
// What product.cl is launched with.
#pragma once

#include "ops/matmul/panels.h"
#include "ops/portable/loops.h"

namespace isthmus {

// As many rows as leave registers for the sums.
inline ProductShape product_shape(int vector_floats) { return {vector_floats, 12}; }

// Passed to the kernel by value: the same struct stands in product.cl.
struct Product {
  Loops rows, batches;
  int64_t count, columns, depth;
  int64_t a_step, y_step, bias_step;
};

inline constexpr int64_t kFewRows = 4;  // bringing a right side into panels pays from here on

// Passed to pack_panels by value: right sides and where they begin.
struct Pack {
  Loops sides;
  int64_t columns, depth, column_step, depth_step;
};
inline int64_t panels_bytes(Dtype dtype, int64_t columns, int64_t depth) {
  return panel_count(columns) * kPanel * dtype_bytes(dtype, panel_steps(dtype, depth));
}
// The plan's entry 2 is pack_panels; makes the panels in the workspace.
inline Status launch_pack(const PortableRun& run, Dtype dtype, const isthmus_tensor_arg_t& right,
                          const Pack& pack) {
  KernelArguments arguments;
  arguments.operand(right).address(run.workspace).value(pack);
  Grid grid = Grid::items((panel_steps(dtype, pack.depth) + 15) / 16, 1);
  grid.groups[1] = panel_count(pack.columns);
  grid.groups[2] = loop_elements(pack.sides);
  return run.launch(2, grid, arguments);
}

// The plan's entries 0 and 1 are product_one and product_many.
inline Status launch_product(const PortableRun& run, const ProductShape& shape, const Product& p,
                             int64_t batches, isthmus_address_t a, isthmus_address_t panels,
                             isthmus_address_t bias, isthmus_address_t y) {
  KernelArguments arguments;
  arguments.address(a).address(panels).address(bias).address(y).value(p);
  return run.launch(p.count > 1, shape.grid(p.count, p.columns, batches), arguments);
}

}  // namespace isthmus
