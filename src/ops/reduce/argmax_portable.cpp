// SPDX-License-Identifier: Apache-2.0
// The host's side of argmax.cl.
#include "ops/portable/portable.h"
#include "ops/portable/rows.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

struct Arg {
  Loops rows;
  int64_t count, width, step;
};

Result<PortablePlan> prepare(const PortableQuery& query) {
  const int32_t rank = query.operands[0].rank;
  const Dtype dtype = query.dtype(0);
  ASSIGN_OR_RETURN(const int axis, check_axis(query.attributes.i("axis"), rank));
  const bool keep = query.attributes.i("keep_dims") != 0;
  const RowShape shape(query.vector_floats, query.operands[0].dims[axis]);
  PortablePlan plan;
  plan.source = "reduce/argmax.cl";
  plan.entries = {"argmax"};
  plan.divides = false;
  plan.f64 = dtype == Dtype::kF64;
  plan.define("X", std::string(dtype_name(dtype)));
  shape.define(plan);
  plan.define("LARGEST", int64_t{query.op.name == "argmax"});
  plan.define("LAST", int64_t{query.attributes.i("select_last_index") != 0});
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t& x = run.operands[0];
    isthmus_tensor_arg_t y = run.operands[1];
    for (int d = rank - 1; d > axis && !keep; --d) {  // the axis put back
      y.dims[d] = y.dims[d - 1];
      y.strides[d] = y.strides[d - 1];
    }
    Arg p = {};
    p.rows = row_loops<2>({x, y}, rank, axis);
    p.count = loop_elements(p.rows);
    p.width = x.dims[axis];
    p.step = x.strides[axis];
    KernelArguments arguments;
    arguments.operand(x).operand(y).value(p);
    return run.launch(0, shape.grid(p.count), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"argmax", prepare}, {"argmin", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(argmax, kernels)
