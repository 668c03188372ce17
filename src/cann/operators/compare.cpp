// SPDX-License-Identifier: Apache-2.0
// Comparisons of tensors and of a tensor with a number; an output of another dtype than Bool gets 0 or 1.
#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

Status compare(Builder& b, const char* op) {
  const Value x = b.tensor("self"), y = b.tensor("other");
  if (b.failed()) return b.status();
  b.store(binary(b, op, x, y), b.output());
  return b.status();
}

Status compare_number(Builder& b, const char* op) {
  b.store(with_scalar(b, op, b.tensor("self"), b.scalar("other")), b.output());
  return b.status();
}

}  // namespace

Status build_EqTensor(Builder& b) { return compare(b, "equal"); }
Status build_NeTensor(Builder& b) { return compare(b, "not_equal"); }
Status build_GtTensor(Builder& b) { return compare(b, "greater"); }
Status build_GeTensor(Builder& b) { return compare(b, "greater_equal"); }
Status build_LtTensor(Builder& b) { return compare(b, "less"); }
Status build_LeTensor(Builder& b) { return compare(b, "less_equal"); }

Status build_EqScalar(Builder& b) { return compare_number(b, "equal"); }
Status build_NeScalar(Builder& b) { return compare_number(b, "not_equal"); }
Status build_GtScalar(Builder& b) { return compare_number(b, "greater"); }
Status build_GeScalar(Builder& b) { return compare_number(b, "greater_equal"); }
Status build_LtScalar(Builder& b) { return compare_number(b, "less"); }
Status build_LeScalar(Builder& b) { return compare_number(b, "less_equal"); }

Status build_LogicalNot(Builder& b) {
  b.store(b.op("logical_not", {b.cast(b.tensor("self"), Dtype::kBool)}), b.output());
  return b.status();
}

}  // namespace isthmus::cann
