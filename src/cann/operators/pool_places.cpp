// SPDX-License-Identifier: Apache-2.0
// Largest elements of adaptive windows with their places; values and gradients put back to such places.
#include <algorithm>

#include "cann/operators/taps.h"

namespace isthmus::cann {
namespace {

using IntList = std::vector<int64_t>;

// The last axes in one, those before in another: [pictures, elements].
Value pictures(Builder& b, const Value& x, int axes) {
  if (b.failed() || !b.require(x.rank > axes, "{} with {} axes of windows", to_string(x), axes)) return {};
  int64_t before = 1, elements = 1;
  for (int d = 0; d < x.rank; ++d) (d < x.rank - axes ? before : elements) *= x.dims[d];
  return b.reshape(x, {before, elements});
}

// Each value at the place that its index names in a picture of zeros.
Status put_back(Builder& b, const char* values, const Value& indices, const char* reduction, int axes,
                const Value& place) {
  const Value x = pictures(b, b.tensor(values), axes);
  const Value index = as_index(b, pictures(b, indices, axes));
  const Value picture = pictures(b, place, axes);
  if (b.failed() || !b.require(x.shape() == index.shape() && x.dims[0] == picture.dims[0],
                               "'{}' and 'indices' for {}", values, to_string(place)))
    return b.status();
  const Dtype dtype = wide(x.dtype);
  const Value zeros = b.filled(Scalar::of(0.0), dtype, picture.shape());
  const Value y = b.op("scatter_elements", {zeros, index, b.cast(x, dtype)},
                       {{"axis", int64_t{1}}, {"reduction", std::string(reduction)}});
  if (!b.failed()) b.store(b.reshape(y, place.shape()), place);
  return b.status();
}

}  // namespace

Status put_gradient(Builder& b, const Value& indices, int axes, const Value& place) {
  return put_back(b, "gradOutput", indices, "add", axes, place);
}

namespace {

Status gradient(Builder& b, int axes) {
  const Value place = b.output("gradInput");
  return b.failed() ? b.status() : put_gradient(b, b.tensor("indices"), axes, place);
}

// As PyTorch: an element for each place of the pool's result, written over what another put there.
Status unpool(Builder& b, size_t axes) {
  const Value place = b.output();
  const IntList size = b.ints("outputSize");
  if (b.failed() || !b.require(size.size() == axes && place.rank > static_cast<int>(axes) &&
                                   std::equal(size.begin(), size.end(), place.dims + place.rank - axes),
                               "outputSize is {} of {}", dims_to_string(size), to_string(place)))
    return b.status();
  return put_back(b, "self", b.tensor("indices"), "none", static_cast<int>(axes), place);
}

// Each axis becomes two: windows, and their elements. A window that is smaller than others has its last
// element several times, which changes neither the largest nor the first place of it.
Status largest(Builder& b, int axes) {
  const Value given = b.tensor("self"), values = b.output("outputOut"), indices = b.output("indicesOut");
  const IntList size = b.ints("outputSize");
  if (b.failed() ||
      !b.require(static_cast<int>(size.size()) == axes, "outputSize is {}", dims_to_string(size)))
    return b.status();
  Value x = pictures(b, given, axes);
  if (b.failed()) return b.status();
  const IntList in(given.dims + given.rank - axes, given.dims + given.rank);
  IntList shape = in;
  shape.insert(shape.begin(), x.dims[0]);
  x = b.reshape(b.cast(x, numeric(x.dtype)), shape);

  std::vector<IntList> windows;  // of each axis, element by element
  IntList width;
  for (size_t d = 0; d < in.size(); ++d) {
    if (!b.require(size[d] > 0 && in[d] > 0, "{} pooled to {}", to_string(given), dims_to_string(size)) ||
        !few_taps(b, size[d], in[d] / size[d] + 2))
      return b.status();
    const Taps taps = adaptive_windows(in[d], size[d]);
    size_t each = 1;
    for (const auto& window : taps) each = std::max(each, window.size());
    IntList& list = windows.emplace_back();
    for (const auto& window : taps)
      for (size_t k = 0; k < each; ++k) list.push_back(window[std::min(k, window.size() - 1)].index);
    width.push_back(static_cast<int64_t>(each));
  }
  IntList order = {0}, elements = {x.dims[0]};
  int64_t places = 1, each = 1;
  for (int d = axes - 1; d >= 0; --d) {
    const auto i = static_cast<size_t>(d);
    const Value index = b.constant(Dtype::kI64, {size[i], width[i]}, windows[i]);
    x = b.op("gather", {x, index}, {{"axis", int64_t{1 + d}}});
    places *= size[i], each *= width[i];
  }
  for (int d = 0; d < axes; ++d) order.push_back(1 + 2 * d);
  for (int d = 0; d < axes; ++d) order.push_back(2 + 2 * d);
  x = b.permute(x, order);
  if (b.failed() || !few_taps(b, places, each)) return b.status();
  x = b.reshape(x, {x.dims[0], places, each});

  // Which element of the picture each element of each window is.
  IntList flat(static_cast<size_t>(places * each));
  for (int64_t n = 0; n < places * each; ++n) {
    int64_t place = n / each, element = n % each, at = 0, step = 1;
    for (size_t d = in.size(); d-- > 0;) {
      at += step * windows[d][static_cast<size_t>(place % size[d] * width[d] + element % width[d])];
      step *= in[d], place /= size[d], element /= width[d];
    }
    flat[static_cast<size_t>(n)] = at;
  }
  IntList first(static_cast<size_t>(places));
  for (int64_t n = 0; n < places; ++n) first[static_cast<size_t>(n)] = n * each;
  const Attributes last = {{"axis", int64_t{2}}, {"keep_dims", int64_t{0}}};
  const Value found = b.op("add", {b.op("argmax", {x}, last), b.constant(Dtype::kI64, {places}, first)});
  const Value where = b.op("gather", {b.constant(Dtype::kI64, {places * each}, flat), found});
  const Value best = b.op("reduce_max", {x}, {{"axes", IntList{2}}, {"keep_dims", int64_t{0}}});
  if (b.failed()) return b.status();
  b.store(b.reshape(best, values.shape()), values);
  b.store(b.reshape(where, indices.shape()), indices);
  return b.status();
}

}  // namespace

Status build_AdaptiveMaxPool2d(Builder& b) { return largest(b, 2); }
Status build_AdaptiveMaxPool3d(Builder& b) { return largest(b, 3); }
Status build_AdaptiveMaxPool2dBackward(Builder& b) { return gradient(b, 2); }
Status build_AdaptiveMaxPool3dBackward(Builder& b) { return gradient(b, 3); }
Status build_MaxPool2dWithIndicesBackward(Builder& b) { return gradient(b, 2); }
Status build_MaxPool3dWithArgmaxBackward(Builder& b) { return gradient(b, 3); }
Status build_MaxUnpool2d(Builder& b) { return unpool(b, 2); }
Status build_MaxUnpool3d(Builder& b) { return unpool(b, 3); }

}  // namespace isthmus::cann
