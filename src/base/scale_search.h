// SPDX-License-Identifier: Apache-2.0
// The numeric parts of the quantisers: rounding into a range, and the scale that loses least.
#pragma once

#include <cmath>

namespace isthmus::scale_search {

// The integer part of x kept within low..high; NaN becomes low.
inline int truncate(float x, int low, int high) {
  if (!(x > static_cast<float>(low))) return low;
  return x >= static_cast<float>(high) ? high : static_cast<int>(x);
}

// Nearest integer (halves away from zero) kept within low..high.
inline int nearest(float x, int low, int high) { return truncate(std::round(x), low, high); }

// 1 / d, and 0 for 0.
inline float inverse(float d) { return d != 0 ? 1.0f / d : 0.0f; }

// The element of largest magnitude, with its sign; the first of equals.
inline float signed_peak(const float* x, int n) {
  // The magnitude is kept beside the element: clang 19.1.7 -O3 mistakes the unrolled chain of fabs(peak) for
  // another.
  float peak = 0, magnitude = 0;
  for (int i = 0; i < n; ++i) {
    if (std::fabs(x[i]) > magnitude) {
      peak = x[i];
      magnitude = std::fabs(x[i]);
    }
  }
  return peak;
}

// The scale s for which s * q, q integers in low..high, comes closest to x by the sum of squared differences.
float fit_scale(const float* x, int n, int low, int high);

struct Affine {
  float scale;  // >= 0
  float min;    // >= 0; x is close to scale * q - min
};

// The same with a minimum, q in 0..levels; n is at most 32.
Affine fit_affine(const float* x, int n, int levels);

}  // namespace isthmus::scale_search
