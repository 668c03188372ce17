// SPDX-License-Identifier: Apache-2.0
#include "exact_cost_loops.h"

#include <cmath>

namespace isthmus::loops {

void sum(const float* x, float* y, int64_t rows, int64_t n) {
  for (int64_t r = 0; r < rows; ++r, x += n) {
    float total = 0;
    for (int64_t i = 0; i < n; ++i) total += x[i];
    y[r] = total;
  }
}

void rms_norm(const float* x, const float* weight, float* y, int64_t rows, int64_t n, float eps) {
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    float squares = 0;
    for (int64_t i = 0; i < n; ++i) squares += x[i] * x[i];
    const float scale = 1 / std::sqrt(squares / static_cast<float>(n) + eps);
    for (int64_t i = 0; i < n; ++i) y[i] = x[i] * scale * weight[i];
  }
}

void softmax(const float* x, float* y, int64_t rows, int64_t n) {
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    float largest = x[0], total = 0;
    for (int64_t i = 0; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
    for (int64_t i = 0; i < n; ++i) total += y[i] = std::exp(x[i] - largest);
    const float inverse = 1 / total;
    for (int64_t i = 0; i < n; ++i) y[i] *= inverse;
  }
}

void exp(const float* x, float* y, int64_t rows, int64_t n) {
  for (int64_t i = 0; i < rows * n; ++i) y[i] = std::exp(x[i]);
}
void sin(const float* x, float* y, int64_t rows, int64_t n) {
  for (int64_t i = 0; i < rows * n; ++i) y[i] = std::sin(x[i]);
}
void tanh(const float* x, float* y, int64_t rows, int64_t n) {
  for (int64_t i = 0; i < rows * n; ++i) y[i] = std::tanh(x[i]);
}
void swiglu(const float* gate, const float* up, float* y, int64_t rows, int64_t n) {
  for (int64_t i = 0; i < rows * n; ++i) y[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
}

}  // namespace isthmus::loops
