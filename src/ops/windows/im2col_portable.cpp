// SPDX-License-Identifier: Apache-2.0
// The host's side of im2col.cl.
#include "ops/portable/portable.h"
#include "ops/windows/windows.h"

namespace isthmus {
namespace {

struct Columns {
  int64_t size[3], stride[3], dilation[3], before[3];
  int64_t in[3], out[3], x_steps[3];
  int64_t rows, taps, columns, x_batch, x_channel, y_batch, y_row, y_step, items;
};

Result<PortablePlan> prepare(const PortableQuery& query) {
  ASSIGN_OR_RETURN(Windows w, windows_of(query.attributes, query.operands[0].rank - 2));
  RETURN_IF_ERROR(set_sizes(w, query.attributes.ints("sizes")));
  PortablePlan plan;
  plan.source = "windows/im2col.cl";
  plan.entries = {"im2col"};
  plan.divides = false;
  plan.define("W", word_of(query.dtype(0)));
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &y = run.operands[1];
    Columns p = {};
    for (int i = 0; i < 3; ++i) {
      const int d = i - (3 - w.axes);
      p.size[i] = d < 0 ? 1 : w.size[d];
      p.stride[i] = d < 0 ? 1 : w.stride[d];
      p.dilation[i] = d < 0 ? 1 : w.dilation[d];
      p.before[i] = d < 0 ? 0 : w.before[d];
      p.in[i] = d < 0 ? 1 : x.dims[d + 2];
      p.x_steps[i] = d < 0 ? 0 : x.strides[d + 2];
      p.out[i] = 1;
      if (d < 0) continue;
      ASSIGN_OR_RETURN(const Dim count, count_windows(w, d, Dim(x.dims[d + 2]), false));
      p.out[i] = count.offset;
    }
    p.rows = y.dims[1];
    p.taps = w.taps();
    p.columns = y.dims[2];
    p.x_batch = x.strides[0];
    p.x_channel = x.strides[1];
    p.y_batch = y.strides[0];
    p.y_row = y.strides[1];
    p.y_step = y.strides[2];
    p.items = y.dims[0] * p.rows * p.columns;
    KernelArguments arguments;
    arguments.operand(x).operand(y).value(p);
    return run.launch(0, Grid::items(p.items), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"im2col", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(im2col, kernels)
