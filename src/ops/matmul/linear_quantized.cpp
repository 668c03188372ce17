// SPDX-License-Identifier: Apache-2.0
// linear_quantized: quantised activations times the transpose of a quantised weight.
#include <vector>

#include "ops/matmul/linear.h"
#include "ops/matmul/product_reference.h"
#include "ops/matmul/rows.h"

namespace isthmus {
namespace {

Status infer(const InferCall& call) {
  const TensorType &q = call.inputs[0], &scale = call.inputs[1], &sum = call.inputs[2];
  RETURN_IF_ERROR(infer_linear(q, call.inputs[3], call.inputs[4], &call.outputs[0]));
  Shape blocks = q.shape;
  blocks.back() = q.shape.back().offset / kQuantizedBlock;
  for (const TensorType* t : {&scale, &sum})
    if (t->shape != blocks)
      return invalid_argument("scale and sum of q {} must be {}, not {}", shape_to_string(q.shape),
                              shape_to_string(blocks), shape_to_string(t->shape));
  return ok();
}

Status reference(const ReferenceCall& call) {
  const Tensor &q = call.inputs[0], &scale = call.inputs[1], &sum = call.inputs[2], &weight = call.inputs[3];
  const Tensor &bias = call.inputs[4], &y = call.outputs[0];
  const int64_t blocks = weight.dims[1] / 32;
  for (int64_t row = 0; row < row_count(q); ++row) {
    for (int64_t n = 0; n < weight.dims[0]; ++n) {
      float acc = 0;
      for (int64_t b = 0; b < blocks; ++b) {
        QuantizedBlock x[2];
        for (int h = 0; h < 2; ++h) {
          const int64_t at = 2 * b + h;
          for (int i = 0; i < kQuantizedBlock; ++i)
            x[h].q[i] = q.as<int8_t>()[row_offset(q, row) + (kQuantizedBlock * at + i) * last_stride(q)];
          x[h].scale = scale.as<float>()[row_offset(scale, row) + at * last_stride(scale)];
          x[h].sum = sum.as<int32_t>()[row_offset(sum, row) + at * last_stride(sum)];
        }
        acc = accumulate_block(weight.dtype, weight_row(weight, n), b, x, acc);
      }
      if (bias.present()) acc += bias.as<float>()[n * bias.strides[0]];
      y.as<float>()[row_offset(y, row) + n * last_stride(y)] = acc;
    }
  }
  return ok();
}

// The sum of q that quantize_rows gives: kernels rely on it, so samples keep to it.
std::vector<double> block_sums(const std::vector<double>& q) {
  std::vector<double> sums(q.size() / kQuantizedBlock);
  for (size_t i = 0; i < q.size(); ++i) sums[i / kQuantizedBlock] += q[i];
  return sums;
}

std::vector<Sample> samples() {
  std::vector<Sample> all;
  for (Dtype format : dtypes::blocks) {
    const int64_t unit = dtype_info(format).block_elements;
    auto add = [&](std::vector<int64_t> rows, int64_t k, int64_t n, bool bias,
                   std::vector<int64_t> order = {}) {
      std::vector<int64_t> q_dims = rows, blocks = rows;
      q_dims.push_back(k);
      blocks.push_back(k / kQuantizedBlock);
      int64_t count = k;
      for (int64_t d : rows) count *= d;
      std::vector<double> q(count);
      for (int64_t i = 0; i < count; ++i) q[i] = static_cast<double>((i * i % 1009 * 31 + i) % 255 - 127);
      Sample sample;
      sample.inputs = {{Dtype::kI8, q_dims, Fill::kNormal, 0, order, q},
                       {Dtype::kF32, blocks, Fill::kPositive, 0, order, {}},
                       {Dtype::kI32, blocks, Fill::kNormal, 0, order, block_sums(q)},
                       {format, {n, k}, Fill::kWeight, 0, {}, {}}};
      sample.inputs.push_back(bias ? SampleOperand{Dtype::kF32, {n}, Fill::kNormal, 0, {}, {}}
                                   : SampleOperand{Dtype::kInvalid, {}, Fill::kNormal, 0, {}, {}});
      all.push_back(std::move(sample));
    };
    add({1}, unit, 1, false);
    add({5}, 3 * unit, 33, true);
    add({2, 7}, unit, 70, false);
    add({13}, 2 * unit, 64, true);
    add({3}, unit, 40, false, {1, 0});
    add({0}, unit, 16, false);
    add({2}, 0, 8, true);
    add({2}, unit, 0, false);
  }
  return all;
}

std::vector<OpDef> defs() {
  OpDef op;
  op.name = "linear_quantized";
  op.family = "products";
  op.meaning = "Quantised activations times the transpose of a quantised weight, plus a bias.";
  op.inputs = {
      {"q", {Dtype::kI8}, "[..., k] of quantize_rows, in -127..127"},
      {"scale", dtypes::f32, "[..., k / 16] of quantize_rows"},
      {"sum", {Dtype::kI32}, "[..., k / 16] of quantize_rows: that of q, or the result is unspecified"},
      {"weight", dtypes::blocks, "[n, k]"},
      {"bias", dtypes::f32, "[n]", /*optional=*/true}};
  op.outputs = {{"y", dtypes::f32, "[..., n]"}};
  op.order = "a chain over blocks of 32, integers exact within 16; see the numerics note";
  op.infer = infer;
  op.reference = reference;
  op.samples = samples;
  op.work = [](const WorkCall& call) { return work_of_products(call, {5}); };
  return {op};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(linear_quantized, isthmus::defs)
