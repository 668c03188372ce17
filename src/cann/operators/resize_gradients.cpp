// SPDX-License-Identifier: Apache-2.0
// Images of another size, smoothed; and the gradients of all that change the size, each axis by itself.
#include <cmath>

#include <algorithm>

#include "cann/operators/taps.h"
#include "ops/resize/resize.h"

namespace isthmus::cann {
namespace {

using IntList = std::vector<int64_t>;

struct Resizing {
  int32_t mode = RESIZE_NEAREST, coordinates = RESIZE_ASYMMETRIC, rounding = RESIZE_FLOOR;
  bool smooth = false;
};

// As `resize` weighs: what it makes of an axis of `in` elements.
Taps plain_taps(const Resizing& how, int64_t in, int64_t out, double scale) {
  const ResizeRule rule = {how.mode, how.coordinates, how.rounding, -0.75f};
  const float step = resize_step(how.coordinates, in, out, static_cast<float>(scale));
  Taps taps(static_cast<size_t>(out));
  for (int64_t o = 0; o < out; ++o) {
    const ResizeTaps found = resize_taps(rule, step, in, out, o);
    for (int k = 0; k < found.count; ++k)
      taps[static_cast<size_t>(o)].push_back({found.index[k], static_cast<double>(found.weight[k])});
  }
  return taps;
}

// A triangle of width 2, or a cubic of width 4 with a = -0.5.
double bell(int32_t mode, double t) {
  t = std::fabs(t);
  if (mode == RESIZE_LINEAR) return std::max(1 - t, 0.0);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}

double smooth_step(const Resizing& how, int64_t in, int64_t out, double scale) {
  if (how.coordinates == RESIZE_ALIGN_CORNERS)
    return out > 1 ? static_cast<double>(in - 1) / static_cast<double>(out - 1) : 0;
  return scale > 0 ? 1 / scale : static_cast<double>(in) / static_cast<double>(out);
}

// The bell is as wide as the outputs lie apart, so that none of the inputs is passed over.
double smooth_reach(const Resizing& how, double step) {
  return (how.mode == RESIZE_LINEAR ? 1 : 2) * std::max(step, 1.0);
}

Taps smooth_taps(const Resizing& how, int64_t in, int64_t out, double step) {
  const double reach = smooth_reach(how, step), narrower = 1 / std::max(step, 1.0);
  const auto limit = static_cast<double>(in);
  Taps taps(static_cast<size_t>(out));
  for (int64_t o = 0; o < out; ++o) {
    const double centre = step * (static_cast<double>(o) + 0.5);
    const auto from = static_cast<int64_t>(std::clamp(centre - reach + 0.5, 0.0, limit));
    const auto to = static_cast<int64_t>(std::clamp(centre + reach + 0.5, 0.0, limit));
    double total = 0;
    std::vector<Tap>& place = taps[static_cast<size_t>(o)];
    for (int64_t i = from; i < to; ++i) {
      const double weight = bell(how.mode, (static_cast<double>(i) - centre + 0.5) * narrower);
      total += weight;
      place.push_back({i, weight});
    }
    for (Tap& tap : place) tap.weight = total == 0 ? 0 : tap.weight / total;
  }
  return taps;
}

Taps resize_axis(Builder& b, const Resizing& how, int64_t in, int64_t out, double scale) {
  if (!b.require(in > 0 && out > 0, "an axis of {} elements is resized to {}", in, out)) return {};
  if (!how.smooth)
    return few_taps(b, out, 4) && few_taps(b, in, 1) ? plain_taps(how, in, out, scale) : Taps{};
  const double step = smooth_step(how, in, out, scale);
  const double each = std::min(2 * smooth_reach(how, step) + 2, static_cast<double>(in));
  if (!few_taps(b, in, 1) || !few_taps(b, out, static_cast<int64_t>(each))) return {};
  return smooth_taps(how, in, out, step);
}

std::vector<double> scales(Builder& b, const Resizing& how, std::initializer_list<const char*> names) {
  std::vector<double> values;
  for (const char* name : names) {
    const double scale = b.number(name);
    values.push_back(scale > 0 && how.coordinates != RESIZE_ALIGN_CORNERS ? scale : 0);
  }
  return values;
}

Resizing smooth(Builder& b, int32_t mode, bool antialias) {
  return {mode, b.boolean("alignCorners") ? RESIZE_ALIGN_CORNERS : RESIZE_HALF_PIXEL, RESIZE_FLOOR,
          antialias};
}

Status backward(Builder& b, const Resizing& how, std::initializer_list<const char*> names) {
  Value y = b.tensor("gradOut");
  const Value place = b.output("gradInput");
  const IntList out = b.ints("outputSize"), in = b.ints("inputSize");
  const std::vector<double> scale = scales(b, how, names);
  const int axes = static_cast<int>(scale.size());
  if (b.failed() ||
      !b.require(y.rank == axes + 2 && place.rank == y.rank && in == place.shape() &&
                     out == IntList(y.dims + 2, y.dims + y.rank),
                 "{} as gradient of {} resized to {}", to_string(y), dims_to_string(in), dims_to_string(out)))
    return b.status();
  y = b.cast(y, wide(floating(y.dtype)));
  for (int d = axes - 1; d >= 0 && !b.failed(); --d) {
    const int64_t elements = place.dims[2 + d];
    const Taps taps = resize_axis(b, how, elements, y.dims[2 + d], scale[static_cast<size_t>(d)]);
    if (!b.failed()) y = weigh(b, y, 2 + d, turned(taps, elements));
  }
  b.store(y, place);
  return b.status();
}

Status antialiased(Builder& b, const char* input, int32_t mode) {
  Value y = b.tensor(input);
  const Value place = b.output();
  const IntList out = b.ints("outputSize");
  const Resizing how = smooth(b, mode, true);
  const std::vector<double> scale = scales(b, how, {"scalesH", "scalesW"});
  if (b.failed() ||
      !b.require(y.rank == 4 && out.size() == 2, "{} resized to {}", to_string(y), dims_to_string(out)))
    return b.status();
  y = b.cast(y, wide(floating(y.dtype)));
  for (int d = 1; d >= 0 && !b.failed(); --d) {
    const auto i = static_cast<size_t>(d);
    const Taps taps = resize_axis(b, how, y.dims[2 + d], out[i], scale[i]);
    if (!b.failed()) y = weigh(b, y, 2 + d, taps);
  }
  b.store(y, place);
  return b.status();
}

constexpr Resizing kNearest = {};
constexpr Resizing kExact = {RESIZE_NEAREST, RESIZE_HALF_PIXEL, RESIZE_ROUND_PREFER_CEIL, false};

}  // namespace

Status build_UpsampleBilinear2dAA(Builder& b) { return antialiased(b, "input", RESIZE_LINEAR); }
Status build_UpsampleBicubic2dAA(Builder& b) { return antialiased(b, "x", RESIZE_CUBIC); }

Status build_UpsampleNearest1dBackward(Builder& b) { return backward(b, kNearest, {"scales"}); }
Status build_UpsampleNearest2dBackward(Builder& b) { return backward(b, kNearest, {"scalesH", "scalesW"}); }
Status build_UpsampleNearest3dBackward(Builder& b) {
  return backward(b, kNearest, {"scalesD", "scalesH", "scalesW"});
}
Status build_UpsampleNearestExact1dBackward(Builder& b) { return backward(b, kExact, {"scales"}); }
Status build_UpsampleNearestExact2dBackward(Builder& b) {
  return backward(b, kExact, {"scalesH", "scalesW"});
}
Status build_UpsampleNearestExact3dBackward(Builder& b) {
  return backward(b, kExact, {"scalesD", "scalesH", "scalesW"});
}
Status build_UpsampleLinear1dBackward(Builder& b) {
  return backward(b, smooth(b, RESIZE_LINEAR, false), {"scales"});
}
Status build_UpsampleBilinear2dBackward(Builder& b) {
  return backward(b, smooth(b, RESIZE_LINEAR, false), {"scalesH", "scalesW"});
}
Status build_UpsampleBilinear2dBackwardV2(Builder& b) { return build_UpsampleBilinear2dBackward(b); }
Status build_UpsampleTrilinear3dBackward(Builder& b) {
  return backward(b, smooth(b, RESIZE_LINEAR, false), {"scalesD", "scalesH", "scalesW"});
}
Status build_UpsampleBicubic2dBackward(Builder& b) {
  return backward(b, smooth(b, RESIZE_CUBIC, false), {"scalesH", "scalesW"});
}
Status build_UpsampleBilinear2dAABackward(Builder& b) {
  return backward(b, smooth(b, RESIZE_LINEAR, true), {"scalesH", "scalesW"});
}
Status build_UpsampleBicubic2dAAGrad(Builder& b) {
  return backward(b, smooth(b, RESIZE_CUBIC, true), {"scalesH", "scalesW"});
}

}  // namespace isthmus::cann
