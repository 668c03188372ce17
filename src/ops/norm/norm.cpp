// SPDX-License-Identifier: Apache-2.0
// Normalisation of rows: rms_norm and layer_norm.
#include <cmath>

#include "ops/op_def.h"
#include "ops/row_reference.h"

namespace isthmus {
namespace {

using namespace reference;

Status infer_norm(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  if (x.rank() < 1) return invalid_argument("x must have at least one dimension");
  for (size_t i = 1; i < call.inputs.size(); ++i) {
    const TensorType& weight = call.inputs[i];
    if (weight.present() && (weight.rank() != 1 || weight.shape[0] != x.shape.back()))
      return invalid_argument("{} must have the shape [{}] of x's last dimension, not {}",
                              i == 1 ? "weight" : "bias", x.shape.back().to_string(),
                              shape_to_string(weight.shape));
  }
  call.outputs[0] = x;
  return ok();
}

Status rms_norm_reference(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &weight = call.inputs[1], &y = call.outputs[0];
  const float eps = static_cast<float>(call.attributes.f("eps"));
  const int axis = x.rank - 1;
  const int64_t n = x.dims[axis], step = x.strides[axis];
  for_each_row(x, y, axis, [&](int64_t from, int64_t to) {
    LaneSum<float> squares;
    for (int64_t i = 0; i < n; ++i) squares.add_square(load_f32(x, from + i * step));
    const float factor = 1.0f / std::sqrt(squares.sum() / static_cast<float>(n) + eps);
    for (int64_t i = 0; i < n; ++i) {
      float value = load_f32(x, from + i * step) * factor;
      if (weight.present()) value = value * load_f32(weight, i * weight.strides[0]);
      store_f32(y, to + i * y.strides[axis], value);
    }
  });
  return ok();
}

Status layer_norm_reference(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &weight = call.inputs[1], &bias = call.inputs[2], &y = call.outputs[0];
  const float eps = static_cast<float>(call.attributes.f("eps"));
  const int axis = x.rank - 1;
  const int64_t n = x.dims[axis], step = x.strides[axis];
  for_each_row(x, y, axis, [&](int64_t from, int64_t to) {
    LaneSum<float> sum, squares;
    for (int64_t i = 0; i < n; ++i) sum.add(load_f32(x, from + i * step));
    const float mean = sum.sum() / static_cast<float>(n);
    for (int64_t i = 0; i < n; ++i) squares.add_square(load_f32(x, from + i * step) - mean);
    const float factor = 1.0f / std::sqrt(squares.sum() / static_cast<float>(n) + eps);
    for (int64_t i = 0; i < n; ++i) {
      float value = (load_f32(x, from + i * step) - mean) * factor;
      if (weight.present()) value = value * load_f32(weight, i * weight.strides[0]);
      if (bias.present()) value = value + load_f32(bias, i * bias.strides[0]);
      store_f32(y, to + i * y.strides[axis], value);
    }
  });
  return ok();
}

std::vector<Sample> norm_samples(bool with_bias) {
  std::vector<Sample> samples;
  const auto add = [&](SampleOperand x, bool weight, bool bias, Dtype weight_dtype, double eps) {
    const int64_t n = x.dims.back();
    Sample sample{{x}, {{"eps", eps}}};
    sample.inputs.push_back({weight ? weight_dtype : Dtype::kInvalid, {}});
    if (weight) sample.inputs.back().dims = {n};
    if (with_bias) {
      sample.inputs.push_back({bias ? weight_dtype : Dtype::kInvalid, {}});
      if (bias) sample.inputs.back().dims = {n};
    }
    samples.push_back(sample);
  };
  for (int64_t n : {1, 5, 16, 33, 64, 576, 1000}) add({Dtype::kF32, {9, n}}, true, true, Dtype::kF32, 1e-5);
  add({Dtype::kF32, {17}}, false, true, Dtype::kF32, 1e-6);
  add({Dtype::kF32, {2, 3, 40}}, true, false, Dtype::kF32, 1e-6);
  add({Dtype::kF16, {4, 50}}, true, true, Dtype::kF16, 1e-5);
  add({Dtype::kBF16, {4, 50}}, true, true, Dtype::kF32, 1e-5);
  add({Dtype::kF32, {5, 48}, Fill::kAwkward}, true, true, Dtype::kF32, 1e-5);
  add({Dtype::kF32, {5, 48}, Fill::kZero}, true, true, Dtype::kF32, 0.0);
  add({Dtype::kF32, {6, 35}, Fill::kNormal, 0, {1, 0}}, true, true, Dtype::kF32, 1e-5);
  add({Dtype::kF32, {3, 4, 20}, Fill::kNormal, 0, {1, 0, 2}}, true, true, Dtype::kF32, 1e-5);
  add({Dtype::kBF16, {3, 4, 20}, Fill::kNormal, 0, {2, 0, 1}}, true, true, Dtype::kF32, 1e-5);
  add({Dtype::kF32, {0, 24}}, true, true, Dtype::kF32, 1e-5);
  add({Dtype::kF32, {3, 0}}, true, true, Dtype::kF32, 1e-5);
  return samples;
}

std::vector<OpDef> defs() {
  OpDef rms;
  rms.name = "rms_norm";
  rms.family = "Norms";
  rms.meaning = "x / sqrt(mean(x^2) + eps) over the last dimension, times weight";
  rms.inputs = {{"x", dtypes::floats, "[..., d]"}, {"weight", dtypes::floats, "[d]; absent: ones", true}};
  rms.outputs = {{"y", dtypes::floats, "like x"}};
  rms.attributes = {{"eps", 1e-6, "added to the mean, as F32"}};
  rms.order =
      "squares in lane order by fma; f = 1 / sqrt(sum / d + eps); y = (x * f) * weight, rounded once on "
      "store";
  rms.infer = infer_norm;
  rms.reference = rms_norm_reference;
  rms.samples = [] { return norm_samples(false); };
  rms.onnx = "RMSNormalization";
  rms.aclnn = "aclnnRmsNorm";

  OpDef layer;
  layer.name = "layer_norm";
  layer.family = "Norms";
  layer.meaning = "(x - mean) / sqrt(variance + eps) over the last dimension, times weight plus bias";
  layer.inputs = {{"x", dtypes::floats, "[..., d]"},
                  {"weight", dtypes::floats, "[d]; absent: ones", true},
                  {"bias", dtypes::floats, "[d]; absent: zeros", true}};
  layer.outputs = {{"y", dtypes::floats, "like x"}};
  layer.attributes = {{"eps", 1e-5, "added to the variance, as F32"}};
  layer.order =
      "mean = lane-order sum / d; squares of x - mean in lane order by fma; f = 1 / sqrt(sum / d + eps); "
      "y = ((x - mean) * f) * weight + bias, each step rounded";
  layer.infer = infer_norm;
  layer.reference = layer_norm_reference;
  layer.samples = [] { return norm_samples(true); };
  layer.onnx = "LayerNormalization";
  layer.aclnn = "aclnnLayerNorm";
  return {rms, layer};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(norm, isthmus::defs)
