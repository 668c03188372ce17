// SPDX-License-Identifier: Apache-2.0
// The scalar chains that define all matrix products (docs/decisions/0001-numerics.md).
#pragma once

#include "base/tensor.h"
#include "ops/quantize/quantize_rows.h"

namespace isthmus {

// Start of row n of a [n, k] weight of any format.
const void* weight_row(const Tensor& weight, int64_t n);

// One step of the chain of a quantised weight: its block number `block` of 32, by two blocks of activations.
float accumulate_block(Dtype weight, const void* row, int64_t block, const QuantizedBlock (&x)[2], float acc);

// A value of dtype F32, F16 or BF16 as F32.
float load_float(Dtype dtype, const void* data, int64_t index);
void store_float(Dtype dtype, void* data, int64_t index, float value);
// x rounded to BF16, nearest even.
float rounded_to_bf16(float x);

}  // namespace isthmus
