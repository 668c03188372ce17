// SPDX-License-Identifier: Apache-2.0
// The host's side of triangular_solve.cl.
#include <array>

#include "ops/portable/loops.h"
#include "ops/portable/portable.h"

namespace isthmus {
namespace {

using Arg = isthmus_tensor_arg_t;

struct Solve {
  Loops columns;
  int64_t n, a_row, a_column, b_row, x_row, items;
};

Result<PortablePlan> prepare(const PortableQuery& query) {
  const int32_t a_rank = query.operands[0].rank, b_rank = query.operands[1].rank,
                rank = query.operands[2].rank;
  const bool upper = query.attributes.i("upper") != 0, transposed = query.attributes.i("transposed") != 0;
  PortablePlan plan;
  plan.source = "solve/triangular_solve.cl";
  plan.entries = {"triangular_solve"};
  plan.f64 = query.dtype(0) == Dtype::kF64;
  plan.define("X", std::string(dtype_name(query.dtype(0)))).define("FROM_END", int64_t{upper != transposed});
  plan.define("UNIT", int64_t{query.attributes.i("unit") != 0});
  plan.run = [=](const PortableRun& run) {
    const Arg &a = run.operands[0], &b = run.operands[1], &y = run.operands[2];
    Solve p = {};
    p.n = y.dims[rank - 2];
    p.a_row = a.strides[a_rank - (transposed ? 1 : 2)];
    p.a_column = a.strides[a_rank - (transposed ? 2 : 1)];
    p.b_row = b.strides[b_rank - 2];
    p.x_row = y.strides[rank - 2];
    // Each operand with y's batches and columns.
    std::array<Arg, 3> views = {};
    for (int32_t d = 0; d < rank - 1; ++d) {
      const bool column = d == rank - 2;
      const int32_t of_a = d - (rank - a_rank), of_b = d - (rank - b_rank);
      for (Arg& view : views) view.dims[d] = y.dims[column ? rank - 1 : d];
      views[0].strides[d] = column || of_a < 0 || a.dims[of_a] == 1 ? 0 : a.strides[of_a];
      views[1].strides[d] = column                          ? b.strides[b_rank - 1]
                            : of_b < 0 || b.dims[of_b] == 1 ? 0
                                                            : b.strides[of_b];
      views[2].strides[d] = y.strides[column ? rank - 1 : d];
    }
    p.columns = make_loops(views.data(), std::array{rank - 1, rank - 1, rank - 1});
    p.items = loop_elements(p.columns);
    KernelArguments arguments;
    arguments.operand(a).operand(b).operand(y).value(p);
    return run.launch(0, Grid::items(p.items), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"triangular_solve", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(triangular_solve, kernels)
