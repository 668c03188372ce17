// SPDX-License-Identifier: Apache-2.0
// Walking over the rows of a tensor along one axis, for references of row operators.
#pragma once

#include "ops/reference.h"

namespace isthmus::reference {

// Calls f(offset of the row's first element in x, the same in y) for every row along `axis`; x and y have
// equal dims.
template <typename F>
void for_each_row(const Tensor& x, const Tensor& y, int axis, F&& f) {
  if (x.dims[axis] == 0) return;
  int64_t outer[kMaxRank];
  for (int i = 0; i < x.rank; ++i) outer[i] = i == axis ? 1 : x.dims[i];
  for_each_index(outer, x.rank, [&](const int64_t* index) { f(x.offset(index), y.offset(index)); });
}

}  // namespace isthmus::reference
