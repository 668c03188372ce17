// SPDX-License-Identifier: Apache-2.0
// resize: the last axes of x with other sizes, by nearest, linear or cubic interpolation.
#include "ops/resize/resize.h"

#include <cmath>

#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;
using Ints = std::vector<int64_t>;

Result<int32_t> choice(const Attributes& attributes, const char* name,
                       std::initializer_list<const char*> words) {
  int32_t i = 0;
  for (const char* word : words) {
    if (attributes.s(name) == word) return i;
    ++i;
  }
  return invalid_argument("{} is '{}', which is none of its words", name, attributes.s(name));
}

}  // namespace

Result<Resize> resize_of(const Attributes& attributes, int rank) {
  Resize resize = {};
  ASSIGN_OR_RETURN(resize.rule.mode, choice(attributes, "mode", {"nearest", "linear", "cubic"}));
  ASSIGN_OR_RETURN(
      resize.rule.coordinates,
      choice(attributes, "coordinates", {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"}));
  ASSIGN_OR_RETURN(
      resize.rule.rounding,
      choice(attributes, "nearest", {"floor", "ceil", "round_prefer_floor", "round_prefer_ceil"}));
  resize.rule.cubic_a = static_cast<float>(attributes.f("cubic_a"));
  const Ints& sizes = attributes.ints("sizes");
  const std::vector<double>& scales = attributes.floats("scales");
  resize.axes = static_cast<int32_t>(sizes.size());
  if (sizes.empty() || sizes.size() > kMaxResizedAxes || resize.axes > rank)
    return invalid_argument("sizes has {} numbers for x of rank {}, not 1 to {}", sizes.size(), rank,
                            std::min(rank, kMaxResizedAxes));
  if (!scales.empty() && scales.size() != sizes.size())
    return invalid_argument("scales has {} numbers, sizes {}", scales.size(), sizes.size());
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] < 0 || sizes[d] >= int64_t{1} << 31) return invalid_argument("sizes[{}] is {}", d, sizes[d]);
    if (!scales.empty() && scales[d] != 0 && !(scales[d] >= 0x1p-31 && scales[d] <= 0x1p31))
      return invalid_argument("scales[{}] is {}", d, scales[d]);
    resize.sizes[d] = sizes[d];
    resize.scales[d] = scales.empty() ? 0.0f : static_cast<float>(scales[d]);
  }
  return resize;
}

