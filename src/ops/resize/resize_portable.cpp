// SPDX-License-Identifier: Apache-2.0
// The host's side of resize.cl.
#include "ops/portable/portable.h"
#include "ops/resize/resize.h"

namespace isthmus {
namespace {

struct Arguments {
  int64_t rank, axes;
  int64_t dims[ISTHMUS_MAX_RANK], in[kMaxResizedAxes];
  int64_t x_strides[ISTHMUS_MAX_RANK], y_strides[ISTHMUS_MAX_RANK];
  float steps[kMaxResizedAxes];
  int32_t mode, coordinates, rounding;
  float cubic_a;
  int32_t unused;
  int64_t items;
};

Result<PortablePlan> prepare(const PortableQuery& query) {
  const int32_t rank = query.operands[0].rank;
  ASSIGN_OR_RETURN(const Resize resize, resize_of(query.attributes, rank));
  PortablePlan plan;
  plan.source = "resize/resize.cl";
  plan.entries = {"resize"};
  plan.define("X", std::string(dtype_name(query.dtype(0)))).define("W", word_of(query.dtype(0)));
  plan.define("NEAREST", int64_t{resize.rule.mode == RESIZE_NEAREST});
  plan.divides = false;  // the host divides
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &y = run.operands[1];
    Arguments p = {};
    p.rank = rank;
    p.axes = resize.axes;
    p.mode = resize.rule.mode;
    p.coordinates = resize.rule.coordinates;
    p.rounding = resize.rule.rounding;
    p.cubic_a = resize.rule.cubic_a;
    p.items = 1;
    for (int d = 0; d < rank; ++d) {
      p.dims[d] = y.dims[d];
      p.x_strides[d] = x.strides[d];
      p.y_strides[d] = y.strides[d];
      p.items *= y.dims[d];
    }
    for (int d = 0; d < resize.axes; ++d) {
      const int at = rank - resize.axes + d;
      p.in[d] = x.dims[at];
      p.steps[d] = resize_step(p.coordinates, x.dims[at], y.dims[at], resize.scales[d]);
    }
    KernelArguments arguments;
    arguments.operand(x).operand(y).value(p);
    return run.launch(0, Grid::items(p.items), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"resize", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(resize, kernels)
