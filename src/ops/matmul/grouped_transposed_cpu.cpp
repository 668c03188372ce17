// SPDX-License-Identifier: Apache-2.0
// grouped_matmul_transposed on the CPU: each group is a product of two strided matrices.
#include "devices/cpu/kernel.h"
#include "ops/matmul/strided_product-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

struct GroupedPlan {
  isthmus_dtype_t dtype, index;
};

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  plan_data<GroupedPlan>(plan) = {query.operands[0].dtype, query.operands[2].dtype};
  plan.heavy = true;
  return nullptr;
}

void run(const Run& run, const Team& team) {
  const GroupedPlan& plan = plan_data<GroupedPlan>(*run.plan);
  const isthmus_tensor_arg_t &x = run.operands[0], &w = run.operands[1], &ends = run.operands[2],
                             &y = run.operands[3];
  const int64_t rows = y.dims[1], columns = y.dims[2];
  const StridedMatrix left = {run.data<void>(0), plan.dtype, x.strides[1], x.strides[0]};
  const StridedMatrix right = {run.data<void>(1), plan.dtype, w.strides[0], w.strides[1]};
  const ScatterFn scatter = plan.dtype == ISTHMUS_F32 ? scatter_plain<float> : scatter_of(plan.dtype);
  const int64_t pieces = (rows + kPieceRows - 1) / kPieceRows;
  const int64_t panels = (columns + kDenseColumns - 1) / kDenseColumns;
  int64_t from = 0, first, last;
  team.split(y.dims[0] * pieces * panels, 1, &first, &last);
  int64_t item = 0;
  for (int64_t group = 0; group < y.dims[0] && item < last; ++group) {
    const int64_t at = group * ends.strides[0];
    int64_t to = plan.index == ISTHMUS_I64 ? run.data<int64_t>(2)[at] : (int64_t)run.data<int32_t>(2)[at];
    to = to > x.dims[0] ? x.dims[0] : to;
    to = to < from ? from : to;
    for (int64_t piece = 0; piece < pieces * panels && item < last; ++piece, ++item) {
      if (item < first) continue;
      const int64_t row = piece / panels * kPieceRows, column = piece % panels * kDenseColumns;
      const int64_t high = rows - row < kPieceRows ? rows - row : kPieceRows;
      const int64_t wide = columns - column < kDenseColumns ? columns - column : kDenseColumns;
      alignas(64) float out[kPieceRows * kDenseColumns];
      strided_piece(left, from * x.strides[0] + row * x.strides[1], right,
                    from * w.strides[0] + column * w.strides[1], high, wide, to - from, false, out);
      for (int64_t r = 0; r < high; ++r)
        scatter(run.data<unsigned char>(3) +
                    (group * y.strides[0] + (row + r) * y.strides[1] + column * y.strides[2]) *
                        element_bytes(plan.dtype),
                y.strides[2], out + r * kDenseColumns, wide);
    }
    from = to;
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(grouped_transposed,
                    {"grouped_matmul_transposed", "strided pieces", prepare, run, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
