// SPDX-License-Identifier: Apache-2.0
// The attributes of resize in numbers.
#pragma once

#include "ops/op_def.h"
#include "ops/resize/taps-inl.h"

namespace isthmus {

inline constexpr int kMaxResizedAxes = 3;

struct Resize {
  ResizeRule rule;
  int32_t axes;  // the last ones of x
  int64_t sizes[kMaxResizedAxes];
  float scales[kMaxResizedAxes];  // 0: as the sizes say
};
Result<Resize> resize_of(const Attributes& attributes, int rank);

}  // namespace isthmus
