// SPDX-License-Identifier: Apache-2.0
// Pictures and volumes read at places that are data, between their elements: grids, regions, and their
// gradients.
#pragma once

#include "cann/operators/common.h"

namespace isthmus::cann {

// One of the elements along an axis that a place is read from: all [samples, places], `at` whole numbers as
// floats.
struct Neighbour {
  Value at, weight;
  Value slope;  // how the weight changes as the place moves along the axis; absent: not needed
};
using Neighbours = std::vector<Neighbour>;

// The two that a coordinate lies between.
Neighbours linear_neighbours(Builder& b, const Value& coordinate);
// The four of a cubic curve (a = -0.75).
Neighbours cubic_neighbours(Builder& b, const Value& coordinate);

// Elements as rows: [pictures, channels, …] as [pictures * places, channels].
Value picture_rows(Builder& b, const Value& x);

// What a place is read from: one neighbour of each axis.
struct Corner {
  Value row;                  // of picture_rows, I64 [samples, places]; beyond them where it lies outside
  Value inside;               // Bool
  Value weight;               // the product of the neighbours', 0 outside
  std::vector<Value> slopes;  // by each axis, where neighbours have slopes
};
// All combinations; `first` [samples, 1] is the row of each sample's first element.
std::vector<Corner> corners(Builder& b, const std::vector<Neighbours>& axes,
                            const std::vector<int64_t>& sizes, const Value& first, int64_t rows);

// Their weighted sum: [samples, places, channels].
Value read_corners(Builder& b, const Value& rows, const std::vector<Corner>& all);

}  // namespace isthmus::cann
