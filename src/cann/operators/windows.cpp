// SPDX-License-Identifier: Apache-2.0
// Convolution, pooling, columns of windows, and images of another size.
#include "cann/operators/taps.h"

namespace isthmus::cann {
namespace {

using IntList = std::vector<int64_t>;

// The same padding before and after each axis: all before, then all after.
IntList both_sides(IntList pads) {
  const IntList before = pads;
  pads.insert(pads.end(), before.begin(), before.end());
  return pads;
}

// Images without a batch get one of 1.
Value batched(Builder& b, const Value& x, int axes) { return x.rank == axes + 1 ? b.unsqueeze(x, 0) : x; }

struct Window {
  IntList sizes, strides, pads, dilations;
  Attributes attributes() const {
    Attributes a{{"sizes", sizes}, {"strides", strides}, {"pads", pads}};
    if (!dilations.empty()) a.set("dilations", dilations);
    return a;
  }
};

Window read_window(Builder& b, const char* strides, const char* padding, size_t axes) {
  Window w;
  w.sizes = per_axis(b, "kernelSize", axes, 1);
  w.strides = b.ints(strides).empty() ? w.sizes : per_axis(b, strides, axes, 1);
  w.pads = both_sides(per_axis(b, padding, axes, 0));
  return w;
}

Status average(Builder& b, const char* strides, const char* padding, int axes) {
  const Value x = b.tensor("self");
  Attributes attributes = read_window(b, strides, padding, static_cast<size_t>(axes)).attributes();
  attributes.set("ceil_mode", int64_t{b.boolean("ceilMode")});
  attributes.set("count_include_pad", int64_t{b.boolean("countIncludePad")});
  attributes.set("divisor", b.integer("divisorOverride"));
  if (b.failed()) return b.status();
  b.store(b.op("average_pool", {batched(b, b.cast(x, floating(x.dtype)), axes)}, std::move(attributes)),
          b.output());
  return b.status();
}

// The largest element of each window, and its place.
std::vector<Value> largest_with_places(Builder& b, int axes) {
  const Value x = b.tensor("self");
  Window w = read_window(b, "stride", "padding", static_cast<size_t>(axes));
  w.dilations = per_axis(b, "dilation", static_cast<size_t>(axes), 1);
  Attributes attributes = w.attributes();
  attributes.set("ceil_mode", int64_t{b.boolean("ceilMode")});
  if (b.failed()) return {};
  return b.ops("max_pool_with_indices", {batched(b, b.cast(x, numeric(x.dtype)), axes)},
               std::move(attributes));
}

Status largest(Builder& b, int axes) {
  const std::vector<Value> y = largest_with_places(b, axes);
  if (b.failed()) return b.status();
  b.store(y[0], b.output("out"));
  b.store(y[1], b.output("indices"));
  return b.status();
}

// Windows of equal sizes where the places divide the elements; otherwise each place of an axis has its own.
Status adaptive_average(Builder& b, int axes) {
  Value x = b.tensor("self");
  const IntList sizes = per_axis(b, "outputSize", static_cast<size_t>(axes), 1);
  if (b.failed()) return b.status();
  x = batched(b, b.cast(x, floating(x.dtype)), axes);
  if (b.failed() || !b.require(x.rank == axes + 2, "self is {}", to_string(x))) return b.status();
  IntList window;
  bool even = true;
  for (int d = 0; d < axes; ++d) {
    const int64_t in = x.dims[2 + d], out = sizes[static_cast<size_t>(d)];
    if (!b.require(out > 0 && in > 0, "{} averaged to {}", to_string(x), dims_to_string(sizes)) ||
        !few_taps(b, out, in / out + 2))
      return b.status();
    even &= in % out == 0;
    window.push_back(in / out);
  }
  if (even) {
    b.store(b.op("average_pool", {x}, {{"sizes", window}, {"strides", window}}), b.output());
    return b.status();
  }
  x = b.cast(x, wide(x.dtype));
  for (int d = axes - 1; d >= 0; --d)
    x = weigh(b, x, 2 + d, adaptive_means(x.dims[2 + d], sizes[static_cast<size_t>(d)]));
  b.store(x, b.output());
  return b.status();
}

Status convolve(Builder& b, const Value& given, const Value& weight, const Value& bias, Attributes attributes,
                bool transposed, const Value& place) {
  if (b.failed()) return b.status();
  const int axes = weight.rank - 2;
  const Dtype dtype = floating(Builder::promote(given.dtype, weight.dtype));
  const Value x = batched(b, b.cast(given, dtype), axes);
  std::vector<Value> inputs = {x, b.cast(weight, dtype), b.cast(bias, dtype)};
  if (bias.present() && bias.rank != 1) inputs[2] = b.reshape(inputs[2], {bias.elements()});
  b.store(b.op(transposed ? "transposed_convolution" : "convolution", inputs, std::move(attributes)), place);
  return b.status();
}

Status resize(Builder& b, const char* input, const char* mode, const char* coordinates, const char* nearest,
              std::initializer_list<const char*> scale_names) {
  const Value x = b.tensor(input);
  const IntList sizes = b.ints("outputSize");
  std::vector<double> scales;
  bool given = false;
  for (const char* name : scale_names) {
    const double scale = b.number(name);
    scales.push_back(scale > 0 ? scale : 0);
    given |= scale > 0;
  }
  Attributes attributes{
      {"sizes", sizes}, {"mode", std::string(mode)}, {"coordinates", std::string(coordinates)}};
  if (*nearest) attributes.set("nearest", std::string(nearest));
  if (given) attributes.set("scales", scales);
  b.store(b.op("resize", {x}, std::move(attributes)), b.output());
  return b.status();
}

Status resize_nearest(Builder& b, std::initializer_list<const char*> scales) {
  return resize(b, "self", "nearest", "asymmetric", "floor", scales);
}
Status resize_exact(Builder& b, std::initializer_list<const char*> scales) {
  return resize(b, "self", "nearest", "half_pixel", "round_prefer_ceil", scales);
}
Status resize_smooth(Builder& b, const char* input, const char* mode,
                     std::initializer_list<const char*> scales) {
  const bool corners = b.boolean("alignCorners");
  if (corners) return resize(b, input, mode, "align_corners", "", {});
  return resize(b, input, mode, "half_pixel", "", scales);
}

}  // namespace

Status build_Convolution(Builder& b) {
  const Value weight = b.tensor("weight");
  if (b.failed() || !b.require(weight.rank >= 3, "the weight is {}", to_string(weight))) return b.status();
  const auto axes = static_cast<size_t>(weight.rank - 2);
  const bool transposed = b.boolean("transposed");
  IntList pads = b.ints("padding");
  if (pads.size() != 2 * axes) {
    pads = both_sides(per_axis(b, "padding", axes, 0));
  } else {  // before and after, axis by axis
    IntList sorted;
    for (size_t side = 0; side < 2; ++side)
      for (size_t d = 0; d < axes; ++d) sorted.push_back(pads[2 * d + side]);
    pads = sorted;
  }
  Attributes attributes{{"strides", per_axis(b, "stride", axes, 1)},
                        {"pads", pads},
                        {"dilations", per_axis(b, "dilation", axes, 1)},
                        {"groups", b.integer("groups")}};
  if (transposed) attributes.set("output_padding", per_axis(b, "outputPadding", axes, 0));
  return convolve(b, b.tensor("input"), weight, b.optional("bias"), std::move(attributes), transposed,
                  b.output("output"));
}

Status build_ConvDepthwise2d(Builder& b) {
  const Value x = b.tensor("self");
  if (b.failed() || !b.require(x.rank == 3 || x.rank == 4, "self is {}", to_string(x))) return b.status();
  return convolve(b, x, b.tensor("weight"), b.optional("bias"),
                  {{"strides", per_axis(b, "stride", 2, 1)},
                   {"pads", both_sides(per_axis(b, "padding", 2, 0))},
                   {"dilations", per_axis(b, "dilation", 2, 1)},
                   {"groups", x.dims[x.rank - 3]}},
                  false, b.output("out"));
}

// Time, batch, channel; the weight is [window, channels, outputs].
Status build_ConvTbc(Builder& b) {
  const int64_t pad = b.integer("pad");
  return convolve(b, b.permute(b.tensor("self"), {1, 2, 0}), b.permute(b.tensor("weight"), {2, 1, 0}),
                  b.optional("bias"), {{"pads", IntList{pad, pad}}}, false,
                  b.permute(b.output("output"), {1, 2, 0}));
}

Status build_AvgPool2d(Builder& b) { return average(b, "strides", "paddings", 2); }
Status build_AvgPool3d(Builder& b) { return average(b, "stride", "padding", 3); }
Status build_AdaptiveAvgPool2d(Builder& b) { return adaptive_average(b, 2); }
Status build_AdaptiveAvgPool3d(Builder& b) { return adaptive_average(b, 3); }
Status build_MaxPool2dWithIndices(Builder& b) { return largest(b, 2); }
Status build_MaxPool3dWithArgmax(Builder& b) { return largest(b, 3); }
// What the mask holds is the chip's own affair: the gradient, which gets self as well, finds the places anew.
Status build_MaxPool2dWithMask(Builder& b) {
  const std::vector<Value> y = largest_with_places(b, 2);
  const Value mask = b.output("indices");
  if (b.failed()) return b.status();
  b.store(y[0], b.output("out"));
  b.store(b.filled(Scalar::of(int64_t{0}), mask.dtype, mask.shape()), mask);
  return b.status();
}
Status build_MaxPool2dWithMaskBackward(Builder& b) {
  const std::vector<Value> y = largest_with_places(b, 2);
  const Value place = b.output("gradInput");
  return b.failed() ? b.status() : put_gradient(b, y[1], 2, place);
}

Status build_MaxPool(Builder& b) {
  const Value x = b.tensor("self");
  const IntList sizes = b.ints("kernelShape"), given = b.ints("pads");
  const size_t axes = sizes.size();
  if (b.failed() || !b.require(b.integer("autoPad") == 0, "autoPad {}; 0 is supported", b.integer("autoPad")))
    return b.status();
  IntList pads(2 * axes, 0);
  if (!b.require(given.empty() || given.size() == 2 * axes || given.size() == axes, "{} pads for {} axes",
                 given.size(), axes))
    return b.status();
  for (size_t i = 0; i < given.size() && axes > 0; ++i)
    if (given.size() == axes)
      pads[i] = pads[axes + i] = given[i];
    else
      pads[i % 2 * axes + i / 2] = given[i];
  b.store(b.op("max_pool", {batched(b, b.cast(x, numeric(x.dtype)), static_cast<int>(axes))},
               {{"sizes", sizes},
                {"strides", per_axis(b, "strides", axes, 1)},
                {"pads", pads},
                {"dilations", per_axis(b, "dilations", axes, 1)},
                {"ceil_mode", b.integer("ceilMode")}}),
          b.output());
  return b.status();
}

Status build_Im2col(Builder& b) {
  const Value x = b.tensor("self");
  if (b.failed()) return b.status();
  b.store(b.op("im2col", {batched(b, x, 2)},
               {{"sizes", per_axis(b, "kernelSize", 2, 1)},
                {"strides", per_axis(b, "stride", 2, 1)},
                {"pads", both_sides(per_axis(b, "padding", 2, 0))},
                {"dilations", per_axis(b, "dilation", 2, 1)}}),
          b.output());
  return b.status();
}

Status build_UpsampleNearest1d(Builder& b) { return resize_nearest(b, {}); }
Status build_UpsampleNearest1dV2(Builder& b) { return resize_nearest(b, {"scaleL"}); }
Status build_UpsampleNearest2d(Builder& b) { return resize_nearest(b, {}); }
Status build_UpsampleNearest2dV2(Builder& b) { return resize_nearest(b, {"scaleH", "scaleW"}); }
Status build_UpsampleNearest3d(Builder& b) { return resize_nearest(b, {"scalesD", "scalesH", "scalesW"}); }
Status build_UpsampleNearestExact1d(Builder& b) { return resize_exact(b, {"scales"}); }
Status build_UpsampleNearestExact2d(Builder& b) { return resize_exact(b, {"scalesH", "scalesW"}); }
Status build_UpsampleNearestExact3d(Builder& b) { return resize_exact(b, {"scalesD", "scalesH", "scalesW"}); }
Status build_UpsampleLinear1d(Builder& b) { return resize_smooth(b, "self", "linear", {"scales"}); }
Status build_UpsampleBilinear2d(Builder& b) {
  return resize_smooth(b, "self", "linear", {"scalesH", "scalesW"});
}
Status build_UpsampleBicubic2d(Builder& b) {
  return resize_smooth(b, "self", "cubic", {"scalesH", "scalesW"});
}
Status build_UpsampleTrilinear3d(Builder& b) {
  return resize_smooth(b, "x", "linear", {"scalesD", "scalesH", "scalesW"});
}

}  // namespace isthmus::cann
