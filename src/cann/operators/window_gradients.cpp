// SPDX-License-Identifier: Apache-2.0
// Gradients of average pools, of columns and unfolded windows, and of padding: each axis by itself.
#include <algorithm>

#include "cann/operators/taps.h"

namespace isthmus::cann {
namespace {

using IntList = std::vector<int64_t>;
constexpr int64_t kLarge = int64_t{1} << 31;  // no product of two such numbers overflows

// The gradient as floats, F16 and BF16 as F32; of the rank of what was averaged, which has axes at its end.
struct Gradient {
  Value g, place;
};
Gradient gradient(Builder& b, int axes) {
  const Value g = b.tensor("gradOutput"), place = b.output("gradInput");
  if (b.failed() || !b.require(place.present() && g.rank == place.rank && g.rank > axes,
                               "{} as gradient of {}", to_string(g), to_string(place)))
    return {};
  return {b.cast(g, wide(floating(g.dtype))), place};
}

Status average(Builder& b, int axes) {
  auto [y, place] = gradient(b, axes);
  const auto count = static_cast<size_t>(axes);
  const IntList sizes = per_axis(b, "kernelSize", count, 1);
  const IntList strides = b.ints("stride").empty() ? sizes : per_axis(b, "stride", count, 1);
  const IntList pads = per_axis(b, "padding", count, 0);
  const bool with_padding = b.boolean("countIncludePad");
  const int64_t divisor = b.integer("divisorOverride");
  for (int d = axes - 1; d >= 0 && !b.failed(); --d) {
    const auto i = static_cast<size_t>(d);
    const int axis = y.rank - axes + d;
    const int64_t in = place.dims[axis], out = y.dims[axis];
    if (!few_taps(b, out, std::min(sizes[i], in))) return b.status();
    Taps taps(static_cast<size_t>(out));
    for (int64_t o = 0; o < out; ++o) {
      const int64_t from = o * strides[i] - pads[i], to = std::min(from + sizes[i], in + pads[i]);
      const int64_t begin = std::max<int64_t>(from, 0), end = std::min(to, in);
      const double part = divisor ? 1 : static_cast<double>(with_padding ? to - from : end - begin);
      for (int64_t at = begin; at < end; ++at) taps[static_cast<size_t>(o)].push_back({at, 1 / part});
    }
    y = weigh(b, y, axis, turned(taps, in));
  }
  if (!b.failed() && divisor) y = with_scalar(b, "div", y, Scalar::of(static_cast<double>(divisor)));
  b.store(y, place);
  return b.status();
}

Status adaptive(Builder& b, int axes) {
  auto [y, place] = gradient(b, axes);
  for (int axis = y.rank - 1; axis >= y.rank - axes && !b.failed(); --axis) {
    const int64_t in = place.dims[axis], out = y.dims[axis];
    if (!b.require(out > 0, "the gradient is {}", to_string(y)) || !few_taps(b, out, in / out + 2)) break;
    y = weigh(b, y, axis, turned(adaptive_means(in, out), in));
  }
  b.store(y, place);
  return b.status();
}

// Where element i of a padded row of `in` elements comes from; outside of the row: from nowhere.
int64_t reflected(int64_t i, int64_t in) { return i < 0 ? -i : i >= in ? 2 * (in - 1) - i : i; }
int64_t repeated(int64_t i, int64_t in) { return std::clamp<int64_t>(i, 0, in - 1); }

// padding: before and after, last axis first.
Status padded(Builder& b, size_t axes, int64_t (*source)(int64_t, int64_t)) {
  auto [y, place] = gradient(b, static_cast<int>(axes));
  const IntList padding = b.ints("padding");
  if (b.failed() || !b.require(padding.size() == 2 * axes, "'padding' has {} numbers", padding.size()) ||
      !in_range(b, "padding", padding, -kLarge))
    return b.status();
  for (size_t d = 0; d < axes && !b.failed(); ++d) {
    const int axis = y.rank - 1 - static_cast<int>(d);
    const int64_t in = place.dims[axis], out = y.dims[axis];
    if (!b.require(out == in + padding[2 * d] + padding[2 * d + 1], "{} padded by {} is not {}", in,
                   dims_to_string(padding), out) ||
        !few_taps(b, out, 1) || !few_taps(b, in, 1))
      break;
    Taps taps(static_cast<size_t>(out));
    for (int64_t o = 0; o < out; ++o) {
      const int64_t i = source(o - padding[2 * d], in);
      if (i >= 0 && i < in) taps[static_cast<size_t>(o)].push_back({i, 1});
    }
    y = weigh(b, y, axis, turned(taps, in));
  }
  b.store(y, place);
  return b.status();
}

// Where place `at` of window o of a row lies, in taps by row elements: windows and places are one axis.
Taps window_sums(int64_t in, int64_t size, int64_t windows, bool windows_first, int64_t step,
                 int64_t dilation, int64_t pad) {
  Taps taps(static_cast<size_t>(in));
  for (int64_t k = 0; k < size; ++k) {
    for (int64_t o = 0; o < windows; ++o) {
      const int64_t i = o * step + k * dilation - pad;
      if (i >= 0 && i < in)
        taps[static_cast<size_t>(i)].push_back({windows_first ? o * size + k : k * windows + o, 1});
    }
  }
  return taps;
}

}  // namespace

Status build_AvgPool2dBackward(Builder& b) { return average(b, 2); }
Status build_AvgPool3dBackward(Builder& b) { return average(b, 3); }
Status build_AdaptiveAvgPool2dBackward(Builder& b) { return adaptive(b, 2); }
Status build_AdaptiveAvgPool3dBackward(Builder& b) { return adaptive(b, 3); }

Status build_ReflectionPad1dBackward(Builder& b) { return padded(b, 1, reflected); }
Status build_ReflectionPad2dBackward(Builder& b) { return padded(b, 2, reflected); }
Status build_ReflectionPad3dBackward(Builder& b) { return padded(b, 3, reflected); }
Status build_ReplicationPad1dBackward(Builder& b) { return padded(b, 1, repeated); }
Status build_ReplicationPad2dBackward(Builder& b) { return padded(b, 2, repeated); }
Status build_ReplicationPad3dBackward(Builder& b) { return padded(b, 3, repeated); }

// [batch, channels * kernel, windows] back into images.
Status build_Im2colBackward(Builder& b) {
  Value x = b.tensor("gradOutput");
  const Value place = b.output();
  const IntList image = per_axis(b, "inputSize", 2, 1), size = per_axis(b, "kernelSize", 2, 1);
  const IntList dilation = per_axis(b, "dilation", 2, 1), pad = per_axis(b, "padding", 2, 0);
  const IntList step = per_axis(b, "stride", 2, 1);
  if (b.failed() || !b.require(x.rank == 2 || x.rank == 3, "columns are {}", to_string(x))) return b.status();
  if (x.rank == 2) x = b.unsqueeze(x, 0);
  IntList windows;
  for (size_t d = 0; d < 2; ++d) {
    const int64_t covered = image[d] + 2 * pad[d] - dilation[d] * (size[d] - 1) - 1;
    if (!b.require(covered >= 0, "a window of {} by {} in {}", size[d], dilation[d], dims_to_string(image)))
      return b.status();
    windows.push_back(covered / step[d] + 1);
  }
  if (!few_taps(b, windows[0], size[0]) || !few_taps(b, windows[1], size[1]) || !few_taps(b, image[0], 1) ||
      !few_taps(b, image[1], 1))
    return b.status();
  const int64_t kernel = size[0] * size[1];
  if (!b.require(x.dims[1] % kernel == 0 && x.dims[2] == windows[0] * windows[1],
                 "{} as windows of {} at {} places", to_string(x), dims_to_string(size),
                 dims_to_string(windows)))
    return b.status();
  const int64_t channels = x.dims[1] / kernel;
  x = b.reshape(b.cast(x, wide(numeric(x.dtype))),
                {x.dims[0], channels, size[0], size[1], windows[0], windows[1]});
  x = b.permute(x, {0, 1, 2, 4, 3, 5});
  x = b.reshape(x, {x.dims[0], channels, size[0] * windows[0], size[1] * windows[1]});
  for (int d = 1; d >= 0 && !b.failed(); --d) {
    const auto i = static_cast<size_t>(d);
    x = weigh(b, x, 2 + d, window_sums(image[i], size[i], windows[i], false, step[i], dilation[i], pad[i]));
  }
  b.store(x, place);
  return b.status();
}

// The windows of a dimension, which lie along the last one, back into it.
Status build_UnfoldGrad(Builder& b) {
  Value x = b.tensor("gradOut");
  const Value place = b.output("gradIn");
  const int64_t size = b.integer("size"), step = b.integer("step");
  if (b.failed() || !b.require(x.rank == place.rank + 1 && place.rank > 0, "windows {} of {}", to_string(x),
                               to_string(place)))
    return b.status();
  const int axis = b.axis(b.integer("dim"), place.rank);
  const int64_t windows = x.dims[axis], in = place.dims[axis];
  if (b.failed() ||
      !b.require(size > 0 && size < kLarge && step > 0 && step < kLarge && size == x.dims[place.rank],
                 "size is {} and step {} of {}", size, step, to_string(x)) ||
      !few_taps(b, windows, size) || !few_taps(b, in, 1))
    return b.status();
  IntList order;
  for (int i = 0; i < place.rank; ++i) {
    order.push_back(i);
    if (i == axis) order.push_back(place.rank);
  }
  x = b.permute(b.cast(x, wide(numeric(x.dtype))), order);
  IntList shape = place.shape();
  shape[static_cast<size_t>(axis)] = windows * size;
  b.store(weigh(b, b.reshape(x, shape), axis, window_sums(in, size, windows, true, step, 1, 0)), place);
  return b.status();
}

}  // namespace isthmus::cann
