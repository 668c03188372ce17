// SPDX-License-Identifier: Apache-2.0
// average_pool, max_pool and max_pool_with_indices over one to three axes.
#include <limits>

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
  Shape shape = {x.shape[0], x.shape[1]};
  for (int d = 0; d < windows.axes; ++d) {
    ASSIGN_OR_RETURN(const Dim count,
                     count_windows(windows, d, x.shape[d + 2], call.attributes.i("ceil_mode") != 0));
    shape.push_back(count);
  }
  call.outputs[0] = {x.dtype, shape};
  if (call.outputs.size() > 1) call.outputs[1] = {Dtype::kI64, shape};
  return ok();
}

// Calls f(offset in x from its channel's first element, number of the element in the channel) for every
// element of x in the window of output element `out`, in row-major order. Returns how many places lie within
// x and its padding.
template <typename F>
int64_t for_each_inside(const Windows& w, const Tensor& x, const int64_t* out, F&& f) {
  int64_t places = 0;
  for_each_index(w.size, w.axes, [&](const int64_t* k) {
    int64_t offset = 0, number = 0;
    bool inside = true, in_padding = true;
    for (int d = 0; d < w.axes; ++d) {
      const int64_t at = w.at(d, out[d], k[d]), size = x.dims[d + 2];
      inside &= at >= 0 && at < size;
      in_padding &= at < size + w.after[d];
      offset += at * x.strides[d + 2];
      number = number * size + at;
    }
    if (in_padding) ++places;
    if (inside) f(offset, number);
  });
  return places;
}

Status run_average(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &y = call.outputs[0];
  ASSIGN_OR_RETURN(const Windows w, windows_in(call.attributes, x.rank));
  const bool padding_counts = call.attributes.i("count_include_pad") != 0;
  const int64_t divisor = call.attributes.i("divisor");
  for_each_index(y.dims, y.rank, [&](const int64_t* index) {
    const int64_t channel = index[0] * x.strides[0] + index[1] * x.strides[1];
    float sum = 0;
    int64_t count = 0;
    const int64_t places = for_each_inside(w, x, index + 2, [&](int64_t offset, int64_t) {
      sum = sum + load_f32(x, channel + offset);
      ++count;
    });
    if (padding_counts) count = places;
    if (divisor != 0) count = divisor;
    store_f32(y, y.offset(index), sum / static_cast<float>(count));
  });
  return ok();
}

Status run_max(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &y = call.outputs[0];
  ASSIGN_OR_RETURN(const Windows w, windows_in(call.attributes, x.rank));
  visit(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using V = Computed<T>;
    using Limits = std::numeric_limits<V>;
    for_each_index(y.dims, y.rank, [&](const int64_t* index) {
      const int64_t channel = index[0] * x.strides[0] + index[1] * x.strides[1];
      V best = Limits::has_infinity ? static_cast<V>(-Limits::infinity()) : Limits::lowest();
      int64_t best_number = -1;
      for_each_inside(w, x, index + 2, [&](int64_t offset, int64_t number) {
        const V value = get(x.as<T>()[channel + offset]);
        if (best_number < 0 || value > best || (value != value && best == best)) {
          best = value;
          best_number = number;
        }
      });
      put(y.as<T>()[y.offset(index)], best);
      if (call.outputs.size() > 1) call.outputs[1].as<int64_t>()[call.outputs[1].offset(index)] = best_number;
    });
  });
  return ok();
}

