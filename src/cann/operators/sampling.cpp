// SPDX-License-Identifier: Apache-2.0
#include "cann/operators/sampling.h"

#include <algorithm>

namespace isthmus::cann {
namespace {

Value mul(Builder& b, const Value& x, const Value& y) { return b.op("mul", {x, y}); }
Value added(Builder& b, const Value& x, double number) {
  return with_scalar(b, "add", x, Scalar::of(number));
}
Value scaled(Builder& b, const Value& x, double number) {
  return with_scalar(b, "mul", x, Scalar::of(number));
}

// c[0] + t * (c[1] + t * (…)), and its slope.
Value polynomial(Builder& b, const Value& t, std::initializer_list<double> c) {
  Value y;
  for (const double* at = c.end(); at-- != c.begin();)
    y = y.present() ? added(b, mul(b, y, t), *at) : b.filled(Scalar::of(*at), t.dtype, t.shape());
  return y;
}

}  // namespace

Neighbours linear_neighbours(Builder& b, const Value& coordinate) {
  const Value floor = b.op("floor", {coordinate}), t = b.op("sub", {coordinate, floor});
  if (b.failed()) return {};
  return {{floor, from_scalar(b, "sub", Scalar::of(1.0), t), b.filled(Scalar::of(-1.0), t.dtype, t.shape())},
          {added(b, floor, 1), t, b.filled(Scalar::of(1.0), t.dtype, t.shape())}};
}

// (a + 2) t^3 - (a + 3) t^2 + 1 within 1 of the place, a t^3 - 5 a t^2 + 8 a t - 4 a within 2.
Neighbours cubic_neighbours(Builder& b, const Value& coordinate) {
  const Value floor = b.op("floor", {coordinate}), t = b.op("sub", {coordinate, floor});
  if (b.failed()) return {};
  Neighbours all;
  for (int k = -1; k <= 2; ++k) {
    // The distance grows with the place left of it, and falls right of it.
    const Value distance = k <= 0 ? added(b, t, -k) : from_scalar(b, "sub", Scalar::of(double(k)), t);
    const bool near = k == 0 || k == 1;
    const Value weight =
        near ? polynomial(b, distance, {1, 0, -2.25, 1.25}) : polynomial(b, distance, {3, -6, 3.75, -0.75});
    const Value slope =
        near ? polynomial(b, distance, {0, -4.5, 3.75}) : polynomial(b, distance, {-6, 7.5, -2.25});
    all.push_back({added(b, floor, k), weight, k <= 0 ? slope : scaled(b, slope, -1)});
  }
  return all;
}

Value picture_rows(Builder& b, const Value& x) {
  if (b.failed() || !b.require(x.rank >= 3, "pictures are {}", to_string(x))) return {};
  int64_t places = 1;
  for (int d = 2; d < x.rank; ++d) places *= x.dims[d];
  const Value flat = b.reshape(x, {x.dims[0], x.dims[1], places});
  return b.failed() ? flat : b.reshape(b.permute(flat, {0, 2, 1}), {x.dims[0] * places, x.dims[1]});
}

std::vector<Corner> corners(Builder& b, const std::vector<Neighbours>& axes,
                            const std::vector<int64_t>& sizes, const Value& first, int64_t rows) {
  std::vector<Corner> all;
  if (b.failed()) return all;
  std::vector<size_t> chosen(axes.size(), 0);
  const Value outside = b.constant(Scalar::of(rows), Dtype::kI64);
  for (;;) {
    Corner corner;
    corner.slopes.resize(axes.size());
    int64_t step = 1;
    for (size_t d = axes.size(); d-- > 0;) {
      const Neighbour& n = axes[d][chosen[d]];
      const Value fits =
          b.op("logical_and", {with_scalar(b, "greater_equal", n.at, Scalar::of(0.0)),
                               with_scalar(b, "less", n.at, Scalar::of(static_cast<double>(sizes[d])))});
      const Value row = with_scalar(b, "mul", b.cast(n.at, Dtype::kI64), Scalar::of(step));
      corner.inside = corner.inside.present() ? b.op("logical_and", {corner.inside, fits}) : fits;
      corner.row = b.op("add", {corner.row.present() ? corner.row : first, row});
      for (size_t other = 0; other < axes.size(); ++other) {
        if (!n.slope.present()) continue;
        const Value& factor = other == d ? n.slope : n.weight;
        Value& slope = corner.slopes[other];
        slope = slope.present() ? mul(b, slope, factor) : factor;
      }
      corner.weight = corner.weight.present() ? mul(b, corner.weight, n.weight) : n.weight;
      step *= sizes[d];
    }
    const Value zero = b.constant(Scalar::of(0.0), corner.weight.dtype);
    corner.row = b.op("where", {corner.inside, corner.row, outside});
    corner.weight = b.op("where", {corner.inside, corner.weight, zero});
    all.push_back(std::move(corner));
    size_t d = 0;
    while (d < axes.size() && ++chosen[d] == axes[d].size()) chosen[d++] = 0;
    if (d == axes.size() || b.failed()) return all;
  }
}

Value read_corners(Builder& b, const Value& rows, const std::vector<Corner>& all) {
  Value sum;
  for (const Corner& corner : all) {
    const Value part =
        mul(b, b.op("gather", {rows, corner.row}), b.failed() ? Value{} : b.unsqueeze(corner.weight, 2));
    sum = sum.present() ? b.op("add", {sum, part}) : part;
  }
  return sum;
}

}  // namespace isthmus::cann
