// SPDX-License-Identifier: Apache-2.0
// Quantising by rows and by given scales, for the operators that do it after something else.
#pragma once

#include "cann/aclnn/builder.h"

namespace isthmus::cann {

// Rounded to nearest even and limited to I8 (or what the output holds).
Value to_integers(Builder& b, const Value& x, Dtype dtype);

// So many products of I8 surely add up to an I32.
constexpr int64_t kMostWholeProducts = int64_t{1} << 17;

// A scale of all, or of the elements along an axis of x, so that it broadcasts; F32.
Value along(Builder& b, Value scale, const Value& x, int64_t axis);

// I8 in [-127, 127] times a scale for each row; a row of zeros has a scale of 0.
struct QuantizedRows {
  Value integers, scale;
};
QuantizedRows quantize_by_row(Builder& b, Value x);

}  // namespace isthmus::cann
