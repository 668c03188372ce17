// SPDX-License-Identifier: Apache-2.0
// How tests of accuracy measure an error.
#pragma once

#include <algorithm>
#include <cmath>

namespace isthmus {

// Distance in units of the last place of the expected float.
inline double ulps(float actual, double expected) {
  if (std::isnan(expected) || std::isnan(actual))
    return std::isnan(expected) == std::isnan(actual) ? 0 : INFINITY;
  const float rounded = static_cast<float>(expected);
  if (std::isinf(rounded) || std::isinf(actual)) return rounded == actual ? 0 : INFINITY;
  const double unit =
      std::max(std::ldexp(1.0, std::ilogb(rounded == 0 ? 0x1p-149f : rounded) - 23), 0x1p-149);
  return std::abs(actual - expected) / unit;
}

}  // namespace isthmus
