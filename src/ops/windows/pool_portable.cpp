// SPDX-License-Identifier: Apache-2.0
// The host's side of pool.cl.
#include <algorithm>

#include "ops/portable/portable.h"
#include "ops/windows/windows.h"

namespace isthmus {
namespace {

struct Pool {
  int64_t size[3], stride[3], dilation[3], before[3], after[3];
  int64_t in[3], out[3], x_steps[3], y_steps[3], i_steps[3];
  int64_t channels, x_batch, x_channel, y_batch, y_channel, i_batch, i_channel;
  int64_t padding_counts, divisor, items;
};

const char* lowest(Dtype dtype) {
  switch (dtype) {
    case Dtype::kI8: return "-128";
    case Dtype::kI16: return "-32768";
    case Dtype::kI32: return "(-2147483647 - 1)";
    case Dtype::kI64: return "(-9223372036854775807L - 1)";
    case Dtype::kU8:
    case Dtype::kU16:
    case Dtype::kU32:
    case Dtype::kU64: return "0";
    default: return "-as_float(0x7f800000u)";
  }
}

Result<PortablePlan> prepare(const PortableQuery& query) {
  ASSIGN_OR_RETURN(Windows w, windows_of(query.attributes, query.operands[0].rank - 2));
  RETURN_IF_ERROR(set_sizes(w, query.attributes.ints("sizes")));
  const bool average = query.op.name == "average_pool", indices = query.op.outputs.size() > 1;
  Pool fixed = {};
  const int lead = 3 - w.axes;
  for (int i = 0; i < 3; ++i) {
    const int d = i - lead;
    fixed.size[i] = d < 0 ? 1 : w.size[d];
    fixed.stride[i] = d < 0 ? 1 : w.stride[d];
    fixed.dilation[i] = d < 0 ? 1 : w.dilation[d];
    fixed.before[i] = d < 0 ? 0 : w.before[d];
    fixed.after[i] = d < 0 ? 0 : w.after[d];
  }
  if (average) {
    fixed.padding_counts = query.attributes.i("count_include_pad") != 0;
    fixed.divisor = query.attributes.i("divisor");
  }
  PortablePlan plan;
  plan.source = "windows/pool.cl";
  plan.entries = {"pool"};
  plan.divides = average;
  plan.f64 = query.dtype(0) == Dtype::kF64;
  plan.define("X", std::string(dtype_name(query.dtype(0)))).define("AVERAGE", int64_t{average});
  plan.define("INDICES", int64_t{indices}).define("LOWEST", lowest(query.dtype(0)));
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &y = run.operands[1];
    Pool p = fixed;
    p.items = y.dims[0] * y.dims[1];
    for (int i = 0; i < 3; ++i) {
      const int d = i - lead + 2;
      p.in[i] = i < lead ? 1 : x.dims[d];
      p.out[i] = i < lead ? 1 : y.dims[d];
      p.x_steps[i] = i < lead ? 0 : x.strides[d];
      p.y_steps[i] = i < lead ? 0 : y.strides[d];
      if (indices) p.i_steps[i] = i < lead ? 0 : run.operands[2].strides[d];
      p.items *= p.out[i];
    }
    p.channels = y.dims[1];
    p.x_batch = x.strides[0];
    p.x_channel = x.strides[1];
    p.y_batch = y.strides[0];
    p.y_channel = y.strides[1];
    KernelArguments arguments;
    arguments.operand(x).operand(y);
    if (indices) {
      p.i_batch = run.operands[2].strides[0];
      p.i_channel = run.operands[2].strides[1];
      arguments.operand(run.operands[2]);
    } else {
      arguments.address(0);
    }
    arguments.value(p);
    return run.launch(0, Grid::items(p.items), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() {
  return {{"average_pool", prepare}, {"max_pool", prepare}, {"max_pool_with_indices", prepare}};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(pool, kernels)
