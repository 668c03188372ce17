// SPDX-License-Identifier: Apache-2.0
// Plain loops in any order, compiled with -ffast-math: what a compiler makes of an operator that promises
// nothing.
#pragma once

#include <cstdint>

namespace isthmus::loops {

// x, y: rows x n, contiguous; y of sum: rows.
void sum(const float* x, float* y, int64_t rows, int64_t n);
void rms_norm(const float* x, const float* weight, float* y, int64_t rows, int64_t n, float eps);
void softmax(const float* x, float* y, int64_t rows, int64_t n);
void exp(const float* x, float* y, int64_t rows, int64_t n);
void sin(const float* x, float* y, int64_t rows, int64_t n);
void tanh(const float* x, float* y, int64_t rows, int64_t n);
void swiglu(const float* gate, const float* up, float* y, int64_t rows, int64_t n);

}  // namespace isthmus::loops
