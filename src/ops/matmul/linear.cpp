// SPDX-License-Identifier: Apache-2.0
// linear: activations times the transpose of a weight of any format.
#include "ops/matmul/linear.h"

#include <cmath>
#include <vector>

#include "base/bf16_product.h"
#include "ops/matmul/product_reference.h"
#include "ops/matmul/rows.h"

namespace isthmus {

Status infer_linear(const TensorType& x, const TensorType& weight, const TensorType& bias, TensorType* y) {
  if (x.rank() < 1) return invalid_argument("x needs at least one dimension");
  if (weight.rank() != 2)
    return invalid_argument("weight must be [n, k], not {}", shape_to_string(weight.shape));
  const Dim n = weight.shape[0], k = weight.shape[1];
  if (x.shape.back() != k)
    return invalid_argument("x {} and weight {} differ in k", shape_to_string(x.shape),
                            shape_to_string(weight.shape));
  const int unit = dtype_info(weight.dtype).block_elements;
  if (unit > 1 && (!k.fixed() || k.offset % unit != 0))
    return invalid_argument("k of a {} weight must be a multiple of {}, not {}", dtype_name(weight.dtype),
                            unit, k.to_string());
  if (bias.present() && (bias.rank() != 1 || bias.shape[0] != n))
    return invalid_argument("bias must be [{}], not {}", n.to_string(), shape_to_string(bias.shape));
  *y = {Dtype::kF32, x.shape};
  y->shape.back() = n;
  return ok();
}

namespace {

Status infer(const InferCall& call) {
  return infer_linear(call.inputs[0], call.inputs[1], call.inputs[2], &call.outputs[0]);
}

float chain(const float* x, int64_t x_stride, const Tensor& weight, int64_t n) {
  float acc = 0;
  for (int64_t k = 0; k < weight.dims[1]; ++k) {
    const float w = load_float(weight.dtype, weight.data, n * weight.strides[0] + k * weight.strides[1]);
    acc = std::fma(x[k * x_stride], w, acc);
  }
  return acc;
}

float pair_chain(const float* x, int64_t x_stride, const Tensor& weight, int64_t n) {
  const int64_t size = weight.dims[1];
  auto step = [&](int64_t k, float acc) {
    const float w = load_float(weight.dtype, weight.data, n * weight.strides[0] + k * weight.strides[1]);
    return bf16_product_step(rounded_to_bf16(x[k * x_stride]), w, acc);
  };
  float acc = 0;
  for (int64_t k = 0; k < size; k += 2) {
    acc = k + 1 < size ? step(k + 1, acc) : bf16_product_step(0, 0, acc);
    acc = step(k, acc);
  }
  return acc;
}

float block_chain(const float* x, int64_t x_stride, const Tensor& weight, int64_t n) {
  float acc = 0;
  for (int64_t b = 0; b < weight.dims[1] / 32; ++b) {
    const float* from = x + 32 * b * x_stride;
    const QuantizedBlock blocks[2] = {quantize_block(from, x_stride),
                                      quantize_block(from + kQuantizedBlock * x_stride, x_stride)};
    acc = accumulate_block(weight.dtype, weight_row(weight, n), b, blocks, acc);
  }
  return acc;
}

Status reference(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &weight = call.inputs[1], &bias = call.inputs[2], &y = call.outputs[0];
  const auto product = is_block(weight.dtype)         ? block_chain
                       : weight.dtype == Dtype::kBF16 ? pair_chain
                                                      : chain;
  for (int64_t row = 0; row < row_count(x); ++row) {
    for (int64_t n = 0; n < weight.dims[0]; ++n) {
      float value = product(x.as<float>() + row_offset(x, row), last_stride(x), weight, n);
      if (bias.present()) value += bias.as<float>()[n * bias.strides[0]];
      y.as<float>()[row_offset(y, row) + n * last_stride(y)] = value;
    }
  }
  return ok();
}

Result<std::vector<EmitValue>> decompose(Emitter& emitter, std::span<const EmitValue> inputs,
                                         const Attributes&) {
  if (!is_block(emitter.type(inputs[1]).dtype))
    return unimplemented("linear: a {} weight has no simpler form",
                         dtype_name(emitter.type(inputs[1]).dtype));
  ASSIGN_OR_RETURN(std::vector<EmitValue> x, emitter.emit("quantize_rows", {inputs[0]}));
  std::vector<EmitValue> operands = {x[0], x[1], x[2], inputs[1]};
  if (inputs.size() > 2 && inputs[2] >= 0) operands.push_back(inputs[2]);
  return emitter.emit("linear_quantized", std::move(operands));
}

std::vector<Sample> samples() {
  std::vector<Sample> all;
  auto add = [&](Dtype format, std::vector<int64_t> x, int64_t n, bool bias, Fill fill = Fill::kNormal,
                 std::vector<int64_t> x_order = {}, std::vector<int64_t> w_order = {}) {
    const int64_t k = x.back();
    Sample sample;
    sample.inputs = {{Dtype::kF32, std::move(x), fill, 0, std::move(x_order), {}},
                     {format, {n, k}, Fill::kWeight, 0, std::move(w_order), {}}};
    sample.inputs.push_back(bias ? SampleOperand{Dtype::kF32, {n}, Fill::kNormal, 0, {}, {}}
                                 : SampleOperand{Dtype::kInvalid, {}, Fill::kNormal, 0, {}, {}});
    all.push_back(std::move(sample));
  };
  for (Dtype format : dtypes::floats) {
    add(format, {1, 1}, 1, false);
    add(format, {1, 77}, 35, true);
    add(format, {2, 5, 64}, 48, false);
    add(format, {13, 33}, 67, true);
    add(format, {4, 50}, 31, false, Fill::kNormal, {1, 0}, {1, 0});
    add(format, {40}, 5, false);
    add(format, {0, 8}, 4, false);
    add(format, {3, 0}, 4, true);
    add(format, {3, 8}, 0, false);
    add(format, {6, 40}, 33, true, Fill::kAwkward);
  }
  for (Dtype format : dtypes::blocks) {
    const int64_t unit = dtype_info(format).block_elements;
    add(format, {1, unit}, 1, false);
    add(format, {3, 2, 2 * unit}, 34, true);
    add(format, {7, unit}, 16, false, Fill::kAwkward);
    add(format, {4, unit}, 40, false, Fill::kNormal, {1, 0});
  }
  return all;
}

std::vector<OpDef> defs() {
  std::vector<Dtype> formats = dtypes::floats;
  formats.insert(formats.end(), dtypes::blocks.begin(), dtypes::blocks.end());
  OpDef op;
  op.name = "linear";
  op.family = "products";
  op.meaning = "Activations times the transpose of a weight of any format, plus a bias.";
  op.inputs = {{"x", dtypes::f32, "[..., k]"},
               {"weight", formats, "[n, k]; k a multiple of the format's block"},
               {"bias", dtypes::f32, "[n]", /*optional=*/true}};
  op.outputs = {{"y", dtypes::f32, "[..., n]"}};
  op.order =
      "F32, F16: a chain of fma over k ascending; BF16: in pairs, odd k first; block formats: as "
      "quantize_rows and "
      "linear_quantized";
  op.infer = infer;
  op.reference = reference;
  op.decompose = decompose;
  op.samples = samples;
  op.work = [](const WorkCall& call) { return work_of_products(call, {3}); };
  return {op};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(linear, isthmus::defs)
