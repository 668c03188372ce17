// SPDX-License-Identifier: Apache-2.0
// im2col: what windows cover, each as a column.
#include <algorithm>

#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"
#include "ops/windows/windows.h"

namespace isthmus {
namespace {

using namespace reference;
using Ints = std::vector<int64_t>;

Status infer(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  ASSIGN_OR_RETURN(const Windows windows, windows_in(call.attributes, x.rank()));
  ASSIGN_OR_RETURN(const int64_t channels, fixed_dim(x.shape[1], "x's number of channels"));
  if (channels > (int64_t{1} << 31)) return invalid_argument("x has {} channels", channels);
  Dim columns(1);
  for (int d = 0; d < windows.axes; ++d) {
    ASSIGN_OR_RETURN(const Dim count, count_windows(windows, d, x.shape[d + 2], false));
    if (!count.fixed() && windows.axes > 1)
      return invalid_argument("windows along {} cannot be counted before the symbol is known",
                              x.shape[d + 2].to_string());
    if (d > 0 && columns.offset > (int64_t{1} << 60) / std::max<int64_t>(1, count.offset))
      return invalid_argument("y would have more than 2^60 columns");
    columns = d == 0 ? count : columns.times(count.offset);
  }
  call.outputs[0] = {x.dtype, {x.shape[0], Dim(channels * windows.taps()), columns}};
  return ok();
}

Status run(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &y = call.outputs[0];
  ASSIGN_OR_RETURN(const Windows w, windows_in(call.attributes, x.rank));
  int64_t counts[kMaxWindowAxes];
  for (int d = 0; d < w.axes; ++d) {
    ASSIGN_OR_RETURN(const Dim count, count_windows(w, d, Dim(x.dims[d + 2]), false));
    counts[d] = count.offset;
  }
  visit_size(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_each_index(y.dims, 3, [&](const int64_t* index) {
      int64_t tap = index[1] % w.taps(), column = index[2];
      int64_t at = index[0] * x.strides[0] + index[1] / w.taps() * x.strides[1];
      bool inside = true;
      for (int d = w.axes - 1; d >= 0; --d) {
        const int64_t coordinate = w.at(d, column % counts[d], tap % w.size[d]);
        column /= counts[d];
        tap /= w.size[d];
        inside &= coordinate >= 0 && coordinate < x.dims[d + 2];
        at += coordinate * x.strides[d + 2];
      }
      y.as<T>()[y.offset(index)] = inside ? x.as<T>()[at] : T(0);
    });
  });
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  const auto add = [&](Dtype dtype, Ints dims, Ints sizes, Ints strides = {}, Ints pads = {},
                       Ints dilations = {}, Ints order = {}) {
    out.push_back({{sample_operand(dtype, dims, Fill::kAwkward, 0, order)},
                   {{"sizes", sizes}, {"strides", strides}, {"pads", pads}, {"dilations", dilations}}});
  };
  for (const Dtype dtype : dtypes::plain) add(dtype, {2, 3, 7, 9}, {3, 2}, {2, 1}, {1, 0, 1, 2}, {1, 2});
  add(Dtype::kF32, {1, 2, 300}, {4}, {}, {3, 3});
  add(Dtype::kF16, {2, 2, 40}, {3}, {4}, {1, 0}, {5});
  add(Dtype::kF32, {1, 2, 4, 5, 6}, {2, 3, 2}, {1, 2, 3}, {1, 1, 1, 1, 1, 1});
  add(Dtype::kF32, {2, 3, 6, 8}, {3, 3}, {}, {1, 1, 1, 1}, {}, {1, 3, 0, 2});
  add(Dtype::kF32, {0, 3, 6}, {3});
  return out;
}

std::vector<OpDef> defs() {
  OpDef def;
  def.name = "im2col";
  def.family = "Windows";
  def.meaning = "what each window covers as a column, zeros in the padding";
  def.inputs = {{"x", dtypes::plain, "[batch, channels, one to three axes]"}};
  def.outputs = {{"y", dtypes::plain, "[batch, channels * places of the window, windows]"}};
  def.attributes = window_attributes();
  def.attributes.insert(def.attributes.begin(), {"sizes", Ints{}, "of the window, per axis"});
  def.order = "elementwise";
  def.infer = infer;
  def.reference = run;
  def.samples = samples;
  def.aclnn = "aclnnIm2col";
  return {def};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(im2col, isthmus::defs)
