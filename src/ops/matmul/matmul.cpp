// SPDX-License-Identifier: Apache-2.0
// matmul: the product of two activations, batched with broadcasting.
#include <cmath>
#include <vector>

#include "base/bf16_product.h"
#include "ops/matmul/product_reference.h"
#include "ops/op_def.h"

namespace isthmus {
namespace {

// The batch dimension that a and b make together, or an error.
Result<Dim> broadcast(Dim a, Dim b) {
  if (a == b || b.is(1)) return a;
  if (a.is(1)) return b;
  return invalid_argument("batch dimensions {} and {} do not fit", a.to_string(), b.to_string());
}

Status infer(const InferCall& call) {
  TensorType a = call.inputs[0], b = call.inputs[1];
  if (a.dtype != b.dtype)
    return invalid_argument("a is {} and b {}, but both must be one dtype", dtype_name(a.dtype),
                            dtype_name(b.dtype));
  if (a.rank() < 1 || b.rank() < 1) return invalid_argument("operands need at least one dimension");
  // As in ONNX: a vector is a row on the left, a column on the right; its dimension is dropped from the
  // result.
  const bool a_vector = a.rank() == 1, b_vector = b.rank() == 1;
  const bool transpose_a = call.attributes.i("transpose_a") != 0,
             transpose_b = call.attributes.i("transpose_b") != 0;
  if ((a_vector && transpose_a) || (b_vector && transpose_b))
    return invalid_argument("a vector cannot be transposed");
  if (a_vector) a.shape.insert(a.shape.begin(), Dim(1));
  if (b_vector) b.shape.push_back(Dim(1));
  const int a_rank = a.rank(), b_rank = b.rank();
  const Dim m = a.shape[a_rank - (transpose_a ? 1 : 2)], ka = a.shape[a_rank - (transpose_a ? 2 : 1)];
  const Dim n = b.shape[b_rank - (transpose_b ? 2 : 1)], kb = b.shape[b_rank - (transpose_b ? 1 : 2)];
  if (ka != kb)
    return invalid_argument("a {} and b {} differ in k", shape_to_string(a.shape), shape_to_string(b.shape));
  TensorType& y = call.outputs[0];
  y.dtype = a.dtype;
  const int rank = std::max(a_rank, b_rank);
  for (int i = 0; i < rank - 2; ++i) {
    const int ia = i - (rank - a_rank), ib = i - (rank - b_rank);
    ASSIGN_OR_RETURN(Dim dim, broadcast(ia < 0 ? Dim(1) : a.shape[ia], ib < 0 ? Dim(1) : b.shape[ib]));
    y.shape.push_back(dim);
  }
  if (!a_vector) y.shape.push_back(m);
  if (!b_vector) y.shape.push_back(n);
  return ok();
}

// A batch of matrices: [rows, columns] with any strides, batch dimensions aligned to those of the result.
struct Matrices {
  const Tensor& tensor;
  int64_t row_stride;
  int64_t column_stride;
  int batch_rank;
  int64_t batch_offset(const int64_t* index, int rank) const {  // index into the result's batch dimensions
    int64_t offset = 0;
    for (int i = 0; i < batch_rank; ++i)
      if (tensor.dims[i] != 1) offset += index[rank - batch_rank + i] * tensor.strides[i];
    return offset;
  }
};

Matrices matrices(const Tensor& t, bool transpose, bool vector_is_row) {
  if (t.rank == 1) return {t, vector_is_row ? 0 : t.strides[0], vector_is_row ? t.strides[0] : 0, 0};
  const int64_t outer = t.strides[t.rank - 2], inner = t.strides[t.rank - 1];
  return {t, transpose ? inner : outer, transpose ? outer : inner, t.rank - 2};
}

Status reference(const ReferenceCall& call) {
  const Tensor &a = call.inputs[0], &b = call.inputs[1], &y = call.outputs[0];
  const Matrices left = matrices(a, call.attributes.i("transpose_a") != 0, true);
  const Matrices right = matrices(b, call.attributes.i("transpose_b") != 0, false);
  const bool has_m = a.rank > 1, has_n = b.rank > 1;
  const int batch_rank = y.rank - has_m - has_n;
  const int64_t k_size =
      a.rank == 1 ? a.dims[0] : a.dims[a.rank - (call.attributes.i("transpose_a") ? 2 : 1)];
  const int64_t m_size = has_m ? y.dims[batch_rank] : 1, n_size = has_n ? y.dims[y.rank - 1] : 1;
  const int64_t m_stride = has_m ? y.strides[batch_rank] : 0, n_stride = has_n ? y.strides[y.rank - 1] : 0;
  int64_t batches = 1;
  for (int i = 0; i < batch_rank; ++i) batches *= y.dims[i];
  for (int64_t batch = 0; batch < batches; ++batch) {
    int64_t index[kMaxRank] = {}, y_offset = 0;
    for (int64_t i = batch_rank - 1, rest = batch; i >= 0; --i) {
      index[i] = rest % y.dims[i];
      rest /= y.dims[i];
      y_offset += index[i] * y.strides[i];
    }
    const int64_t a_batch = left.batch_offset(index, batch_rank),
                  b_batch = right.batch_offset(index, batch_rank);
    for (int64_t m = 0; m < m_size; ++m) {
      for (int64_t n = 0; n < n_size; ++n) {
        const int64_t a0 = a_batch + m * left.row_stride, b0 = b_batch + n * right.column_stride;
        const int64_t y0 = y_offset + m * m_stride + n * n_stride;
        if (a.dtype == Dtype::kF64) {
          double acc = 0;
          for (int64_t k = 0; k < k_size; ++k)
            acc = std::fma(a.as<double>()[a0 + k * left.column_stride],
                           b.as<double>()[b0 + k * right.row_stride], acc);
          y.as<double>()[y0] = acc;
          continue;
        }
        auto a_at = [&](int64_t k) { return load_float(a.dtype, a.data, a0 + k * left.column_stride); };
        auto b_at = [&](int64_t k) { return load_float(b.dtype, b.data, b0 + k * right.row_stride); };
        float acc = 0;
        if (a.dtype == Dtype::kBF16) {
          for (int64_t k = 0; k < k_size; k += 2) {
            acc = k + 1 < k_size ? bf16_product_step(a_at(k + 1), b_at(k + 1), acc)
                                 : bf16_product_step(0, 0, acc);
            acc = bf16_product_step(a_at(k), b_at(k), acc);
          }
        } else {
          for (int64_t k = 0; k < k_size; ++k) acc = std::fma(a_at(k), b_at(k), acc);
        }
        store_float(y.dtype, y.data, y0, acc);
      }
    }
  }
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> all;
  for (Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBF16, Dtype::kF64}) {
    auto add = [&](std::vector<int64_t> a, std::vector<int64_t> b, int64_t ta, int64_t tb,
                   Fill fill = Fill::kNormal, std::vector<int64_t> a_order = {}) {
      all.push_back(
          {{{dtype, std::move(a), fill, 0, std::move(a_order), {}}, {dtype, std::move(b), fill, 0, {}, {}}},
           {{"transpose_a", ta}, {"transpose_b", tb}}});
    };
    add({1, 1}, {1, 1}, 0, 0);
    add({5, 7}, {7, 33}, 0, 0);
    add({19, 64}, {50, 64}, 0, 1);
    add({31, 13}, {31, 40}, 1, 0);
    add({9, 6}, {17, 9}, 1, 1);
    add({2, 3, 4, 5}, {2, 3, 5, 6}, 0, 0);
    add({2, 1, 4, 5}, {3, 5, 35}, 0, 0);
    add({8}, {8}, 0, 0);
    add({8}, {3, 8, 5}, 0, 0);
    add({3, 4, 8}, {8}, 0, 0);
    add({6, 18}, {18, 20}, 0, 0, Fill::kAwkward);
    add({6, 18}, {18, 20}, 0, 0, Fill::kNormal, {1, 0});
    add({0, 4}, {4, 3}, 0, 0);
    add({3, 0}, {0, 2}, 0, 0);
  }
  return all;
}

std::vector<OpDef> defs() {
  const std::vector<Dtype> dtypes = {Dtype::kF32, Dtype::kF16, Dtype::kBF16, Dtype::kF64};
  OpDef op;
  op.name = "matmul";
  op.family = "products";
  op.meaning = "The product of two matrices or batches of matrices, with broadcasting over batches.";
  op.inputs = {{"a", dtypes, "[..., m, k], transposed [..., k, m], or [k]"},
               {"b", dtypes, "[..., k, n], transposed [..., n, k], or [k]; dtype of a"}};
  op.outputs = {{"y", dtypes, "[..., m, n] without the dimensions of vectors; dtype of a"}};
  op.attributes = {{"transpose_a", int64_t{0}, "1: a is [..., k, m]"},
                   {"transpose_b", int64_t{0}, "1: b is [..., n, k]"}};
  op.order =
      "a chain of fma over k ascending, F16 computed in F32 and rounded once; BF16 in pairs, odd k first";
  op.infer = infer;
  op.reference = reference;
  op.samples = samples;
  op.work = [](const WorkCall& call) { return work_of_products(call, {2}); };
  op.onnx = "MatMul";
  op.aclnn = "aclnnMatmul";
  return {op};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(matmul, isthmus::defs)
