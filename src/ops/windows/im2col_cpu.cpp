// SPDX-License-Identifier: Apache-2.0
// im2col on the CPU: a row of y at a time, which is one place of all windows.
#include "ops/copy/move-inl.h"
#include "ops/windows/windows_cpu.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

struct ColumnsPlan {
  Windows windows;
  int32_t bytes;
};

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  const isthmus_operand_t& x = query.operands[0];
  plan_data<ColumnsPlan>(plan) = {windows_of_query(query, x.rank - 2), (int32_t)bytes_of(x.dtype, 1)};
  return nullptr;
}

void zero_run(unsigned char* to, int64_t step, int64_t n, int bytes) {
  static const uint64_t zero = 0;
  move_run(to, step, (const unsigned char*)&zero, 0, n, bytes);
}

void run_columns(const Run& run, const Team& team) {
  const ColumnsPlan& p = plan_data<ColumnsPlan>(*run.plan);
  const Windows& w = p.windows;
  const isthmus_tensor_arg_t &x = run.operands[0], &y = run.operands[1];
  const int last = w.axes - 1;
  const int64_t taps = w.taps();
  int64_t counts[kMaxWindowAxes], lines = 1, begin, end;
  for (int d = 0; d < w.axes; ++d) {
    counts[d] =
        (x.dims[d + 2] + w.before[d] + w.after[d] - w.dilation[d] * (w.size[d] - 1) - 1) / w.stride[d] + 1;
    if (d < last) lines *= counts[d];
  }
  team.split(y.dims[0] * y.dims[1], 1, &begin, &end);
  for (int64_t row = begin; row < end; ++row) {
    const int64_t batch = row / y.dims[1], channel = row % y.dims[1] / taps;
    int64_t tap = row % taps, k[kMaxWindowAxes];
    for (int d = last; d >= 0; --d) {
      k[d] = tap % w.size[d];
      tap /= w.size[d];
    }
    unsigned char* to =
        run.data<unsigned char>(1) + (batch * y.strides[0] + row % y.dims[1] * y.strides[1]) * p.bytes;
    for (int64_t line = 0; line < lines; ++line, to += counts[last] * y.strides[2] * p.bytes) {
      int64_t at = batch * x.strides[0] + channel * x.strides[1], rest = line;
      bool inside = true;
      for (int d = last - 1; d >= 0; --d) {
        const int64_t coordinate = w.at(d, rest % counts[d], k[d]);
        rest /= counts[d];
        inside &= coordinate >= 0 && coordinate < x.dims[d + 2];
        at += coordinate * x.strides[d + 2];
      }
      const int64_t start = w.at(last, 0, k[last]), step = w.stride[last], n = counts[last];
      int64_t low, high;
      windows_inside(start, step, inside ? x.dims[last + 2] : 0, n, &low, &high);
      zero_run(to, y.strides[2], low, p.bytes);
      if (low < high)
        move_run(to + low * y.strides[2] * p.bytes, y.strides[2],
                 run.data<unsigned char>(0) + (at + (start + low * step) * x.strides[last + 2]) * p.bytes,
                 step * x.strides[last + 2], high - low, p.bytes);
      zero_run(to + high * y.strides[2] * p.bytes, y.strides[2], n - high, p.bytes);
    }
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(im2col, {"im2col", "rows", prepare, run_columns, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
