// SPDX-License-Identifier: Apache-2.0
// Gradients of convolutions: convolutions themselves, with the operands in other places.
#include <algorithm>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

using IntList = std::vector<int64_t>;

struct Windows {
  IntList strides, pads, dilations;
  int64_t groups = 1;
};

IntList twice(const IntList& pads) {
  IntList both = pads;
  both.insert(both.end(), pads.begin(), pads.end());
  return both;
}

// Two axes of a convolution's operand changed over.
Value turned(Builder& b, const Value& x) { return b.failed() ? x : b.transpose(x, 0, 1); }

// Of the larger operand: each element gets what its windows' gradients and weights make; elements that no
// window reached, at the end, get zero.
Value spread(Builder& b, const Value& g, const Value& weight, const Windows& w, const IntList& size) {
  IntList more;
  for (size_t d = 0; d < w.strides.size(); ++d) {
    const auto axis = static_cast<int>(d) + 2;
    const int64_t covered =
        (g.dims[axis] - 1) * w.strides[d] - 2 * w.pads[d] + w.dilations[d] * (weight.dims[axis] - 1) + 1;
    more.push_back(size[d] - covered);
    if (!b.require(more[d] >= 0 && more[d] < w.strides[d], "a gradient of {} at {} elements", to_string(g),
                   size[d]))
      return {};
  }
  return b.op("transposed_convolution", {g, weight},
              {{"strides", w.strides},
               {"pads", twice(w.pads)},
               {"dilations", w.dilations},
               {"groups", w.groups},
               {"output_padding", more}});
}

// Of the weight, [channels of small, channels of large / groups, window]: large is walked with small as
// window, images being its channels.
Value of_weight(Builder& b, const Value& large, const Value& small, const Windows& w, const Value& weight) {
  const int64_t images = large.dims[0], channels = large.dims[1] / w.groups;
  IntList split = {images, w.groups, channels}, joined = {channels, w.groups * images}, order = {2, 1, 0};
  for (int d = 2; d < large.rank; ++d) {
    split.push_back(large.dims[d]), joined.push_back(large.dims[d]);
    order.push_back(d + 1);
  }
  const Value walked = b.reshape(b.permute(b.reshape(large, split), order), joined);
  Value y = b.op(
      "convolution", {walked, turned(b, small)},
      {{"strides", w.dilations}, {"pads", twice(w.pads)}, {"dilations", w.strides}, {"groups", w.groups}});
  for (int d = 2; d < weight.rank && !b.failed(); ++d) y = b.slice(y, d, 0, weight.dims[d]);
  return turned(b, y);
}

// Over images and places.
Value of_bias(Builder& b, const Value& g) {
  IntList axes = {0};
  for (int d = 2; d < g.rank; ++d) axes.push_back(d);
  return b.op("reduce_sum", {g}, {{"axes", axes}, {"keep_dims", int64_t{0}}});
}

}  // namespace

Status build_ConvolutionBackward(Builder& b) {
  Value g = b.tensor("gradOutput"), x = b.tensor("input"), weight = b.tensor("weight");
  if (b.failed() ||
      !b.require(weight.rank >= 3 && weight.rank <= 5 && x.rank == weight.rank && g.rank == x.rank,
                 "a gradient {} of {} with {}", to_string(g), to_string(x), to_string(weight)))
    return b.status();
  const auto axes = static_cast<size_t>(weight.rank - 2);
  const Windows w = {per_axis(b, "stride", axes, 1), per_axis(b, "padding", axes, 0),
                     per_axis(b, "dilation", axes, 1), b.integer("groups")};
  const bool transposed = b.boolean("transposed");
  const IntList mask = b.ints("outputMask");
  if (b.failed() || !b.require(mask.size() == 3, "{} numbers in 'outputMask'", mask.size()) ||
      !b.require(
          w.groups > 0 && x.dims[1] % w.groups == 0 && g.dims[1] % w.groups == 0 && g.dims[0] == x.dims[0],
          "{} groups of {} and {}", w.groups, to_string(x), to_string(g)))
    return b.status();
  for (const Value& operand : {g, x, weight})
    if (!in_range(b, "dimensions", operand.shape(), 0)) return b.status();
  const Dtype dtype = floating(Builder::promote(Builder::promote(x.dtype, weight.dtype), g.dtype));
  g = b.cast(g, dtype), x = b.cast(x, dtype), weight = b.cast(weight, dtype);
  if (mask[0]) {
    const Value y = transposed ? b.op("convolution", {g, weight},
                                      {{"strides", w.strides},
                                       {"pads", twice(w.pads)},
                                       {"dilations", w.dilations},
                                       {"groups", w.groups}})
                               : spread(b, g, weight, w, IntList(x.dims + 2, x.dims + x.rank));
    b.store(y, b.output("gradInput"));
  }
  if (mask[1])
    b.store(transposed ? of_weight(b, g, x, w, weight) : of_weight(b, x, g, w, weight),
            b.output("gradWeight"));
  if (mask[2]) b.store(of_bias(b, b.cast(g, wide(dtype))), b.output("gradBias"));
  return b.status();
}

// Time, batch, channel; the weight is [window, channels, outputs].
Status build_ConvTbcBackward(Builder& b) {
  Value g = b.tensor("self"), x = b.tensor("input"), weight = b.tensor("weight");
  const int64_t pad = b.integer("pad");
  if (b.failed() ||
      !b.require(g.rank == 3 && x.rank == 3 && weight.rank == 3 && pad >= 0 && pad < int64_t{1} << 31,
                 "a gradient {} of {} with {} and padding {}", to_string(g), to_string(x), to_string(weight),
                 pad))
    return b.status();
  for (const Value& operand : {g, x, weight})
    if (!in_range(b, "dimensions", operand.shape(), 0)) return b.status();
  const Dtype dtype = floating(Builder::promote(Builder::promote(x.dtype, weight.dtype), g.dtype));
  g = b.permute(b.cast(g, dtype), {1, 2, 0}), x = b.permute(b.cast(x, dtype), {1, 2, 0});
  weight = b.permute(b.cast(weight, dtype), {2, 1, 0});
  const Windows w = {{1}, {pad}, {1}, 1};
  if (b.failed() || !b.require(g.dims[0] == x.dims[0], "{} images and {}", g.dims[0], x.dims[0]))
    return b.status();
  const Value y = spread(b, g, weight, w, {x.dims[2]}), slope = of_weight(b, x, g, w, weight);
  if (b.failed()) return b.status();
  b.store(b.permute(y, {2, 0, 1}), b.output("gradInput"));
  b.store(b.permute(slope, {2, 1, 0}), b.output("gradWeight"));
  b.store(of_bias(b, b.cast(g, wide(dtype))), b.output("gradBias"));
  return b.status();
}

}  // namespace isthmus::cann
