// SPDX-License-Identifier: Apache-2.0
#include "cann/aclnn/self_overlap.h"

#include <algorithm>
#include <vector>

namespace isthmus::cann {
namespace {

struct Axis {
  int64_t stride = 0, dim = 0;
};

// Each axis steps over all that the axes of smaller strides reach.
bool nested(const std::vector<Axis>& axes) {
  int64_t reach = 0;  // extents of views fit 2^62 bits
  for (const Axis& axis : axes) {
    if (axis.stride <= reach) return false;
    reach += (axis.dim - 1) * axis.stride;
  }
  return true;
}

}  // namespace

bool overlaps_itself(const Value& view) {
  if (view.elements() == 0) return false;
  std::vector<Axis> axes;
  for (int i = 0; i < view.rank; ++i)
    if (view.dims[i] > 1) axes.push_back({std::abs(view.strides[i]), view.dims[i]});
  std::sort(axes.begin(), axes.end(), [](const Axis& a, const Axis& b) { return a.stride < b.stride; });
  if (!axes.empty() && axes[0].stride == 0) return true;
  if (nested(axes)) return false;
  // Every place, where that is cheap.
  constexpr int64_t kMostPlaces = 1 << 16;
  if (view.elements() > kMostPlaces) return false;
  std::vector<int64_t> places = {0};
  for (const Axis& axis : axes) {
    const size_t count = places.size();
    for (int64_t i = 1; i < axis.dim; ++i)
      for (size_t p = 0; p < count; ++p) places.push_back(places[p] + i * axis.stride);
  }
  std::sort(places.begin(), places.end());
  return std::adjacent_find(places.begin(), places.end()) != places.end();
}

}  // namespace isthmus::cann
