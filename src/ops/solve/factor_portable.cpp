// SPDX-License-Identifier: Apache-2.0
// The host's side of factor.cl.
#include <array>

#include "ops/portable/loops.h"
#include "ops/portable/portable.h"

namespace isthmus {
namespace {

using Arg = isthmus_tensor_arg_t;

struct Factor {
  Loops batches;
  int64_t n, x_row, x_column, y_row, y_column, order_step, items;
};

Result<PortablePlan> prepare(const PortableQuery& query) {
  const int32_t rank = query.operands[0].rank;
  const bool lu = query.op.name == "lu_factor";
  PortablePlan plan;
  plan.source = "solve/factor.cl";
  plan.entries = {"factor"};
  plan.f64 = query.dtype(0) == Dtype::kF64;
  plan.define("X", std::string(dtype_name(query.dtype(0)))).define("LU", int64_t{lu});
  plan.run = [=](const PortableRun& run) {
    const Arg &x = run.operands[0], &y = run.operands[1];
    Factor p = {};
    p.n = x.dims[rank - 1];
    p.x_row = x.strides[rank - 2];
    p.x_column = x.strides[rank - 1];
    p.y_row = y.strides[rank - 2];
    p.y_column = y.strides[rank - 1];
    p.order_step = lu ? run.operands[2].strides[rank - 2] : 0;
    // The operands' batches: their first dimensions.
    const std::array<Arg, 4> views = {x, y, run.operands[lu ? 2 : 0], run.operands[lu ? 3 : 0]};
    const std::array<int32_t, 4> ranks = {rank - 2, rank - 2, rank - 2, rank - 2};
    p.batches = make_loops(views.data(), std::span(ranks).first(lu ? 4 : 2));
    p.items = loop_elements(p.batches);
    KernelArguments arguments;
    arguments.operand(x).operand(y);
    if (lu) arguments.operand(run.operands[2]).operand(run.operands[3]);
    arguments.value(p);
    return run.launch(0, Grid::items(p.items), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"cholesky", prepare}, {"lu_factor", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(factor, kernels)
