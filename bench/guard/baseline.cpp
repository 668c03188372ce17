// SPDX-License-Identifier: Apache-2.0
#include "baseline.h"

namespace isthmus::guard {

void baseline_product(const float* x, const float* w, float* y) {
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < kColumns; ++c) y[r * kColumns + c] = 0;
    for (int s = 0; s < kSteps; ++s)
      for (int c = 0; c < kColumns; ++c) y[r * kColumns + c] += x[r * kSteps + s] * w[s * kColumns + c];
  }
}

}  // namespace isthmus::guard
