// SPDX-License-Identifier: Apache-2.0
// The host's side of norm.cl.
#include "ops/portable/portable.h"
#include "ops/portable/rows.h"

namespace isthmus {
namespace {

struct Norm {
  Loops rows;
  int64_t count, width;
  int64_t x_step, y_step, weight_step, bias_step;
  float eps;
};

Result<PortablePlan> prepare(const PortableQuery& query) {
  const bool layer = query.op.name == "layer_norm";
  const int32_t rank = query.operands[0].rank;
  const RowShape shape(query.vector_floats, query.operands[0].dims[rank - 1]);
  PortablePlan plan;
  plan.source = "norm/norm.cl";
  plan.entries = {"norm_rows"};
  plan.define("X", std::string(dtype_name(query.dtype(0)))).define("LAYER", int64_t{layer});
  shape.define(plan);
  if (query.present(1)) plan.define("WEIGHT", std::string(dtype_name(query.dtype(1))));
  if (layer && query.present(2)) plan.define("BIAS", std::string(dtype_name(query.dtype(2))));
  const float eps = static_cast<float>(query.attributes.f("eps"));
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &weight = run.operands[1],
                               &bias = run.operands[layer ? 2 : 1], &y = run.operands[layer ? 3 : 2];
    Norm p = {};
    p.rows = row_loops<2>({x, y}, rank, rank - 1);
    p.count = x.dims[rank - 1] == 0 ? 0 : loop_elements(p.rows);
    p.width = x.dims[rank - 1];
    p.x_step = x.strides[rank - 1];
    p.y_step = y.strides[rank - 1];
    p.weight_step = weight.strides[0];
    p.bias_step = bias.strides[0];
    p.eps = eps;
    KernelArguments arguments;
    arguments.operand(x).operand(weight).operand(bias).operand(y).value(p);
    return run.launch(0, shape.grid(p.count), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"rms_norm", prepare}, {"layer_norm", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(norm, kernels)