namespace {

Status infer(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  ASSIGN_OR_RETURN(const Resize resize, resize_of(call.attributes, x.rank()));
  if (resize.rule.mode != RESIZE_NEAREST && x.dtype != Dtype::kF32 && x.dtype != Dtype::kF16 &&
      x.dtype != Dtype::kBF16)
    return invalid_argument("{} is interpolated by nearest only", dtype_name(x.dtype));
  call.outputs[0] = x;
  for (int d = 0; d < resize.axes; ++d) {
    Dim& dim = call.outputs[0].shape[x.rank() - resize.axes + d];
    ASSIGN_OR_RETURN(const int64_t in, fixed_dim(dim, "a resized axis"));
    if (in < 1 && resize.sizes[d] > 0)
      return invalid_argument("axis {} of {} is empty", x.rank() - resize.axes + d, shape_to_string(x.shape));
    dim = Dim(resize.sizes[d]);
  }
  return ok();
}

Status run(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &y = call.outputs[0];
  ASSIGN_OR_RETURN(const Resize resize, resize_of(call.attributes, x.rank));
  const int lead = x.rank - resize.axes;
  for_each_index(y.dims, y.rank, [&](const int64_t* index) {
    ResizeTaps taps[kMaxResizedAxes];
    for (int d = 0; d < resize.axes; ++d) {
      const int64_t in = x.dims[lead + d], out = y.dims[lead + d];
      const float step = resize_step(resize.rule.coordinates, in, out, resize.scales[d]);
      taps[d] = resize_taps(resize.rule, step, in, out, index[lead + d]);
    }
    int64_t from = 0;
    for (int d = 0; d < lead; ++d) from += index[d] * x.strides[d];
    if (resize.rule.mode == RESIZE_NEAREST) {
      for (int d = 0; d < resize.axes; ++d) from += taps[d].index[0] * x.strides[lead + d];
      visit_size(x.dtype, [&](auto tag) {
        using T = typename decltype(tag)::type;
        y.as<T>()[y.offset(index)] = x.as<T>()[from];
      });
      return;
    }
    // Along the last axis first.
    const auto value = [&](auto&& self, int d, int64_t at) -> float {
      if (d == resize.axes) return load_f32(x, at);
      float sum = 0;
      for (int k = 0; k < taps[d].count; ++k) {
        const float v = self(self, d + 1, at + taps[d].index[k] * x.strides[lead + d]);
        sum = k == 0 ? taps[d].weight[0] * v : std::fma(taps[d].weight[k], v, sum);
      }
      return sum;
    };
    store_f32(y, y.offset(index), value(value, 0, from));
  });
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  const auto add = [&](Dtype dtype, Ints dims, Ints sizes, const char* mode, const char* coordinates,
                       const char* nearest = "floor", std::vector<double> scales = {}, Ints order = {}) {
    out.push_back({{sample_operand(dtype, dims, Fill::kNormal, 0, order)},
                   {{"sizes", sizes},
                    {"scales", scales},
                    {"mode", std::string(mode)},
                    {"coordinates", std::string(coordinates)},
                    {"nearest", std::string(nearest)}}});
  };
  for (const Dtype dtype : dtypes::plain) add(dtype, {2, 3, 5, 7}, {11, 10}, "nearest", "asymmetric");
  for (const char* nearest : {"floor", "ceil", "round_prefer_floor", "round_prefer_ceil"})
    for (const char* coordinates : {"half_pixel", "asymmetric", "align_corners"})
      add(Dtype::kF32, {2, 6, 9}, {9, 6}, "nearest", coordinates, nearest);
  for (const Dtype dtype : dtypes::floats)
    for (const char* mode : {"linear", "cubic"})
      for (const char* coordinates : {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"})
        add(dtype, {1, 2, 6, 9}, {13, 4}, mode, coordinates);
  add(Dtype::kF32, {2, 3, 20}, {300}, "linear", "half_pixel", "floor", {15.1});
  add(Dtype::kF32, {1, 2, 3, 4, 5}, {5, 3, 11}, "linear", "half_pixel");
  add(Dtype::kF16, {1, 2, 3, 4, 5}, {5, 3, 11}, "nearest", "half_pixel", "round_prefer_ceil");
  add(Dtype::kF32, {2, 3, 6, 5}, {1, 7}, "cubic", "pytorch_half_pixel", "floor", {0.2, 1.3}, {2, 0, 3, 1});
  add(Dtype::kF32, {0, 3}, {5}, "linear", "half_pixel");
  add(Dtype::kF32, {3, 4}, {0}, "linear", "half_pixel");
  return out;
}

std::vector<OpDef> defs() {
  OpDef def;
  def.name = "resize";
  def.family = "Windows";
  def.meaning = "the last axes with other sizes, each element interpolated from x";
  def.inputs = {{"x", dtypes::plain, "[..., one to three axes]; linear and cubic: F32, F16, BF16"}};
  def.outputs = {{"y", dtypes::plain, "x's dims with `sizes` at the end"}};
  def.attributes = {{"sizes", Ints{}, "of the last axes"},
                    {"scales", std::vector<double>{},
                     "y's size by x's, where coordinates follow another than sizes give; 0: as they do"},
                    {"mode", std::string("nearest"), "nearest, linear, cubic"},
                    {"coordinates", std::string("half_pixel"),
                     "half_pixel: (i + 0.5) * step - 0.5; pytorch_half_pixel: that, 0 where y has one "
                     "element; asymmetric: i * step; "
                     "align_corners: that with step (in - 1) / (out - 1); step is 1 / scale, or in / out"},
                    {"nearest", std::string("floor"), "floor, ceil, round_prefer_floor, round_prefer_ceil"},
                    {"cubic_a", -0.75, "of the cubic weights"}};
  def.order =
      "coordinates and weights in F32, each step rounded; along the last axis first w0 * v0, then fma(w, v, "
      "sum), in "
      "F32, rounded once on store";
  def.infer = infer;
  def.reference = run;
  def.samples = samples;
  def.onnx = "Resize";
  def.aclnn = "aclnnUpsampleNearest2d";
  return {def};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(resize, isthmus::defs)
