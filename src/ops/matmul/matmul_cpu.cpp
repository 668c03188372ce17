// SPDX-License-Identifier: Apache-2.0
// matmul on the CPU: pieces of both operands copied to the layout of the dense tiles, so any strides and
// batches do.
#include "devices/cpu/kernel.h"
#include "ops/matmul/strided_product-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

struct MatmulPlan {
  int32_t a_rank, b_rank, y_rank;
  int32_t transpose_a, transpose_b;
  isthmus_dtype_t dtype;
};

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  const isthmus_operand_t &a = query.operands[0], &b = query.operands[1], &y = query.operands[2];
  plan_data<MatmulPlan>(plan) = {a.rank,
                                 b.rank,
                                 y.rank,
                                 attribute_int(query, "transpose_a") != 0,
                                 attribute_int(query, "transpose_b") != 0,
                                 a.dtype};
  plan.heavy = true;
  return nullptr;
}

// The matrices of an operand: the rows and columns of the product it takes part in, whatever its rank and
// transposition.
struct Side {
  int64_t rows, columns, row_stride, column_stride;
};
Side side(const isthmus_tensor_arg_t& t, int rank, bool transpose, bool vector_is_row) {
  if (rank == 1)
    return vector_is_row ? Side{1, t.dims[0], 0, t.strides[0]} : Side{t.dims[0], 1, t.strides[0], 0};
  const int outer = rank - 2, inner = rank - 1;
  if (transpose) return {t.dims[inner], t.dims[outer], t.strides[inner], t.strides[outer]};
  return {t.dims[outer], t.dims[inner], t.strides[outer], t.strides[inner]};
}

// Offset of batch number `batch` of the result in an operand whose batch dimensions are its first `own`.
int64_t batch_offset(const isthmus_tensor_arg_t& t, int own, const isthmus_tensor_arg_t& y, int batch_rank,
                     int64_t batch) {
  int64_t offset = 0;
  for (int i = batch_rank - 1; i >= 0; --i) {
    const int64_t index = batch % y.dims[i];
    batch /= y.dims[i];
    const int mine = i - (batch_rank - own);
    if (mine >= 0 && t.dims[mine] != 1) offset += index * t.strides[mine];
  }
  return offset;
}

void piece_f64(const double* a, const Side& left, const double* b, const Side& right, int64_t rows,
               int64_t columns, double* y, int64_t y_row_stride, int64_t y_column_stride) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) {
      double acc = 0;
      for (int64_t k = 0; k < left.columns; ++k)
        acc = __builtin_fma(a[r * left.row_stride + k * left.column_stride],
                            b[k * right.row_stride + c * right.column_stride], acc);
      y[r * y_row_stride + c * y_column_stride] = acc;
    }
}

void run(const Run& run, const Team& team) {
  const MatmulPlan& plan = plan_data<MatmulPlan>(*run.plan);
  const isthmus_tensor_arg_t &a = run.operands[0], &b = run.operands[1], &y = run.operands[2];
  const Side left = side(a, plan.a_rank, plan.transpose_a, true),
             right = side(b, plan.b_rank, plan.transpose_b, false);
  const bool has_rows = plan.a_rank > 1, has_columns = plan.b_rank > 1;
  const int batch_rank = plan.y_rank - has_rows - has_columns;
  const int64_t y_row_stride = has_rows ? y.strides[batch_rank] : 0;
  const int64_t y_column_stride = has_columns ? y.strides[plan.y_rank - 1] : 0;
  int64_t batches = 1;
  for (int i = 0; i < batch_rank; ++i) batches *= y.dims[i];
  const int64_t pieces = (left.rows + kPieceRows - 1) / kPieceRows;
  const int64_t panels = (right.columns + kDenseColumns - 1) / kDenseColumns;
  const StridedMatrix am = {run.data<void>(0), plan.dtype, left.row_stride, left.column_stride};
  const StridedMatrix bm = {run.data<void>(1), plan.dtype, right.row_stride, right.column_stride};

  int64_t begin, end;
  team.split(batches * pieces * panels, 1, &begin, &end);
  for (int64_t item = begin; item < end; ++item) {
    const int64_t batch = item / (pieces * panels), rest = item % (pieces * panels);
    const int64_t row = rest / panels * kPieceRows, column = rest % panels * kDenseColumns;
    const int64_t rows = left.rows - row < kPieceRows ? left.rows - row : kPieceRows;
    const int64_t columns = right.columns - column < kDenseColumns ? right.columns - column : kDenseColumns;
    const int64_t a_at =
        batch_offset(a, plan.a_rank > 2 ? plan.a_rank - 2 : 0, y, batch_rank, batch) + row * left.row_stride;
    const int64_t b_at = batch_offset(b, plan.b_rank > 2 ? plan.b_rank - 2 : 0, y, batch_rank, batch) +
                         column * right.column_stride;
    int64_t y_at = row * y_row_stride + column * y_column_stride;
    for (int64_t i = batch_rank - 1, at = batch; i >= 0; at /= y.dims[i--])
      y_at += at % y.dims[i] * y.strides[i];
    if (plan.dtype == ISTHMUS_F64) {
      piece_f64(run.data<double>(0) + a_at, left, run.data<double>(1) + b_at, right, rows, columns,
                run.data<double>(2) + y_at, y_row_stride, y_column_stride);
      continue;
    }
    alignas(64) float out[kPieceRows * kDenseColumns];
    strided_piece(am, a_at, bm, b_at, rows, columns, left.columns, plan.dtype == ISTHMUS_BF16, out);
    const ScatterFn scatter = plan.dtype == ISTHMUS_F32 ? scatter_plain<float> : scatter_of(plan.dtype);
    const int bytes = element_bytes(plan.dtype);
    for (int64_t r = 0; r < rows; ++r)
      scatter(run.data<unsigned char>(2) + (y_at + r * y_row_stride) * bytes, y_column_stride,
              out + r * kDenseColumns, columns);
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(matmul, {"matmul", "strided pieces", prepare, run, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
