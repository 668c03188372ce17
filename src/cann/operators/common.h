// SPDX-License-Identifier: Apache-2.0
// What several adapters share: PyTorch's promotion around one Isthmus operator.
#pragma once

#include "cann/aclnn/builder.h"

namespace isthmus::cann {

// F32 for F16 and BF16: what a chain of several roundings is computed in.
inline Dtype wide(Dtype dtype) { return dtype == Dtype::kF16 || dtype == Dtype::kBF16 ? Dtype::kF32 : dtype; }
// A dtype that arithmetic takes: I32 for Bool.
inline Dtype numeric(Dtype dtype) { return dtype == Dtype::kBool ? Dtype::kI32 : dtype; }
// A float: F32 for whole numbers.
inline Dtype floating(Dtype dtype) { return is_float(dtype) ? dtype : Dtype::kF32; }
inline bool is_half(Dtype dtype) { return dtype == Dtype::kF16 || dtype == Dtype::kBF16; }

// Whether the number is the same in F16 or BF16.
bool representable(const Scalar& scalar, Dtype dtype);

// The two halves of x along a dimension; requires that it can be halved.
std::pair<Value, Value> halves(Builder& b, const Value& x, int64_t dim);
// Requires that none of these tensors is given; one without elements is none.
void refuse_tensors(Builder& b, std::initializer_list<const char*> parameters);
// Indices as gathers and scatters take them.
Value as_index(Builder& b, const Value& index);
// How many elements dims that the caller gave have; requires that there can be such a tensor.
int64_t elements_of(Builder& b, const std::vector<int64_t>& dims);
// One number for each of so many axes, or one for all; requires least <= number < 2^31, so that no product of
// two overflows.
std::vector<int64_t> per_axis(Builder& b, const char* parameter, size_t axes, int64_t least);
bool in_range(Builder& b, const char* what, const std::vector<int64_t>& values, int64_t least);
// The operator over both operands in `dtype`.
Value binary(Builder& b, const char* op, const Value& x, const Value& y, Dtype dtype);
// In the dtype PyTorch promotes them to.
Value binary(Builder& b, const char* op, const Value& x, const Value& y);
// With a number as second operand: whole numbers become F32 with a float one; F16 and BF16 are computed in
// F32 when the number needs it.
Value with_scalar(Builder& b, const char* op, const Value& x, const Scalar& s);
// With the number as first operand.
Value from_scalar(Builder& b, const char* op, const Scalar& s, const Value& y);
// The bits of a mask as dropout has it, eight elements in a byte of U8: 0 or 1 for each of so many.
Value unpacked_bits(Builder& b, const Value& mask, int64_t count);
// An operator of one operand that takes floats.
Value unary_float(Builder& b, const char* op, const Value& x, Attributes attributes = {});

}  // namespace isthmus::cann
