// SPDX-License-Identifier: Apache-2.0
// Which numbers of a head are pairs: the attribute "style" of rope and rotate_pairs.
#pragma once

#include "base/status.h"
#include "ops/attributes.h"

namespace isthmus {

// Whether number i pairs with the one half a head away, not with its neighbour.
inline Result<bool> is_neox(const Attributes& attributes) {
  const std::string& style = attributes.s("style");
  if (style != "neox" && style != "interleaved")
    return invalid_argument("style must be 'neox' or 'interleaved', not '{}'", style);
  return style == "neox";
}

}  // namespace isthmus
