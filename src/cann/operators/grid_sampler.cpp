// SPDX-License-Identifier: Apache-2.0
// Pictures and volumes read at the places of a grid, whose coordinates run from -1 to 1; the gradients; and
// grids.
#include <algorithm>

#include "cann/operators/sampling.h"

namespace isthmus::cann {
namespace {

using IntList = std::vector<int64_t>;
enum Mode : int64_t { kLinear = 0, kNearest = 1, kCubic = 2 };
enum Padding : int64_t { kZeros = 0, kBorder = 1, kReflection = 2 };

Value mul(Builder& b, const Value& x, const Value& y) { return b.op("mul", {x, y}); }
Value scaled(Builder& b, const Value& x, double number) {
  return with_scalar(b, "mul", x, Scalar::of(number));
}
Value added(Builder& b, const Value& x, double number) {
  return with_scalar(b, "add", x, Scalar::of(number));
}

struct Rule {
  int64_t mode, padding;
  bool corners;
};

// A coordinate, and how it changes with the one of the grid.
struct Place {
  Value at, slope;
};

Place constant_slope(Builder& b, const Value& at, double slope) {
  return {at, b.failed() ? Value{} : b.filled(Scalar::of(slope), at.dtype, at.shape())};
}

// Limited to the elements; the slope is 0 at and beyond the ends. NaN becomes 0.
Place clipped(Builder& b, const Place& place, int64_t size) {
  const auto last = static_cast<double>(size - 1);
  const Value known =
      b.op("where", {b.op("is_nan", {place.at}), b.constant(Scalar::of(0.0), place.at.dtype), place.at});
  const Value between = b.op("logical_and", {with_scalar(b, "greater", known, Scalar::of(0.0)),
                                             with_scalar(b, "less", known, Scalar::of(last))});
  return {b.op("clamp", {known}, {{"min", 0.0}, {"max", last}}),
          b.op("where", {between, place.slope, b.constant(Scalar::of(0.0), place.at.dtype)})};
}

// Mirrored at the centres of the first and last element, or at their outer edges, as often as needed.
Place reflected(Builder& b, const Place& place, int64_t size, bool corners) {
  const double low = corners ? 0 : -0.5,
               span = corners ? static_cast<double>(size - 1) : static_cast<double>(size);
  if (span <= 0) return constant_slope(b, scaled(b, place.at, 0), 0);
  const Value from_low = added(b, place.at, -low);
  const Value distance = b.op("abs", {from_low});
  const Value rest = with_scalar(b, "fmod", distance, Scalar::of(span));
  const Value flips = b.op("floor", {with_scalar(b, "div", distance, Scalar::of(span))});
  const Value odd = with_scalar(b, "equal", with_scalar(b, "fmod", flips, Scalar::of(2.0)), Scalar::of(1.0));
  const Value at = added(b, b.op("where", {odd, from_scalar(b, "sub", Scalar::of(span), rest), rest}), low);
  const Value negative = with_scalar(b, "less", from_low, Scalar::of(0.0));
  const Value turned = b.op("logical_xor", {odd, negative});
  return {at, b.op("where", {turned, b.op("neg", {place.slope}), place.slope})};
}

Place padded(Builder& b, const Place& place, int64_t size, const Rule& rule) {
  if (rule.padding == kZeros) return place;
  return clipped(b, rule.padding == kBorder ? place : reflected(b, place, size, rule.corners), size);
}

// What each place of a grid is read from along an axis of `size` elements, slopes by the grid's coordinate.
Neighbours neighbours(Builder& b, const Value& grid, int64_t size, const Rule& rule) {
  const double half = (rule.corners ? static_cast<double>(size - 1) : static_cast<double>(size)) / 2;
  const Value at = added(b, scaled(b, added(b, grid, 1), half), rule.corners ? 0 : -0.5);
  const Place given = constant_slope(b, at, half);
  if (b.failed()) return {};
  if (rule.mode == kCubic) {
    Neighbours all = cubic_neighbours(b, at);
    for (Neighbour& n : all) {
      n.slope = mul(b, n.slope, given.slope);
      n.at = padded(b, constant_slope(b, n.at, 1), size, rule).at;
      if (rule.padding == kReflection) n.at = b.op("round", {n.at});
    }
    return all;
  }
  const Place place = padded(b, given, size, rule);
  if (rule.mode == kNearest)
    return {{b.op("round", {place.at}), scaled(b, place.slope, 0), scaled(b, place.slope, 0)}};
  Neighbours all = linear_neighbours(b, place.at);
  for (Neighbour& n : all) n.slope = mul(b, n.slope, place.slope);
  return all;
}

struct Sampling {
  Value rows;  // of the pictures
  std::vector<Corner> corners;
  int64_t pictures = 0, channels = 0, places = 0;
};

Sampling sampling(Builder& b, int axes) {
  const Value x = b.tensor("input"), grid = b.tensor("grid");
  const Rule rule = {b.integer("interpolationMode"), b.integer("paddingMode"), b.boolean("alignCorners")};
  if (b.failed() ||
      !b.require(rule.mode >= kLinear && rule.mode <= (axes == 2 ? kCubic : kNearest) &&
                     rule.padding >= kZeros && rule.padding <= kReflection,
                 "interpolation {} and padding {}", rule.mode, rule.padding) ||
      !b.require(x.rank == axes + 2 && grid.rank == x.rank && grid.dims[0] == x.dims[0] &&
                     grid.dims[grid.rank - 1] == axes && x.elements() > 0,
                 "{} read at {}", to_string(x), to_string(grid)))
    return {};
  const Dtype dtype = wide(floating(x.dtype));
  Sampling made = {
      picture_rows(b, b.cast(x, dtype)), {}, x.dims[0], x.dims[1], grid.elements() / axes / grid.dims[0]};
  const Value places = b.reshape(b.cast(grid, dtype), {made.pictures, made.places, axes});
  std::vector<Neighbours> all;
  const IntList sizes(x.dims + 2, x.dims + x.rank);
  int64_t each = 1;
  for (int d = 0; d < axes && !b.failed(); ++d) {
    const int64_t size = sizes[static_cast<size_t>(d)];
    all.push_back(neighbours(b, b.select(places, 2, axes - 1 - d), size, rule));  // x comes first in a grid
    if (rule.mode == kNearest && !b.failed())
      all.back()[0].weight = b.filled(Scalar::of(1.0), dtype, {made.pictures, made.places});
    each *= size;
  }
  // Pictures are numbered on the device: a long constant is none of a plan's.
  const Value ones = b.filled(Scalar::of(each), Dtype::kI64, {made.pictures});
  const Value first = b.op("cumulative_sum", {ones}, {{"exclusive", int64_t{1}}});
  if (!b.failed()) made.corners = corners(b, all, sizes, b.unsqueeze(first, 1), made.pictures * each);
  return made;
}

// [pictures, places, channels] in a place with the channels second.
void store_rows(Builder& b, const Value& y, const Value& place) {
  if (b.failed()) return;
  if (!b.require(place.rank >= 3 && place.elements() == y.elements() && place.dims[1] == y.dims[2],
                 "{} read into {}", to_string(y), to_string(place)))
    return;
  b.store(b.reshape(b.permute(y, {0, 2, 1}), place.shape()), place);
}

Status sample(Builder& b, int axes) {
  const Sampling s = sampling(b, axes);
  store_rows(b, b.failed() ? Value{} : read_corners(b, s.rows, s.corners), b.output());
  return b.status();
}

Status sample_backward(Builder& b, int axes) {
  const Sampling s = sampling(b, axes);
  const Value given = b.tensor("gradOutput"), input_place = b.output("gradInput"),
              grid_place = b.output("gradGrid");
  const IntList mask = b.ints("outputMask");
  if (b.failed() || !b.require(mask.size() == 2, "{} numbers in 'outputMask'", mask.size()) ||
      !b.require(given.rank == axes + 2 && given.elements() == s.pictures * s.channels * s.places,
                 "a gradient {}", to_string(given)))
    return b.status();
  const Value g = b.reshape(picture_rows(b, b.cast(given, s.rows.dtype)), {s.pictures, s.places, s.channels});
  if (mask[0] && input_place.present()) {
    Value y = b.filled(Scalar::of(0.0), s.rows.dtype, s.rows.shape());
    for (const Corner& corner : s.corners) {
      if (b.failed()) break;
      const Value part = mul(b, g, b.unsqueeze(corner.weight, 2));
      y = b.op("scatter_nd", {y, b.unsqueeze(corner.row, 2), part}, {{"reduction", std::string("add")}});
    }
    if (!b.failed())
      store_rows(b, b.reshape(y, {s.pictures, y.dims[0] / s.pictures, s.channels}), input_place);
  }
  if (mask[1] && grid_place.present()) {
    for (int d = 0; d < axes && !b.failed(); ++d) {
      Value sum;
      for (const Corner& corner : s.corners) {
        const Value product = mul(b, g, b.op("gather", {s.rows, corner.row}));
        const Value dot = b.op("reduce_sum", {product}, {{"axes", IntList{2}}, {"keep_dims", int64_t{0}}});
        const Value part = mul(b, dot, corner.slopes[static_cast<size_t>(d)]);
        sum = sum.present() ? b.op("add", {sum, part}) : part;
      }
      const Value place = b.select(grid_place, grid_place.rank - 1, axes - 1 - d);
      if (!b.failed()) b.store(b.reshape(sum, place.shape()), place);
    }
  }
  return b.status();
}

// -1 to 1 in equal steps: at the centres of the first and last element, or at their outer edges.
std::vector<double> steps(int64_t size, bool corners) {
  std::vector<double> values;
  const auto n = static_cast<double>(size);
  for (int64_t i = 0; i < size; ++i) {
    const double at = size > 1 ? 2 * static_cast<double>(i) / (n - 1) - 1 : 0;
    values.push_back(corners ? at : at * (n - 1) / n);
  }
  return values;
}

}  // namespace

Status build_GridSampler2D(Builder& b) { return sample(b, 2); }
Status build_GridSampler3D(Builder& b) { return sample(b, 3); }
Status build_GridSampler2DBackward(Builder& b) { return sample_backward(b, 2); }
Status build_GridSampler3DBackward(Builder& b) { return sample_backward(b, 3); }

// theta [pictures, axes, axes + 1] times (x, y, …, 1) of each place.
Status build_AffineGrid(Builder& b) {
  Value theta = b.tensor("theta");
  const Value place = b.output();
  const IntList size = b.ints("size");
  const bool corners = b.boolean("alignCorners");
  const auto axes = static_cast<int>(size.size()) - 2;
  if (b.failed() || !b.require((axes == 2 || axes == 3) && theta.rank == 3 && theta.dims[0] == size[0] &&
                                   theta.dims[1] == axes && theta.dims[2] == axes + 1,
                               "theta is {} for size {}", to_string(theta), dims_to_string(size)))
    return b.status();
  theta = b.cast(theta, wide(floating(theta.dtype)));
  IntList shape(size.size(), 1);
  shape[0] = theta.dims[0], shape.back() = axes;
  const auto column = [&](int64_t i) { return b.reshape(b.select(theta, 2, i), shape); };
  Value y = column(axes);
  for (int d = 0; d < axes; ++d) {
    const int64_t n = size[static_cast<size_t>(2 + d)];
    if (!b.require(n >= 0 && n <= int64_t{1} << 24, "size {}", dims_to_string(size))) return b.status();
    IntList along(size.size(), 1);
    along[static_cast<size_t>(1 + d)] = n;
    const Value at = b.constant(theta.dtype, along, steps(n, corners));
    y = b.op("add", {y, mul(b, column(axes - 1 - d), at)});
  }
  b.store(y, place);
  return b.status();
}

}  // namespace isthmus::cann
