// SPDX-License-Identifier: Apache-2.0
// Which elements of an axis a slice takes; ONNX and NumPy agree on it.
#pragma once

#include <cstdint>

namespace isthmus {

inline constexpr int64_t kSliceToEnd = INT64_MAX;

struct SliceRange {
  int64_t first, count;
};

// Always inlined: kernels of several instruction sets use it too.
__attribute__((always_inline)) inline SliceRange slice_range(int64_t start, int64_t end, int64_t step,
                                                             int64_t size) {
  if (start < 0) start += size;
  if (end < 0) end += size;  // the lowest integer stays below zero
  const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
  start = start < low ? low : start > high ? high : start;
  end = end < low ? low : end > high ? high : end;
  // In unsigned numbers, where the magnitude of every step fits.
  const int64_t distance = step > 0 ? end - start : start - end;
  if (distance <= 0) return {start < 0 ? 0 : start, 0};
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  return {start, static_cast<int64_t>((static_cast<uint64_t>(distance) - 1) / stride + 1)};
}

}  // namespace isthmus
