// SPDX-License-Identifier: Apache-2.0
// The host's side of rotate_pairs.cl.
#include <array>

#include "ops/portable/loops.h"
#include "ops/portable/portable.h"

namespace isthmus {
namespace {

using Arg = isthmus_tensor_arg_t;

struct Rotate {
  Loops loops;
  int64_t width, x_step, cos_step, sin_step, y_step, items;
};

Result<PortablePlan> prepare(const PortableQuery& query) {
  const int32_t rank = query.operands[0].rank, cos_rank = query.operands[1].rank,
                sin_rank = query.operands[2].rank;
  PortablePlan plan;
  plan.source = "rope/rotate_pairs.cl";
  plan.entries = {"rotate_pairs"};
  plan.divides = false;
  plan.define("X", std::string(dtype_name(query.dtype(0))))
      .define("FACTOR", std::string(dtype_name(query.dtype(1))));
  plan.define("NEOX", int64_t{query.attributes.s("style") == "neox"});
  plan.run = [=](const PortableRun& run) {
    const Arg &x = run.operands[0], &cos = run.operands[1], &sin = run.operands[2], &y = run.operands[3];
    Rotate p = {};
    p.width = x.dims[rank - 1];
    p.x_step = x.strides[rank - 1];
    p.y_step = y.strides[rank - 1];
    // The rows of an operand that broadcasts, with the dims of x.
    const auto rows = [&](const Arg& t, int32_t t_rank, int64_t* step) {
      Arg view = x;
      for (int32_t d = 0; d < rank; ++d) {
        const int32_t own = d - (rank - t_rank);
        const int64_t stride = own < 0 || t.dims[own] == 1 ? 0 : t.strides[own];
        if (d < rank - 1)
          view.strides[d] = stride;
        else
          *step = stride;
      }
      return view;
    };
    const Arg views[4] = {x, rows(cos, cos_rank, &p.cos_step), rows(sin, sin_rank, &p.sin_step), y};
    p.loops = make_loops(views, std::array{rank - 1, rank - 1, rank - 1, rank - 1});
    p.items = p.width > 0 ? loop_elements(p.loops) * p.width : 0;
    KernelArguments arguments;
    arguments.operand(x).operand(cos).operand(sin).operand(y).value(p);
    return run.launch(0, Grid::items(p.items), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"rotate_pairs", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(rotate_pairs, kernels)
