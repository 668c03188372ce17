// SPDX-License-Identifier: Apache-2.0
// Sums of weighted elements along one axis, for each place others: what gradients of pools, of resizing and
// of padding are made of, one axis after the other.
#pragma once

#include "cann/operators/common.h"

namespace isthmus::cann {

// An element along an axis, and what it is multiplied with.
struct Tap {
  int64_t index;
  double weight;
};
using Taps = std::vector<std::vector<Tap>>;  // of each place of the result

// Whether a plan may hold so many taps; an error of the call if not.
bool few_taps(Builder& b, int64_t places, int64_t each);

// Windows of nearly equal sizes that cover `in` elements, each of weight 1. The sizes are checked before.
Taps adaptive_windows(int64_t in, int64_t out);
Taps adaptive_means(int64_t in, int64_t out);  // the same, of weights that make the mean

// The taps of the gradient: of each of `in` elements the places it went to.
Taps turned(const Taps& taps, int64_t in);

// The place i along `axis` is the sum of x at the taps of i times their weights, in their order.
Value weigh(Builder& b, const Value& x, int axis, const Taps& taps);

// The gradient "gradOutput" of a pool, each element added to the place of the picture that its index names.
Status put_gradient(Builder& b, const Value& indices, int axes, const Value& place);

}  // namespace isthmus::cann
