// SPDX-License-Identifier: Apache-2.0
// grouped_matmul on the CPU: runs of rows of one group as pieces of a product.
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
  const isthmus_tensor_arg_t &x = run.operands[0], &w = run.operands[1], &groups = run.operands[2],
                             &y = run.operands[3];
  const int64_t rows = y.dims[0], columns = y.dims[1], depth = x.dims[1];
  const StridedMatrix left = {run.data<void>(0), plan.dtype, x.strides[0], x.strides[1]};
  const StridedMatrix right = {run.data<void>(1), plan.dtype, w.strides[1], w.strides[2]};
  const auto group_of = [&](int64_t row) {
    const int64_t at = row * groups.strides[0];
    const int64_t group =
        plan.index == ISTHMUS_I64 ? run.data<int64_t>(2)[at] : (int64_t)run.data<int32_t>(2)[at];
    return group >= 0 && group < w.dims[0] ? group : -1;
  };
  const ScatterFn scatter = plan.dtype == ISTHMUS_F32 ? scatter_plain<float> : scatter_of(plan.dtype);
  const int64_t pieces = (rows + kPieceRows - 1) / kPieceRows;
  const int64_t panels = (columns + kDenseColumns - 1) / kDenseColumns;
  int64_t begin, end;
  team.split(pieces * panels, 1, &begin, &end);
  for (int64_t item = begin; item < end; ++item) {
    const int64_t column = item % panels * kDenseColumns;
    const int64_t wide = columns - column < kDenseColumns ? columns - column : kDenseColumns;
    int64_t row = item / panels * kPieceRows;
    const int64_t last = row + kPieceRows < rows ? row + kPieceRows : rows;
    while (row < last) {
      const int64_t group = group_of(row);
      int64_t next = row + 1;
      while (next < last && group_of(next) == group) ++next;
      alignas(64) float out[kPieceRows * kDenseColumns] = {};
      if (group >= 0)
        strided_piece(left, row * x.strides[0], right, group * w.strides[0] + column * w.strides[2],
                      next - row, wide, depth, plan.dtype == ISTHMUS_BF16, out);
      for (int64_t r = row; r < next; ++r)
        scatter(run.data<unsigned char>(3) +
                    (r * y.strides[0] + column * y.strides[1]) * element_bytes(plan.dtype),
                y.strides[1], out + (r - row) * kDenseColumns, wide);
      row = next;
    }
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(grouped_matmul, {"grouped_matmul", "strided pieces", prepare, run, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
