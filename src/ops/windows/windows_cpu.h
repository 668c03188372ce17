// SPDX-License-Identifier: Apache-2.0
// Windows of a query, for CPU kernels.
#pragma once

#include "devices/cpu/kernel.h"
#include "ops/windows/windows-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {

// All of the attributes; sizes only where the operator has them as one.
inline Windows windows_of_query(const isthmus_op_query_t& query, int axes) {
  const isthmus_attribute_t *strides = find_attribute(query, "strides"),
                            *pads = find_attribute(query, "pads"),
                            *dilations = find_attribute(query, "dilations"),
                            *sizes = find_attribute(query, "sizes");
  Windows windows = {};
  windows.axes = axes;
  for (int d = 0; d < axes; ++d) {
    windows.size[d] = sizes ? sizes->ints[d] : 1;
    windows.stride[d] = strides->count ? strides->ints[d] : 1;
    windows.dilation[d] = dilations->count ? dilations->ints[d] : 1;
    windows.before[d] = pads->count ? pads->ints[d] : 0;
    windows.after[d] = pads->count ? pads->ints[axes + d] : 0;
  }
  return windows;
}

// Windows low … high - 1 of `count`, the first of which has its place at `start` and the next `stride` on,
// have it within [0, size).
inline void windows_inside(int64_t start, int64_t stride, int64_t size, int64_t count, int64_t* low,
                           int64_t* high) {
  *low = start >= 0 ? 0 : (-start + stride - 1) / stride;
  *high = start >= size ? 0 : (size - start - 1) / stride + 1;
  if (*low > count) *low = count;
  if (*high > count) *high = count;
  if (*high < *low) *high = *low;
}

}  // namespace isthmus::cpu::ISTHMUS_ISA