struct Case {
  Ints dims, sizes, strides = {}, pads = {}, dilations = {};
  int64_t ceil_mode = 0;
  Fill fill = Fill::kNormal;
  Ints order = {};
};
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {{2, 3, 40}, {4}},
      {{1, 2, 9, 11}, {2, 2}, {2, 2}},
      {{2, 2, 12, 37}, {3, 5}, {2, 3}, {2, 0, 1, 4}},
      {{1, 3, 10, 300}, {3, 3}, {}, {1, 1, 1, 1}},
      {{1, 2, 9, 11}, {3, 2}, {2, 3}, {1, 0, 1, 1}, {}, 1},
      {{1, 2, 12, 13}, {3, 2}, {2, 1}, {1, 2, 1, 2}, {2, 3}},
      {{1, 2, 5, 6, 7}, {2, 3, 2}, {1, 2, 1}, {1, 0, 1, 0, 1, 1}, {}, 1},
      {{2, 2, 8, 9}, {3, 3}, {2, 2}, {1, 1, 1, 1}, {}, 0, Fill::kAwkward},
      {{2, 3, 8, 9}, {3, 3}, {1, 2}, {}, {}, 0, Fill::kNormal, {2, 0, 3, 1}},
      {{1, 1, 2}, {2}, {}, {3, 3}, {5}},  // a window of padding alone
      {{0, 3, 8}, {3}}};
  return all;
}
Sample sample_of(Dtype dtype, const Case& c) {
  return {{sample_operand(dtype, c.dims, c.fill, 0, c.order)},
          {{"sizes", c.sizes},
           {"strides", c.strides},
           {"pads", c.pads},
           {"dilations", c.dilations},
           {"ceil_mode", c.ceil_mode}}};
}

std::vector<Sample> average_samples() {
  std::vector<Sample> out;
  for (const Dtype dtype : dtypes::floats)
    for (const Case& c : cases()) {
      out.push_back(sample_of(dtype, c));
      out.back().attributes.set("count_include_pad", static_cast<int64_t>(out.size() % 2));
    }
  out.push_back(sample_of(Dtype::kF32, cases()[2]));
  out.back().attributes.set("divisor", int64_t{7});
  return out;
}

std::vector<Sample> max_samples() {
  std::vector<Sample> out;
  for (const Dtype dtype : dtypes::numbers) out.push_back(sample_of(dtype, cases()[2]));
  for (const Dtype dtype : dtypes::floats)
    for (const Case& c : cases()) out.push_back(sample_of(dtype, c));
  out.push_back(sample_of(Dtype::kI8, cases().end()[-2]));
  return out;
}

OpDef make(const char* name, const char* meaning, const std::vector<Dtype>& dtypes) {
  OpDef def;
  def.name = name;
  def.family = "Windows";
  def.meaning = meaning;
  def.inputs = {{"x", dtypes, "[batch, channels, one to three axes]"}};
  def.outputs = {{"y", dtypes, "[batch, channels, windows along the axes]; dtype of x"}};
  def.attributes = window_attributes();
  def.attributes.insert(def.attributes.begin(), {"sizes", Ints{}, "of the window, per axis"});
  def.attributes.push_back({"ceil_mode", int64_t{0}, "1: also a last window that ends outside"});
  def.infer = infer;
  return def;
}

std::vector<OpDef> defs() {
  OpDef average = make("average_pool", "the mean of what each window covers", dtypes::floats);
  average.attributes.push_back(
      {"count_include_pad", int64_t{0}, "1: the mean is over places in the padding too"});
  average.attributes.push_back({"divisor", int64_t{0}, "instead of the number of places; 0: that"});
  average.order =
      "a chain of adds in F32 over the elements of the window in row-major order, divided by their number, "
      "rounded "
      "once";
  average.reference = run_average;
  average.samples = average_samples;
  average.onnx = "AveragePool";
  average.aclnn = "aclnnAvgPool2d";

  OpDef max = make("max_pool",
                   "the largest element of what each window covers, padding aside; -infinity or the lowest "
                   "integer of nothing",
                   dtypes::numbers);
  max.order = "the first largest element in row-major order; NaN goes before everything";
  max.reference = run_max;
  max.samples = max_samples;
  max.onnx = "MaxPool";
  max.aclnn = "aclnnMaxPool";

  OpDef indices = max;
  indices.name = "max_pool_with_indices";
  indices.meaning = "max_pool, and which element of its channel it was; -1 of nothing";
  indices.outputs.push_back({"indices", {Dtype::kI64}, "shape of y: numbers of elements in row-major order"});
  indices.onnx = "";
  indices.aclnn = "aclnnMaxPool2dWithIndices";
  return {average, max, indices};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(pool, isthmus::defs)
