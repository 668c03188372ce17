// SPDX-License-Identifier: Apache-2.0
// The host's side of softmax.cl.
#include "ops/portable/portable.h"
#include "ops/portable/rows.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

struct Softmax {
  Loops rows;
  int64_t count, width, x_step, y_step;
};

Result<PortablePlan> prepare(const PortableQuery& query) {
  const int32_t rank = query.operands[0].rank;
  ASSIGN_OR_RETURN(const int axis, check_axis(query.attributes.i("axis"), rank));
  const RowShape shape(query.vector_floats, query.operands[0].dims[axis]);
  const bool log = query.op.name == "log_softmax";
  PortablePlan plan;
  plan.source = "softmax/softmax.cl";
  plan.entries = {"softmax"};
  plan.define("X", std::string(dtype_name(query.dtype(0)))).define("LOG", int64_t{log});
  plan.define("KEEPS", int64_t{!log && query.dtype(0) == Dtype::kF32});
  shape.define(plan);
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &y = run.operands[1];
    Softmax p = {};
    p.rows = row_loops<2>({x, y}, rank, axis);
    p.count = x.dims[axis] == 0 ? 0 : loop_elements(p.rows);
    p.width = x.dims[axis];
    p.x_step = x.strides[axis];
    p.y_step = y.strides[axis];
    KernelArguments arguments;
    arguments.operand(x).operand(y).value(p);
    return run.launch(0, shape.grid(p.count), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"softmax", prepare}, {"log_softmax", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(softmax, kernels)
