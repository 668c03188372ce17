// SPDX-License-Identifier: Apache-2.0
// Windows that slide over the last one to three axes of a tensor: what convolutions, pools and im2col share
// of attributes and shapes.
#pragma once

#include "ops/op_def.h"
#include "ops/windows/windows-inl.h"

namespace isthmus {

// The attributes strides, pads and dilations, all of them empty by default.
std::vector<AttributeDef> window_attributes();

// Checks the attributes for `axes` spatial axes and fills all but the sizes. An operator may lack dilations.
Result<Windows> windows_of(const Attributes& attributes, int axes);
// Sizes from numbers that come from outside.
Status set_sizes(Windows& windows, std::span<const int64_t> sizes);
// Both, of an operator on x of this rank whose attribute `sizes` says how big a window is.
Result<Windows> windows_in(const Attributes& attributes, int rank);

// How many windows fit along axis d; with `ceil` also a last one that begins inside but ends outside.
Result<Dim> count_windows(const Windows& windows, int d, const Dim& in, bool ceil);

}  // namespace isthmus
