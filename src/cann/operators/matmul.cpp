// SPDX-License-Identifier: Apache-2.0
// Products of matrices.
#include "cann/operators/common.h"

#include "aclnn/acl_meta.h"
#include "cann/error.h"

namespace isthmus::cann {
namespace {

// x times w, which is [k, n] and best a transposed view of a dense [n, k], as weights are kept. Activations
// are never narrowed: what is summed is summed in F32 (F64) and rounded once.
Value product(Builder& b, Value x, Value w) {
  if (b.failed()) return {};
  if (!b.require(x.rank >= 1 && w.rank >= 1, "a product of {} and {}", to_string(x), to_string(w))) return {};
  const bool row = x.rank == 1, column = w.rank == 1;
  if (row) x = b.unsqueeze(x, 0);
  if (column) w = b.unsqueeze(w, 1);
  if (!b.require(x.dims[x.rank - 1] == w.dims[w.rank - 2],
                 "a product of {} and {}: as many columns as rows are needed", to_string(x), to_string(w)))
    return {};
  // A weight of one matrix for all.
  while (w.rank > 2 && w.dims[0] == 1 && x.rank >= w.rank) w = b.squeeze(w, 0);
  const Value turned = b.transpose(w, -1, -2);
  Value y;
  if (w.rank == 2 && turned.dense() && (w.dtype == Dtype::kF32 || w.dtype == Dtype::kF16) &&
      !(x.dtype == Dtype::kF64)) {
    y = b.op("linear", {b.cast(x, Dtype::kF32), turned});
  } else {
    const Dtype dtype = floating(Builder::promote(x.dtype, w.dtype));
    y = b.op("matmul", {b.cast(x, dtype), b.cast(w, dtype)});
  }
  if (b.failed()) return {};
  if (column) y = b.squeeze(y, -1);
  if (row) y = b.squeeze(y, column ? -1 : -2);
  return y;
}

Status multiply(Builder& b, const char* second) {
  b.store(product(b, b.tensor("self"), b.tensor(second)), b.output("out"));
  return b.status();
}

}  // namespace

Status build_Matmul(Builder& b) { return multiply(b, "mat2"); }
Status build_Mm(Builder& b) { return multiply(b, "mat2"); }
Status build_BatchMatMul(Builder& b) { return multiply(b, "mat2"); }
Status build_Mv(Builder& b) { return multiply(b, "vec"); }

// x [m, k] times weight [k, n] of whole numbers, which are scaled by column or by group of k.
Status build_WeightQuantBatchMatmulV2(Builder& b) {
  for (const char* absent : {"quantScale", "quantOffset"})
    if (b.has(absent)) b.fail(unimplemented("'{}' is not supported", absent));
  const Value x = b.tensor("x");
  const bool packed = b.is_int4("weight");
  Value weight = packed ? b.int4_bytes("weight") : b.tensor("weight");
  Value scale = b.tensor("antiquantScale"), offset = b.optional("antiquantOffset");
  if (b.failed() ||
      !b.require(weight.rank == 2 && x.rank >= 2, "x {} and weight {}", to_string(x), to_string(weight)))
    return b.status();
  weight = b.transpose(weight, 0, 1);  // [n, k], or [n, k / 2] of bytes
  const int64_t n = weight.dims[0], k = x.dims[x.rank - 1];
  if (!b.require(weight.dims[1] * (packed ? 2 : 1) == k, "x {} and weight {} differ in k{}", to_string(x),
                 to_string(b.transpose(weight, 0, 1)), packed ? ", along which INT4 must be packed" : ""))
    return b.status();
  const auto by_column = [&](const Value& v) {
    if (!v.present() || b.failed()) return v;
    if (v.elements() == 1) return b.expand(b.reshape(v, {1, 1}), {n, 1});
    return v.rank == 1 ? b.unsqueeze(v, 1) : b.transpose(v, 0, 1);
  };
  scale = by_column(scale);
  offset = b.cast(by_column(offset), scale.dtype);
  b.store(b.op("linear_dequantized", {x, weight, scale, offset, b.optional("bias")}), b.output("y"));
  return b.status();
}

// FRACTAL_NZ is a name of the dense layout here: nothing moves.
Status build_TransMatmulWeight(Builder& b) { return b.status(); }

}  // namespace isthmus::cann

using namespace isthmus::cann;  // NOLINT: entry points are outside of every namespace

extern "C" {

ACL_FUNC_VISIBILITY aclnnStatus aclnnCalculateMatmulWeightSizeV2(const aclIntArray* tensorShape,
                                                                 aclDataType dataType,
                                                                 uint64_t* weightTensorSize) {
  const char* const entry = "aclnnCalculateMatmulWeightSizeV2";
  if (!tensorShape || !weightTensorSize)
    return fail(kAclnnNullArgument, "{}: {} is null", entry,
                tensorShape ? "weightTensorSize" : "tensorShape");
  const auto shape = int_arrays().find(tensorShape);
  if (!shape.ok()) return report_aclnn(entry, shape.status());
  (void)dataType;
  uint64_t elements = 1;
  for (int64_t dim : (*shape)->values)
    if (dim < 0 || __builtin_mul_overflow(elements, static_cast<uint64_t>(dim), &elements))
      return fail(kAclnnInvalidArgument, "{}: the shape is {}", entry, dims_to_string((*shape)->values));
  *weightTensorSize = elements;
  return 0;
}

}  // extern "C"
