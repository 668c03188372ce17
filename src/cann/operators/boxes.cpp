// SPDX-License-Identifier: Apache-2.0
// Boxes in pictures: how much they overlap, and what a picture holds in them.
#include <cmath>

#include <algorithm>

#include "cann/operators/sampling.h"

namespace isthmus::cann {
namespace {

Value mul(Builder& b, const Value& x, const Value& y) { return b.op("mul", {x, y}); }
Value sub(Builder& b, const Value& x, const Value& y) { return b.op("sub", {x, y}); }
Value add(Builder& b, const Value& x, const Value& y) { return b.op("add", {x, y}); }
Value added(Builder& b, const Value& x, double number) {
  return with_scalar(b, "add", x, Scalar::of(number));
}
Value scaled(Builder& b, const Value& x, double number) {
  return with_scalar(b, "mul", x, Scalar::of(number));
}

struct Box {
  Value x1, y1, x2, y2;
};

// Where both lie, a length of eps more, none if negative.
Value shared_length(Builder& b, const Value& low, const Value& other_low, const Value& high,
                    const Value& other_high, double eps) {
  const Value length = sub(b, b.op("min", {high, other_high}), b.op("max", {low, other_low}));
  return b.op("relu", {eps == 0 ? length : added(b, length, eps)});
}

bool known_mode(Builder& b) {
  const std::string mode = b.text("mode");
  return b.require(mode == "iou" || mode == "iof", "mode is '{}', not iou or iof", mode);
}

}  // namespace

// Lengths are eps longer than the corners lie apart; iof: of the second boxes' areas alone.
Status build_Iou(Builder& b) {
  const Value first = b.tensor("bBoxes"), second = b.tensor("gtBoxes"), place = b.output("overlap");
  const double eps = b.number("eps");
  const bool aligned = b.boolean("aligned");
  if (b.failed() || !known_mode(b) ||
      !b.require(first.rank == 2 && second.rank == 2 && first.dims[1] == 4 && second.dims[1] == 4 &&
                     (!aligned || first.dims[0] == second.dims[0]),
                 "boxes {} and {}", to_string(first), to_string(second)))
    return b.status();
  const Dtype dtype = wide(floating(Builder::promote(first.dtype, second.dtype)));
  const auto corners = [&](const Value& boxes) {
    const Value x = b.cast(boxes, dtype);
    const auto side = [&](int64_t i) { return b.slice(x, 1, i, i + 1); };
    return Box{side(0), side(1), side(2), side(3)};
  };
  const Box one = corners(first);
  Box two = corners(second);
  if (!aligned)
    for (Value* side : {&two.x1, &two.y1, &two.x2, &two.y2}) *side = b.transpose(*side, 0, 1);
  const auto area = [&](const Box& box) {
    return mul(b, added(b, sub(b, box.x2, box.x1), eps), added(b, sub(b, box.y2, box.y1), eps));
  };
  const Value shared = mul(b, shared_length(b, one.x1, two.x1, one.x2, two.x2, eps),
                           shared_length(b, one.y1, two.y1, one.y2, two.y2, eps));
  Value whole = area(two);
  if (b.text("mode") == "iou") whole = sub(b, add(b, area(one), whole), shared);
  b.store(b.op("div", {shared, whole}), place);
  return b.status();
}

// The overlap, less how far the centres lie apart and how much the proportions differ. Boxes are [4, count],
// by centre and size.
Status build_CIoU(Builder& b) {
  constexpr double kEps = 1e-9;
  const Value first = b.tensor("bBoxes"), second = b.tensor("gtBoxes");
  const Value place = b.output("overlap"), atan_place = b.output("atanSub");
  const bool crossed = b.boolean("isCross");
  if (b.failed() || !known_mode(b) ||
      !b.require(b.text("mode") == "iou" && !crossed && b.boolean("trans"),
                 "only mode iou of pairs of boxes by centre and size (trans) is supported") ||
      !b.require(first.rank == 2 && first.dims[0] == 4 && second.shape() == first.shape(), "boxes {} and {}",
                 to_string(first), to_string(second)))
    return b.status();
  const Dtype dtype = wide(floating(Builder::promote(first.dtype, second.dtype)));
  const auto corners = [&](const Value& boxes) {
    const Value x = b.cast(boxes, dtype);
    const auto side = [&](int64_t i) { return b.slice(x, 0, i, i + 1); };
    const Value half_width = scaled(b, side(2), 0.5), half_height = scaled(b, side(3), 0.5);
    return Box{sub(b, side(0), half_width), sub(b, side(1), half_height), add(b, side(0), half_width),
               add(b, side(1), half_height)};
  };
  const Box one = corners(first), two = corners(second);
  const auto width = [&](const Box& box) { return sub(b, box.x2, box.x1); };
  const auto height = [&](const Box& box) { return added(b, sub(b, box.y2, box.y1), kEps); };
  const auto area = [&](const Box& box) { return mul(b, width(box), height(box)); };
  const auto square = [&](const Value& x) { return b.op("square", {x}); };
  const Value shared = mul(b, shared_length(b, one.x1, two.x1, one.x2, two.x2, 0),
                           shared_length(b, one.y1, two.y1, one.y2, two.y2, 0));
  const Value overlap = b.op("div", {shared, added(b, sub(b, add(b, area(one), area(two)), shared), kEps)});
  const Value across = sub(b, b.op("max", {one.x2, two.x2}), b.op("min", {one.x1, two.x1}));
  const Value down = sub(b, b.op("max", {one.y2, two.y2}), b.op("min", {one.y1, two.y1}));
  const Value diagonal = added(b, add(b, square(across), square(down)), kEps);
  const Value aside = sub(b, add(b, two.x1, two.x2), add(b, one.x1, one.x2));
  const Value below = sub(b, add(b, two.y1, two.y2), add(b, one.y1, one.y2));
  const Value apart = scaled(b, add(b, square(aside), square(below)), 0.25);
  const auto angle = [&](const Box& box) { return b.op("atan", {b.op("div", {width(box), height(box)})}); };
  const Value turned = sub(b, angle(two), angle(one));
  const Value shape = scaled(b, square(turned), 4 / (M_PI * M_PI));
  const Value weight =
      b.op("div", {shape, add(b, sub(b, b.constant(Scalar::of(1 + kEps), dtype), overlap), shape)});
  b.store(sub(b, sub(b, overlap, b.op("div", {apart, diagonal})), mul(b, shape, weight)), place);
  b.store(turned, atan_place);
  return b.status();
}

// Each region in equal cells, each the mean of so many samples to the side.
Status build_ROIAlign(Builder& b) {
  const Value x = b.tensor("self"), place = b.output();
  Value rois = b.tensor("rois");
  const double scale = b.number("spatialScale");
  const int64_t height = b.integer("pooledHeight"), width = b.integer("pooledWidth");
  const int64_t samples = b.integer("samplingRatio");
  if (b.failed() ||
      !b.require(b.integer("roiEndMode") == 0, "roiEndMode is {}; 0 is supported", b.integer("roiEndMode")) ||
      !b.require(samples > 0,
                 "samplingRatio is {}: a number of samples that follows from the data is not supported",
                 samples))
    return b.status();
  constexpr int64_t kMost = 1 << 12;
  if (!b.require(x.rank == 4 && x.elements() > 0 && rois.rank == 2 && rois.dims[1] == 5, "regions {} of {}",
                 to_string(rois), to_string(x)) ||
      !b.require(height > 0 && width > 0 && height <= kMost && width <= kMost && samples <= kMost,
                 "{} by {} cells of {} samples", height, width, samples))
    return b.status();
  const Dtype dtype = wide(floating(x.dtype));
  rois = b.cast(rois, dtype);
  const auto column = [&](int64_t i) { return b.slice(rois, 1, i, i + 1); };
  // The places of one axis: [regions, cells * samples], and which of them lie in the picture or next to it.
  struct Axis {
    Value at, near;
  };
  const auto axis = [&](int64_t low, int64_t high, int64_t cells, int64_t size) {
    const Value start = scaled(b, column(low), scale), end = scaled(b, column(high), scale);
    const Value length = with_scalar(b, "max", sub(b, end, start), Scalar::of(1.0));
    std::vector<double> parts;
    for (int64_t i = 0; i < cells * samples; ++i)
      parts.push_back((static_cast<double>(i) + 0.5) / static_cast<double>(cells * samples));
    const Value at = add(b, start, mul(b, length, b.constant(dtype, {1, cells * samples}, parts)));
    const auto last = static_cast<double>(size);
    const Value near = b.op("logical_and", {with_scalar(b, "greater_equal", at, Scalar::of(-1.0)),
                                            with_scalar(b, "less_equal", at, Scalar::of(last))});
    return Axis{b.op("clamp", {at}, {{"min", 0.0}, {"max", last - 1}}), near};
  };
  const Axis y = axis(2, 4, height, x.dims[2]), z = axis(1, 3, width, x.dims[3]);
  if (b.failed()) return b.status();
  const int64_t regions = rois.dims[0], down = height * samples, across = width * samples;
  const auto spread = [&](const Value& v, int64_t at) {
    return b.reshape(b.expand(b.unsqueeze(v, at), {regions, down, across}), {regions, down * across});
  };
  const Value near = b.op("logical_and", {spread(y.near, 2), spread(z.near, 1)});
  const Value picture =
      with_scalar(b, "mul", b.cast(column(0), Dtype::kI64), Scalar::of(x.dims[2] * x.dims[3]));
  const auto all = corners(b, {linear_neighbours(b, spread(y.at, 2)), linear_neighbours(b, spread(z.at, 1))},
                           {x.dims[2], x.dims[3]}, picture, x.dims[0] * x.dims[2] * x.dims[3]);
  Value read = read_corners(b, picture_rows(b, b.cast(x, dtype)), all);
  if (b.failed()) return b.status();
  read = b.op("where", {b.unsqueeze(near, 2), read, b.constant(Scalar::of(0.0), dtype)});
  read = b.reshape(read, {regions, height, samples, width, samples, x.dims[1]});
  read = b.op("reduce_mean", {read}, {{"axes", std::vector<int64_t>{2, 4}}, {"keep_dims", int64_t{0}}});
  if (!b.failed()) b.store(b.permute(read, {0, 3, 1, 2}), place);
  return b.status();
}

}  // namespace isthmus::cann
