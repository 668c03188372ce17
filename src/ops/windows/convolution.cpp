// SPDX-License-Identifier: Apache-2.0
// convolution and transposed_convolution over one to three axes: shape rules and the meaning, as plain loops.
#include <cmath>

#include "base/bf16_product.h"
#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"
#include "ops/windows/windows.h"

namespace isthmus {
namespace {

using namespace reference;
using Ints = std::vector<int64_t>;

enum { kX, kWeight, kBias };

// The chain of a product over numbers that come one by one (docs/decisions/0001-numerics.md).
class Chain {
 public:
  explicit Chain(bool pairs) : pairs_(pairs) {}
  void add(float x, float w) {
    if (!pairs_) {
      acc_ = std::fma(x, w, acc_);
      return;
    }
    if (!has_even_) {
      even_x_ = x;
      even_w_ = w;
    } else {
      acc_ = bf16_product_step(even_x_, even_w_, bf16_product_step(x, w, acc_));
    }
    has_even_ = !has_even_;
  }
  float sum() {
    if (has_even_) add(0, 0);  // an odd last one pairs with zero
    return acc_;
  }

 private:
  bool pairs_, has_even_ = false;
  float acc_ = 0, even_x_ = 0, even_w_ = 0;
};

struct Shapes {
  Windows windows;
  int64_t groups, channels, rows;  // rows: output channels of a group
};

// What both operators check: ranks, dtypes, fixed numbers, groups.
Result<Shapes> check(const InferCall& call, bool transposed) {
  const TensorType &x = call.inputs[kX], &weight = call.inputs[kWeight], &bias = call.inputs[kBias];
  Shapes shapes = {};
  ASSIGN_OR_RETURN(shapes.windows, windows_of(call.attributes, x.rank() - 2));
  if (weight.rank() != x.rank()) return invalid_argument("weight has rank {}, x {}", weight.rank(), x.rank());
  if (weight.dtype != x.dtype || (bias.present() && bias.dtype != x.dtype))
    return invalid_argument("x is {}, but weight {}{}", dtype_name(x.dtype), dtype_name(weight.dtype),
                            bias.present() ? fmt::format(" and bias {}", dtype_name(bias.dtype)) : "");
  Ints sizes;
  for (int d = 2; d < weight.rank(); ++d) {
    ASSIGN_OR_RETURN(const int64_t size, fixed_dim(weight.shape[d], "the window"));
    sizes.push_back(size);
  }
  RETURN_IF_ERROR(set_sizes(shapes.windows, sizes));
  ASSIGN_OR_RETURN(const int64_t in, fixed_dim(x.shape[1], "x's number of channels"));
  ASSIGN_OR_RETURN(const int64_t first, fixed_dim(weight.shape[0], "weight's first dimension"));
  ASSIGN_OR_RETURN(const int64_t second, fixed_dim(weight.shape[1], "weight's second dimension"));
  shapes.groups = call.attributes.i("groups");
  const int64_t out = transposed ? second : first;  // of all groups, or of one if transposed
  if (shapes.groups < 1 || in % shapes.groups != 0 || (!transposed && out % shapes.groups != 0))
    return invalid_argument("{} groups do not divide {} channels{}", shapes.groups, in,
                            transposed ? "" : fmt::format(" and {} outputs", out));
  shapes.channels = in / shapes.groups;
  shapes.rows = transposed ? second : out / shapes.groups;
  if (transposed ? first != in : second != shapes.channels)
    return invalid_argument("weight is {}, which does not fit {} channels in {} groups",
                            shape_to_string(weight.shape), in, shapes.groups);
  const int64_t rows = shapes.rows * shapes.groups;
  if (bias.present() && (bias.rank() != 1 || !bias.shape[0].is(rows)))
    return invalid_argument("bias is {}, not [{}]", shape_to_string(bias.shape), rows);
  return shapes;
}

Status infer_convolution(const InferCall& call) {
  const TensorType& x = call.inputs[kX];
  ASSIGN_OR_RETURN(const Shapes shapes, check(call, false));
  Shape shape = {x.shape[0], Dim(shapes.rows * shapes.groups)};
  for (int d = 0; d < shapes.windows.axes; ++d) {
    ASSIGN_OR_RETURN(const Dim count, count_windows(shapes.windows, d, x.shape[d + 2], false));
    shape.push_back(count);
  }
  call.outputs[0] = {x.dtype, std::move(shape)};
  return ok();
}

Status infer_transposed(const InferCall& call) {
  const TensorType& x = call.inputs[kX];
  ASSIGN_OR_RETURN(const Shapes shapes, check(call, true));
  const Windows& w = shapes.windows;
  const Ints& extra = call.attributes.ints("output_padding");
  if (!extra.empty() && static_cast<int>(extra.size()) != w.axes)
    return invalid_argument("output_padding has {} numbers, not {}", extra.size(), w.axes);
  Shape shape = {x.shape[0], Dim(shapes.rows * shapes.groups)};
  for (int d = 0; d < w.axes; ++d) {
    const int64_t more = extra.empty() ? 0 : extra[d];
    if (more < 0 || more >= int64_t{1} << 31) return invalid_argument("output_padding[{}] is {}", d, more);
    const Dim& in = x.shape[d + 2];
    if (in.fixed() && (in.offset < 1 || in.offset > int64_t{1} << 30))
      return invalid_argument("axis {} has {} elements", d + 2, in.offset);
    const Dim out = in.plus(-1)
                        .times(w.stride[d])
                        .plus(w.dilation[d] * (w.size[d] - 1) + 1 + more - w.before[d] - w.after[d]);
    if (out.fixed() && out.offset < 0)
      return invalid_argument("padding of {} and {} leaves nothing of axis {}", w.before[d], w.after[d],
                              d + 2);
    shape.push_back(out);
  }
  call.outputs[0] = {x.dtype, std::move(shape)};
  return ok();
}

// Calls f(place in the window, offset in x or -1 in the padding) for every place of the window that takes
// part in output element `out`, in row-major order.
template <typename F>
void for_each_place(const Windows& w, bool transposed, const Tensor& x, const int64_t* out, F&& f) {
  for_each_index(w.size, w.axes, [&](const int64_t* k) {
    int64_t offset = 0;
    for (int d = 0; d < w.axes; ++d) {
      int64_t at = w.at(d, out[d], k[d]);
      if (transposed) {
        const int64_t reached = out[d] + w.before[d] - k[d] * w.dilation[d];
        if (reached % w.stride[d] != 0) return;  // between the elements of x
        at = reached / w.stride[d];
      }
      offset = at < 0 || at >= x.dims[d + 2] || offset < 0 ? -1 : offset + at * x.strides[d + 2];
    }
    f(k, offset);
  });
}

Status run(const ReferenceCall& call, bool transposed) {
  const Tensor &x = call.inputs[kX], &weight = call.inputs[kWeight], &bias = call.inputs[kBias],
               &y = call.outputs[0];
  ASSIGN_OR_RETURN(Windows w, windows_of(call.attributes, x.rank - 2));
  RETURN_IF_ERROR(set_sizes(w, std::span(weight.dims + 2, static_cast<size_t>(w.axes))));
  const int64_t groups = call.attributes.i("groups"), channels = x.dims[1] / groups,
                rows = y.dims[1] / groups;
  for_each_index(y.dims, y.rank, [&](const int64_t* index) {
    const int64_t group = index[1] / rows, row = index[1] % rows;
    Chain chain(x.dtype == Dtype::kBF16);
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t channel = group * channels + c;
      const int64_t x_at = index[0] * x.strides[0] + channel * x.strides[1];
      const int64_t w_at = transposed ? channel * weight.strides[0] + row * weight.strides[1]
                                      : index[1] * weight.strides[0] + c * weight.strides[1];
      for_each_place(w, transposed, x, index + 2, [&](const int64_t* k, int64_t offset) {
        int64_t from = w_at;
        for (int d = 0; d < w.axes; ++d) from += k[d] * weight.strides[d + 2];
        chain.add(offset < 0 ? 0.0f : load_f32(x, x_at + offset), load_f32(weight, from));
      });
    }
    float sum = chain.sum();
    if (bias.present()) sum = sum + load_f32(bias, index[1] * bias.strides[0]);
    store_f32(y, y.offset(index), sum);
  });
  return ok();
}

// dims of x, dims of weight, strides, pads, dilations, groups, output_padding
struct Case {
  Ints x, weight, strides = {}, pads = {}, dilations = {};
  int64_t groups = 1;
  Ints extra = {};
  Ints order = {};
  Fill fill = Fill::kNormal;
};

std::vector<Sample> samples(bool transposed, const std::vector<Case>& cases) {
  std::vector<Sample> out;
  const auto add = [&](Dtype dtype, const Case& c, bool bias, Fill weight_fill) {
    const int64_t outputs = transposed ? c.weight[1] * c.groups : c.weight[0];
    Sample sample{
        {sample_operand(dtype, c.x, c.fill, 0, c.order), sample_operand(dtype, c.weight, weight_fill),
         bias ? sample_operand(dtype, {outputs}) : sample_absent()},
        {{"strides", c.strides}, {"pads", c.pads}, {"dilations", c.dilations}, {"groups", c.groups}}};
    if (transposed) sample.attributes.set("output_padding", c.extra);
    out.push_back(std::move(sample));
  };
  bool bias = false;
  for (const Dtype dtype : dtypes::floats)
    for (const Case& c : cases) {
      bias = !bias;
      add(dtype, c, bias, bias ? Fill::kNormal : Fill::kWeight);
    }
  return out;
}

std::vector<Sample> convolution_samples() {
  return samples(false, {{{2, 3, 40}, {5, 3, 4}},
                         {{1, 4, 9, 11}, {6, 4, 3, 3}, {}, {1, 1, 1, 1}},
                         {{2, 6, 12, 37}, {9, 6, 3, 5}, {2, 3}, {2, 0, 1, 4}, {2, 1}},
                         {{1, 8, 7, 7}, {8, 1, 3, 3}, {}, {1, 1, 1, 1}, {}, 8},
                         {{3, 6, 5, 6}, {4, 3, 1, 1}, {}, {}, {}, 2},
                         {{1, 3, 5, 6, 7}, {4, 3, 2, 3, 2}, {1, 2, 1}, {1, 0, 1, 0, 1, 1}},
                         {{1, 70, 6, 8}, {140, 70, 2, 2}},
                         {{2, 5, 8, 20}, {3, 5, 3, 3}, {1, 1}, {1, 1, 1, 1}, {}, 1, {}, {2, 3, 0, 1}},
                         {{2, 3, 6, 9}, {4, 3, 3, 3}, {2, 2}, {1, 1, 1, 1}, {}, 1, {}, {}, Fill::kAwkward},
                         {{0, 3, 6}, {4, 3, 3}},
                         {{2, 0, 6}, {4, 0, 3}}});
}

std::vector<Sample> transposed_samples() {
  return samples(true, {{{2, 3, 17}, {3, 5, 4}},
                        {{1, 3, 20}, {3, 2, 6}, {3}, {}, {}, 1, {2}},
                        {{1, 4, 5, 6}, {4, 6, 3, 3}, {2, 2}, {1, 1, 1, 1}, {}, 1, {1, 1}},
                        {{2, 6, 4, 7}, {6, 2, 3, 2}, {3, 4}, {2, 0, 1, 1}, {2, 3}, 3},
                        {{1, 2, 3, 4, 5}, {2, 3, 2, 3, 2}, {1, 2, 3}, {1, 0, 1, 0, 1, 1}},
                        {{1, 40, 6, 8}, {40, 35, 4, 4}, {2, 2}, {1, 1, 1, 1}},
                        {{2, 3, 6, 9}, {3, 4, 3, 3}, {2, 2}, {}, {}, 1, {}, {0, 2, 3, 1}, Fill::kAwkward},
                        {{0, 3, 6}, {3, 4, 3}},
                        {{2, 0, 6}, {0, 4, 3}}});
}

OpDef make(const char* name, const char* meaning, bool transposed) {
  OpDef def;
  def.name = name;
  def.family = "Windows";
  def.meaning = meaning;
  def.inputs = {{"x", dtypes::floats, "[batch, channels, one to three axes]"}};
  def.outputs = {{"y", dtypes::floats, "[batch, outputs, axes]; dtype of x"}};
  def.attributes = window_attributes();
  def.attributes.push_back({"groups", int64_t{1}, "channels and outputs in so many groups of their own"});
  // Two operations for each element and each weight it meets.
  def.work = [transposed](const WorkCall& call) {
    OpWork work = bytes_of_operands(call);
    double products = 1;
    for (const int64_t dim : call.dims[transposed ? size_t{kX} : call.dims.size() - 1])
      products *= static_cast<double>(dim);
    for (size_t d = 1; d < call.dims[kWeight].size(); ++d)
      products *= static_cast<double>(call.dims[kWeight][d]);
    work.operations = 2 * products;
    return work;
  };
  return def;
}

std::vector<OpDef> defs() {
  OpDef convolution = make(
      "convolution", "at each place of a window the sum of weight times what it covers, plus bias", false);
  convolution.inputs.push_back(
      {"weight", dtypes::floats, "[outputs, channels / groups, window]; dtype of x"});
  convolution.inputs.push_back({"bias", dtypes::floats, "[outputs]; dtype of x", true});
  convolution.order =
      "as a matmul: a chain of fma over channels and, within, places of the window in row-major order, "
      "padding "
      "as zeros; F16 computed in F32, BF16 in pairs, odd one first; bias added last in F32, rounded once";
  convolution.infer = infer_convolution;
  convolution.reference = [](const ReferenceCall& call) { return run(call, false); };
  convolution.samples = convolution_samples;
  convolution.onnx = "Conv";
  convolution.aclnn = "aclnnConvolution";

  OpDef transposed =
      make("transposed_convolution",
           "each element of x spreads weight over a window of y; what meets is added, plus bias", true);
  transposed.inputs.push_back({"weight", dtypes::floats, "[channels, outputs / groups, window]; dtype of x"});
  transposed.inputs.push_back({"bias", dtypes::floats, "[outputs]; dtype of x", true});
  transposed.attributes.push_back(
      {"output_padding", Ints{}, "elements more at the end of each axis; empty: 0"});
  transposed.order =
      "a chain as convolution's over channels and, within, the places of the window that reach the output "
      "from the "
      "grid of x, in row-major order; beyond the ends of x they meet zeros";
  transposed.infer = infer_transposed;
  transposed.reference = [](const ReferenceCall& call) { return run(call, true); };
  transposed.samples = transposed_samples;
  transposed.onnx = "ConvTranspose";
  return {convolution, transposed};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(convolution, isthmus::defs)
