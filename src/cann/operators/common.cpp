// SPDX-License-Identifier: Apache-2.0
#include "cann/operators/common.h"

#include <algorithm>

#include "base/half.h"

namespace isthmus::cann {
namespace {

// The dtype that x and the number are computed in.
Dtype scalar_dtype(Dtype x, const Scalar& s) {
  const Dtype dtype = numeric(Builder::promote(x, s));
  return representable(s, dtype) ? dtype : wide(dtype);
}

}  // namespace

bool representable(const Scalar& scalar, Dtype dtype) {
  const auto f = static_cast<float>(scalar.f);
  if (static_cast<double>(f) != scalar.f && scalar.f == scalar.f) return !is_half(dtype);
  if (f != f) return true;
  if (dtype == Dtype::kF16) return f16_to_f32(f32_to_f16(f)) == f;
  if (dtype == Dtype::kBF16) return bf16_to_f32(f32_to_bf16(f)) == f;
  return true;
}

std::pair<Value, Value> halves(Builder& b, const Value& x, int64_t dim) {
  const int axis = b.axis(dim, x.rank);
  if (b.failed() || !b.require(x.rank > 0 && x.dims[axis] % 2 == 0, "dimension {} of {} cannot be halved",
                               axis, to_string(x)))
    return {};
  const int64_t half = x.dims[axis] / 2;
  return {b.slice(x, axis, 0, half), b.slice(x, axis, half, 2 * half)};
}

void refuse_tensors(Builder& b, std::initializer_list<const char*> parameters) {
  for (const char* parameter : parameters)
    if (b.has(parameter) && b.optional(parameter).elements() != 0)
      b.fail(unimplemented("'{}' is not supported", parameter));
}

Value as_index(Builder& b, const Value& index) {
  return index.dtype == Dtype::kI32 || index.dtype == Dtype::kI64 ? index : b.cast(index, Dtype::kI64);
}

int64_t elements_of(Builder& b, const std::vector<int64_t>& dims) {
  int64_t elements = 1;
  bool possible = true;
  for (int64_t dim : dims)
    possible = possible && dim >= 0 && !__builtin_mul_overflow(elements, dim, &elements);
  return b.require(possible && elements < int64_t{1} << 60, "dims {} of a tensor", dims_to_string(dims))
             ? elements
             : 0;
}

bool in_range(Builder& b, const char* what, const std::vector<int64_t>& values, int64_t least) {
  const bool fits = std::all_of(values.begin(), values.end(),
                                [&](int64_t v) { return v >= least && v < int64_t{1} << 31; });
  return b.require(fits, "{} is {}", what, dims_to_string(values));
}

std::vector<int64_t> per_axis(Builder& b, const char* parameter, size_t axes, int64_t least) {
  std::vector<int64_t> values = b.ints(parameter);
  if (values.size() == 1) values.resize(axes, values[0]);
  if (b.require(values.size() == axes, "'{}' has {} numbers for {} axes", parameter, values.size(), axes))
    in_range(b, parameter, values, least);
  return values;
}

Value binary(Builder& b, const char* op, const Value& x, const Value& y, Dtype dtype) {
  return b.op(op, {b.cast(x, dtype), b.cast(y, dtype)});
}

Value binary(Builder& b, const char* op, const Value& x, const Value& y) {
  return binary(b, op, x, y, numeric(Builder::promote(x.dtype, y.dtype)));
}

Value with_scalar(Builder& b, const char* op, const Value& x, const Scalar& s) {
  const Dtype dtype = scalar_dtype(x.dtype, s);
  return b.op(op, {b.cast(x, dtype), b.constant(s, dtype)});
}

Value from_scalar(Builder& b, const char* op, const Scalar& s, const Value& y) {
  const Dtype dtype = scalar_dtype(y.dtype, s);
  return b.op(op, {b.constant(s, dtype), b.cast(y, dtype)});
}

Value unary_float(Builder& b, const char* op, const Value& x, Attributes attributes) {
  return b.op(op, {b.cast(x, floating(x.dtype))}, std::move(attributes));
}

}  // namespace isthmus::cann
