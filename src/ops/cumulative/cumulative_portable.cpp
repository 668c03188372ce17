// SPDX-License-Identifier: Apache-2.0
// The host's side of cumulative.cl.
#include "ops/elementwise/elementwise.h"
#include "ops/portable/portable.h"
#include "ops/portable/rows.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

struct Cumulative {
  Loops rows;
  int64_t count, width;
  int64_t x_step, y_step;
  int64_t exclusive, reverse;
};

Result<PortablePlan> prepare(const PortableQuery& query) {
  const int32_t rank = query.operands[0].rank;
  const Dtype dtype = query.dtype(0);
  const bool product = query.op.name == "cumulative_product";
  ASSIGN_OR_RETURN(const int axis, check_axis(query.attributes.i("axis"), rank));
  Cumulative fixed = {};
  fixed.exclusive = query.attributes.i("exclusive") != 0;
  fixed.reverse = query.attributes.i("reverse") != 0;
  PortablePlan plan;
  plan.source = "cumulative/cumulative.cl";
  plan.entries = {"cumulative"};
  plan.divides = false;
  plan.f64 = dtype == Dtype::kF64;
  plan.define("X", std::string(dtype_name(dtype))).define("X_KIND", kind_of_dtype(dtype));
  plan.define("ENTER", product ? "multiply" : "add").define("START", int64_t{product});
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &y = run.operands[1];
    Cumulative p = fixed;
    p.rows = row_loops<2>({x, y}, rank, axis);
    p.count = loop_elements(p.rows);
    p.width = x.dims[axis];
    p.x_step = x.strides[axis];
    p.y_step = y.strides[axis];
    KernelArguments arguments;
    arguments.operand(x).operand(y).value(p);
    return run.launch(0, Grid::items(p.count, 64), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() {
  return {{"cumulative_sum", prepare}, {"cumulative_product", prepare}};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(cumulative, kernels)
