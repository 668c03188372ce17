// SPDX-License-Identifier: Apache-2.0
#include "base/scale_search.h"

#include <algorithm>

namespace isthmus::scale_search {

// Each candidate rounds x to integers; the best s for those integers is sum(x q) / sum(q q), and it takes
// sum(x q)^2 / sum(q q) off the squared error.
float fit_scale(const float* x, int n, int low, int high) {
  const float peak = signed_peak(x, n);
  if (peak == 0) return 0;
  float best_gain = 0, best = peak / static_cast<float>(low);
  for (int step = -4; step <= 4; ++step) {
    const float id = (static_cast<float>(low) + 0.2f * static_cast<float>(step)) / peak;
    float xq = 0, qq = 0;
    for (int i = 0; i < n; ++i) {
      const float q = static_cast<float>(nearest(x[i] * id, low, high));
      xq += x[i] * q;
      qq += q * q;
    }
    if (qq > 0 && xq * xq > best_gain * qq) {
      best_gain = xq * xq / qq;
      best = xq / qq;
    }
  }
  return best;
}

// For each candidate's integers the least-squares line through (q, x).
Affine fit_affine(const float* x, int n, int levels) {
  float low = 0, high = 0;  // zero is inside, because the stored minimum cannot be negative
  for (int i = 0; i < n; ++i) {
    low = std::min(low, x[i]);
    high = std::max(high, x[i]);
  }
  Affine best = {(high - low) / static_cast<float>(levels), -low};
  if (best.scale == 0) return best;
  float best_error = INFINITY;
  for (int step = -1; step <= 6; ++step) {
    const float id = (static_cast<float>(levels) + 0.15f * static_cast<float>(step)) / (high - low);
    float q_sum = 0, qq = 0, xq = 0, x_sum = 0;
    int q[32];
    for (int i = 0; i < n; ++i) {
      q[i] = nearest((x[i] - low) * id, 0, levels);
      const float value = static_cast<float>(q[i]);
      q_sum += value;
      qq += value * value;
      xq += x[i] * value;
      x_sum += x[i];
    }
    const float count = static_cast<float>(n);
    const float determinant = count * qq - q_sum * q_sum;
    if (!(determinant > 0)) continue;
    Affine fit = {(count * xq - q_sum * x_sum) / determinant, 0};
    fit.min = -(x_sum - fit.scale * q_sum) / count;
    if (fit.min < 0) fit = {xq / qq, 0};
    if (!(fit.scale > 0)) continue;
    float error = 0;
    for (int i = 0; i < n; ++i) {
      const float difference = fit.scale * static_cast<float>(q[i]) - fit.min - x[i];
      error += difference * difference;
    }
    if (error < best_error) {
      best_error = error;
      best = fit;
    }
  }
  return best;
}

}  // namespace isthmus::scale_search
