// SPDX-License-Identifier: Apache-2.0
// Products with something behind them, and products of batches in another order.
#include "cann/operators/common.h"

namespace isthmus::cann {

// fusedOpType names what comes behind the bias; 16cast32 and nothing only round.
Status build_FusedMatmul(Builder& b) {
  const std::string kind = b.text("fusedOpType");
  Value y = b.op("matmul", {b.cast(b.tensor("x"), Dtype::kF32), b.cast(b.tensor("x2"), Dtype::kF32)});
  if (b.has("bias")) y = b.op("add", {y, b.cast(b.tensor("bias"), Dtype::kF32)});
  if (kind == "add" || kind == "mul") {
    y = b.op(kind, {y, b.cast(b.tensor("x3"), Dtype::kF32)});
  } else {
    b.require(!b.has("x3"), "fusedOpType '{}' takes no x3", kind);
    if (kind == "gelu_erf" || kind == "gelu_tanh" || kind == "relu")
      y = b.op(kind == "gelu_erf" ? "gelu" : kind, {y});
    else
      b.require(kind.empty() || kind == "16cast32", "fusedOpType '{}'", kind);
  }
  b.store(y, b.output());
  return b.status();
}

// batchSplitFactor f > 1: each row of the result, batch behind batch, in f parts, which come first.
Status build_TransposeBatchMatMul(Builder& b) {
  for (const char* parameter : {"bias", "scale"})
    if (b.has(parameter)) b.fail(unimplemented("'{}' is not supported", parameter));
  const auto ordered = [&](const char* tensor, const char* order) {
    const Value x = b.tensor(tensor);
    const std::vector<int64_t> axes = b.ints(order);
    if (b.failed() || !b.require(x.rank == 3 && axes.size() == 3, "{} is {}, {} has {} numbers", tensor,
                                 to_string(x), order, axes.size()))
      return Value{};
    return b.permute(x, axes);
  };
  const Value x = ordered("x1", "permX1"), w = ordered("x2", "permX2"), place = b.output();
  const std::vector<int64_t> order = b.ints("permY");
  const int64_t parts = b.integer("batchSplitFactor");
  if (!b.require(order == std::vector<int64_t>({1, 0, 2}), "permY {}; [1, 0, 2] is supported",
                 dims_to_string(order)) ||
      b.failed())
    return b.status();
  const bool one = x.dtype == w.dtype && is_float(x.dtype);
  const Value y =
      b.transpose(b.op("matmul", {one ? x : b.cast(x, Dtype::kF32), one ? w : b.cast(w, Dtype::kF32)}), 0, 1);
  if (b.failed()) return b.status();
  if (parts <= 1) {
    b.store(y, place);
    return b.status();
  }
  const int64_t row = y.dims[1] * y.dims[2];
  if (!b.require(row % parts == 0, "rows of {} in {} parts", row, parts)) return b.status();
  b.store(b.transpose(b.reshape(y, {y.dims[0], parts, row / parts}), 0, 1), place);
  return b.status();
}

}  // namespace isthmus::cann
