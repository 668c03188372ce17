// SPDX-License-Identifier: Apache-2.0
// The host's side of convolution.cl: one launch for each phase.
#include "ops/portable/portable.h"
#include "ops/windows/phases-inl.h"
#include "ops/windows/windows.h"

namespace isthmus {
namespace {

constexpr int64_t kRows = 8;  // outputs of a work item

struct Convolution {
  PhaseAxis axes[3];
  int64_t in[3], x_steps[3], y_steps[3], w_steps[3];
  int64_t x_batch, x_channel, y_batch, y_channel, w_group, w_row, w_channel, bias_step;
  int64_t channels, rows, columns, items;
};

Status run_convolution(const PortableRun& run, Windows windows, bool transposed, int64_t groups) {
  const isthmus_tensor_arg_t &x = run.operands[0], &w = run.operands[1], &bias = run.operands[2],
                             &y = run.operands[3];
  int64_t out[kMaxWindowAxes];
  for (int d = 0; d < windows.axes; ++d) {
    windows.size[d] = w.dims[d + 2];
    out[d] = y.dims[d + 2];
  }
  Convolution p = {};
  p.channels = x.dims[1] / groups;
  p.rows = y.dims[1] / groups;
  for (int i = 0; i < 3; ++i) {
    const int d = i - (3 - windows.axes);
    p.in[i] = d < 0 ? 1 : x.dims[d + 2];
    p.x_steps[i] = d < 0 ? 0 : x.strides[d + 2];
    p.y_steps[i] = d < 0 ? 0 : y.strides[d + 2];
    p.w_steps[i] = d < 0 ? 0 : w.strides[d + 2];
  }
  p.x_batch = x.strides[0];
  p.x_channel = x.strides[1];
  p.y_batch = y.strides[0];
  p.y_channel = y.strides[1];
  p.w_row = transposed ? w.strides[1] : w.strides[0];
  p.w_channel = transposed ? w.strides[0] : w.strides[1];
  p.w_group = transposed ? p.channels * w.strides[0] : p.rows * w.strides[0];
  p.bias_step = bias.strides[0];
  const int64_t blocks = groups * ((p.rows + kRows - 1) / kRows);
  for (int64_t number = 0; number < phase_count(windows, transposed, out); ++number) {
    const Phase phase = phase_of(windows, transposed, out, number);
    std::copy(phase.axes, phase.axes + 3, p.axes);
    p.columns = x.dims[0] * phase.outputs();
    p.items = p.columns * blocks;
    KernelArguments arguments;
    arguments.operand(x).operand(w).operand(bias).operand(y).value(p);
    RETURN_IF_ERROR(run.launch(0, Grid::items(p.items), arguments));
  }
  return ok();
}

Result<PortablePlan> prepare(const PortableQuery& query) {
  const bool transposed = query.op.name == "transposed_convolution";
  ASSIGN_OR_RETURN(const Windows windows, windows_of(query.attributes, query.operands[0].rank - 2));
  const int64_t groups = query.attributes.i("groups");
  PortablePlan plan;
  plan.source = "windows/convolution.cl";
  plan.entries = {"convolution"};
  plan.divides = false;
  plan.define("X", std::string(dtype_name(query.dtype(0)))).define("ROWS", kRows);
  if (query.dtype(0) == Dtype::kBF16) plan.define("PAIRS", int64_t{1});
  plan.run = [=](const PortableRun& run) { return run_convolution(run, windows, transposed, groups); };
  return plan;
}

std::vector<PortableKernel> kernels() {
  return {{"convolution", prepare}, {"transposed_convolution", prepare}};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(convolution, kernels)
