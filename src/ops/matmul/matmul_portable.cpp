// SPDX-License-Identifier: Apache-2.0
// The host's side of matmul.cl.
#include <array>

#include "ops/portable/loops.h"
#include "ops/portable/portable.h"

namespace isthmus {
namespace {

using Arg = isthmus_tensor_arg_t;

Result<PortablePlan> prepare(const PortableQuery& query) {
  const int32_t a_rank = query.operands[0].rank, b_rank = query.operands[1].rank,
                y_rank = query.operands[2].rank;
  const bool transpose_a = query.attributes.i("transpose_a") != 0,
             transpose_b = query.attributes.i("transpose_b") != 0;
  const Dtype dtype = query.dtype(0);
  PortablePlan plan;
  plan.source = "matmul/matmul.cl";
  plan.entries = {"matmul"};
  plan.divides = false;
  plan.f64 = dtype == Dtype::kF64;
  plan.define("X", std::string(dtype_name(dtype)));
  if (dtype == Dtype::kBF16) plan.define("PAIRS", int64_t{1});
  plan.run = [=](const PortableRun& run) {
    const Arg &a = run.operands[0], &b = run.operands[1], &y = run.operands[2];
    // a and b seen with the dims of y, one after the other: batches, then rows and columns unless a vector
    // drops them.
    const bool has_rows = a_rank > 1, has_columns = b_rank > 1;
    const int32_t batches = y_rank - has_rows - has_columns;
    std::array<Arg, 3> views = {y, y, y};
    for (int32_t d = 0; d < batches; ++d) {
      const int32_t a_axis = d - (batches - (a_rank - 2)), b_axis = d - (batches - (b_rank - 2));
      views[0].strides[d] = !has_rows || a_axis < 0 || a.dims[a_axis] == 1 ? 0 : a.strides[a_axis];
      views[1].strides[d] = !has_columns || b_axis < 0 || b.dims[b_axis] == 1 ? 0 : b.strides[b_axis];
    }
    if (has_rows) {
      views[0].strides[batches] = a.strides[a_rank - (transpose_a ? 1 : 2)];
      views[1].strides[batches] = 0;
    }
    if (has_columns) {
      views[0].strides[y_rank - 1] = 0;
      views[1].strides[y_rank - 1] = b.strides[b_rank - (transpose_b ? 2 : 1)];
    }
    const int32_t a_depth = !has_rows ? 0 : a_rank - (transpose_a ? 2 : 1),
                  b_depth = !has_columns ? 0 : b_rank - (transpose_b ? 1 : 2);
    const Loops loops = make_loops(views.data(), std::array{y_rank, y_rank, y_rank});
    const int64_t n = loop_elements(loops);
    KernelArguments arguments;
    arguments.operand(a).operand(b).operand(y).value(loops).value(a.dims[a_depth]);
    arguments.value(a.strides[a_depth]).value(b.strides[b_depth]).value(n);
    return run.launch(0, Grid::items(n), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"matmul", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(matmul, kernels)
