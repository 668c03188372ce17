// SPDX-License-Identifier: Apache-2.0
#include "cann/operators/taps.h"

#include <algorithm>

namespace isthmus::cann {

bool few_taps(Builder& b, int64_t places, int64_t each) {
  constexpr int64_t kMost = int64_t{1} << 24;
  return b.require(places >= 0 && each >= 0 && places <= kMost && each <= kMost && places * each <= kMost,
                   "{} places of {} elements each along one axis are more than {} together", places, each,
                   kMost);
}

Taps adaptive_windows(int64_t in, int64_t out) {
  Taps taps(static_cast<size_t>(out));
  for (int64_t o = 0; o < out; ++o)
    for (int64_t i = o * in / out; i < ((o + 1) * in + out - 1) / out; ++i)
      taps[static_cast<size_t>(o)].push_back({i, 1.0});
  return taps;
}

Taps adaptive_means(int64_t in, int64_t out) {
  Taps taps = adaptive_windows(in, out);
  for (std::vector<Tap>& window : taps)
    for (Tap& tap : window) tap.weight = 1 / static_cast<double>(window.size());
  return taps;
}

Taps turned(const Taps& taps, int64_t in) {
  Taps result(static_cast<size_t>(in));
  for (size_t place = 0; place < taps.size(); ++place)
    for (const Tap& tap : taps[place])
      result[static_cast<size_t>(tap.index)].push_back({static_cast<int64_t>(place), tap.weight});
  return result;
}

// Places with fewer taps than others get some outside, where gather reads zero: no NaN or infinity of an
// element reaches a place that has nothing to do with it.
Value weigh(Builder& b, const Value& x, int axis, const Taps& taps) {
  if (b.failed() || !b.require(axis >= 0 && axis < x.rank, "{} along {}", to_string(x), axis)) return {};
  const auto places = static_cast<int64_t>(taps.size());
  size_t each = 1;
  bool ones = true;
  for (const std::vector<Tap>& place : taps) {
    each = std::max(each, place.size());
    for (const Tap& tap : place) ones &= tap.weight == 1;
  }
  if (!few_taps(b, places, static_cast<int64_t>(each))) return {};
  std::vector<int64_t> index;
  std::vector<double> weight;
  for (const std::vector<Tap>& place : taps) {
    for (size_t k = 0; k < each; ++k) {
      index.push_back(k < place.size() ? place[k].index : x.dims[axis]);
      weight.push_back(k < place.size() ? place[k].weight : 0);
    }
  }
  const auto width = static_cast<int64_t>(each);
  std::vector<int64_t> shape(static_cast<size_t>(x.rank - axis) + 1, 1);
  shape[0] = places, shape[1] = width;
  Value y = b.op("gather", {x, b.constant(Dtype::kI64, {places, width}, index)}, {{"axis", int64_t{axis}}});
  if (!ones) y = b.op("mul", {y, b.constant(x.dtype, shape, weight)});
  if (each == 1) return b.squeeze(y, axis + 1);
  return b.op("reduce_sum", {y}, {{"axes", std::vector<int64_t>{axis + 1}}, {"keep_dims", int64_t{0}}});
}

}  // namespace isthmus::cann
