// SPDX-License-Identifier: Apache-2.0
// The kernel that ours are held against. It stays as it is, and so do the flags it is compiled with: a ratio
// means something only as long as one side of it does not change.
#pragma once

namespace isthmus::guard {

// A product of F32 matrices, 64 rows by 256 columns in sums of 256: one multiplication and addition after
// another.
inline constexpr int kRows = 64, kColumns = 256, kSteps = 256;
void baseline_product(const float* x, const float* w, float* y);

}  // namespace isthmus::guard
