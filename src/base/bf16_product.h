// SPDX-License-Identifier: Apache-2.0
// One step of a BF16 product, as the numerics note defines it and vdpbf16ps computes it.
#pragma once

namespace isthmus {

// acc + x * w rounded once, for BF16 values x and w (held in F32). Subnormal operands count as zeros of their
// sign. A result that is tiny after rounding becomes a zero of its sign; tiny means that rounded to 24 bits
// with an unlimited exponent its magnitude is below 2^-126 (the x86 rule: just below 2^-126 it differs from
// looking at the F32 result).
float bf16_product_step(float x, float w, float acc);

}  // namespace isthmus
