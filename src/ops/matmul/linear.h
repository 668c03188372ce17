// SPDX-License-Identifier: Apache-2.0
// The shape rule that linear and linear_quantized share.
#pragma once

#include "ops/op_def.h"

namespace isthmus {

// x [..., k], weight [n, k], bias [n] or absent -> y F32 [..., n].
Status infer_linear(const TensorType& x, const TensorType& weight, const TensorType& bias, TensorType* y);

}  // namespace isthmus
