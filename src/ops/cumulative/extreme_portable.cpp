// SPDX-License-Identifier: Apache-2.0
// The host's side of extreme.cl.
#include "ops/portable/portable.h"
#include "ops/portable/rows.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

struct Extreme {
  Loops rows;
  int64_t count, width;
  int64_t x_step, value_step, index_step;
};

Result<PortablePlan> prepare(const PortableQuery& query) {
  const int32_t rank = query.operands[0].rank;
  const Dtype dtype = query.dtype(0);
  ASSIGN_OR_RETURN(const int axis, check_axis(query.attributes.i("axis"), rank));
  PortablePlan plan;
  plan.source = "cumulative/extreme.cl";
  plan.entries = {"cumulative_extreme"};
  plan.divides = false;
  plan.f64 = dtype == Dtype::kF64;
  plan.define("X", std::string(dtype_name(dtype)));
  plan.define("LARGEST", int64_t{query.op.name == "cumulative_max"});
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &values = run.operands[1], &indices = run.operands[2];
    Extreme p = {};
    p.rows = row_loops<3>({x, values, indices}, rank, axis);
    p.count = loop_elements(p.rows);
    p.width = x.dims[axis];
    p.x_step = x.strides[axis];
    p.value_step = values.strides[axis];
    p.index_step = indices.strides[axis];
    KernelArguments arguments;
    arguments.operand(x).operand(values).operand(indices).value(p);
    return run.launch(0, Grid::items(p.count, 64), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"cumulative_max", prepare}, {"cumulative_min", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(extreme, kernels)
