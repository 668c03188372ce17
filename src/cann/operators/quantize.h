// SPDX-License-Identifier: Apache-2.0
// Quantising by rows and by given scales, for the operators that do it after something else.
#pragma once

#include "cann/aclnn/builder.h"

namespace isthmus::cann {

// Rounded to nearest even and limited to I8 (or what the output holds).
Value to_integers(Builder& b, const Value& x, Dtype dtype);

// I8 in [-127, 127] times a scale for each row; a row of zeros has a scale of 0.
struct QuantizedRows {
  Value integers, scale;
};
QuantizedRows quantize_by_row(Builder& b, Value x);

}  // namespace isthmus::cann
