// SPDX-License-Identifier: Apache-2.0
// Products of I8 matrices, whose sums are exact, and what scales them back.
#include <algorithm>

#include "cann/operators/common.h"
#include "cann/operators/quantize.h"

namespace isthmus::cann {
namespace {

// x1 x2 as I32. Every partial sum of 1024 products of I8 is a whole number that F32 holds.
Value whole_product(Builder& b, const Value& x1, const Value& x2) {
  if (b.failed()) return {};
  if (!b.require(x1.dtype == Dtype::kI8 && x2.dtype == Dtype::kI8 && x1.rank >= 2 && x2.rank >= 2 &&
                     x1.dims[x1.rank - 1] == x2.dims[x2.rank - 2],
                 "a product of {} and {}; both must be I8 matrices", to_string(x1), to_string(x2)))
    return {};
  const int64_t k = x1.dims[x1.rank - 1];
  if (!b.require(k <= kMostWholeProducts, "sums of {} products, at most {} fit I32", k, kMostWholeProducts))
    return {};
  Value sum;
  for (int64_t from = 0; from == 0 || from < k; from += 1024) {
    const int64_t to = std::min(k, from + 1024);
    const Value part = b.op("matmul", {b.cast(b.slice(x1, -1, from, to), Dtype::kF32),
                                       b.cast(b.slice(x2, -2, from, to), Dtype::kF32)});
    const Value whole = b.cast(part, Dtype::kI32);
    sum = sum.present() ? b.op("add", {sum, whole}) : whole;
  }
  return sum;
}

// The F32 in the low half of each I64 that TransQuantParamV2 packed, or the scales as they are.
Value unpacked(Builder& b, Value scale) {
  if (b.failed() || (scale.dtype != Dtype::kI64 && scale.dtype != Dtype::kU64)) return scale;
  if (!b.require(scale.rank < kMaxRank, "packed scales {}", to_string(scale))) return {};
  scale.dtype = Dtype::kF32;
  for (int i = 0; i < scale.rank; ++i) scale.strides[i] *= 2;
  return scale;
}

// A row of scales for the columns or one for all.
Value by_column(Builder& b, const Value& scale, const Value& x) {
  return along(b, unpacked(b, scale), x, -1);
}
// One for each row.
Value by_row(Builder& b, const Value& scale, const Value& x) {
  return b.failed() ? scale : along(b, scale, x, x.rank - 2);
}

// Scales sums back: those of whole numbers get a bias of whole numbers before, a bias of floats comes last.
Value scaled_back(Builder& b, Value sum, const Value& column, const Value& row, const Value& bias) {
  if (b.failed()) return {};
  const bool whole = bias.present() && !is_float(bias.dtype);
  if (whole) sum = b.op("add", {sum, b.cast(bias, Dtype::kI32)});
  Value y = b.cast(sum, Dtype::kF32);
  y = b.op("mul", {y, by_column(b, column, y)});
  if (row.present()) y = b.op("mul", {y, by_row(b, row, y)});
  if (bias.present() && !whole) y = b.op("add", {y, b.cast(bias, Dtype::kF32)});
  return y;
}

}  // namespace

// The 13 low bits of a scale are dropped and bit 46 is set. Offsets are not packed: the products get them
// too.
Status build_TransQuantParamV2(Builder& b) {
  Value scale = b.tensor("scale");
  const Value place = b.output();
  if (b.failed() ||
      !b.require(scale.dtype == Dtype::kF32 && (place.dtype == Dtype::kI64 || place.dtype == Dtype::kU64),
                 "{} packed into {}", to_string(scale), to_string(place)))
    return b.status();
  scale.dtype = Dtype::kU32;  // its bits
  const Value kept = b.op("bitwise_and", {scale, b.constant(Scalar::of(int64_t{0xFFFFE000}), Dtype::kU32)});
  const Value packed =
      b.op("bitwise_or", {b.cast(kept, Dtype::kI64), b.constant(Scalar::of(int64_t{1} << 46), Dtype::kI64)});
  b.store(scale.elements() == 1 ? b.expand(b.reshape(packed, {}), place.shape()) : packed, place);
  return b.status();
}

Status build_QuantMatmulV5(Builder& b) {
  refuse_tensors(b, {"yScale", "x1Offset", "yOffset"});
  Value x1 = b.tensor("x1"), x2 = b.tensor("x2");
  const Value place = b.output(), bias = b.optional("bias"), offset = b.optional("x2Offset");
  if (!b.require(b.integer("groupSize") == 0, "groupSize {}; 0 is supported", b.integer("groupSize")))
    return b.status();
  if (b.boolean("transposeX1")) x1 = b.transpose(x1, -1, -2);
  if (b.boolean("transposeX2")) x2 = b.transpose(x2, -1, -2);
  const Value sum = whole_product(b, x1, x2);
  if (b.failed()) return b.status();
  if (place.dtype == Dtype::kI32) {
    b.require(!b.has("x1Scale") && !offset.present(), "sums of I32 are not scaled");
    b.store(bias.present() ? b.op("add", {sum, b.cast(bias, Dtype::kI32)}) : sum, place);
    return b.status();
  }
  Value y = scaled_back(b, sum, b.tensor("x2Scale"), b.optional("x1Scale"), bias);
  if (offset.present() && offset.elements() > 0) y = b.op("add", {y, by_column(b, offset, y)});
  b.store(is_float(place.dtype) ? y : to_integers(b, y, place.dtype), place);
  return b.status();
}
Status build_QuantMatmulWeightNz(Builder& b) { return build_QuantMatmulV5(b); }

// Rows of x quantised as DynamicQuant does; weight is [n, k] with transposeWeight.
Status build_QuantMatmulDequant(Builder& b) {
  refuse_tensors(b, {"xScale", "xOffset", "smoothScale"});
  const std::string mode = b.text("xQuantMode");
  b.require(mode == "pertoken", "xQuantMode '{}'; 'pertoken' is supported", mode);
  const Value x = b.tensor("x");
  Value weight = b.tensor("weight");
  if (b.boolean("transposeWeight")) weight = b.transpose(weight, -1, -2);
  if (b.failed() ||
      !b.require(x.rank == 2 && weight.rank == 2, "a product of {} and {}", to_string(x), to_string(weight)))
    return b.status();
  const QuantizedRows rows = quantize_by_row(b, x);
  b.store(scaled_back(b, whole_product(b, rows.integers, weight), b.tensor("weightScale"), rows.scale,
                      b.optional("bias")),
          b.output());
  return b.status();
}

Status build_DequantBias(Builder& b) {
  const Value x = b.tensor("x");
  if (b.failed() || !b.require(x.rank == 2 && x.dtype == Dtype::kI32,
                               "sums of {}; an I32 matrix is supported", to_string(x)))
    return b.status();
  b.store(scaled_back(b, x, b.tensor("weightScale"), b.optional("activateScale"), b.optional("bias")),
          b.output());
  return b.status();
}

}  // namespace isthmus::cann
