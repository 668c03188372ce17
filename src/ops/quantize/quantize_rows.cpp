// SPDX-License-Identifier: Apache-2.0
// quantize_rows: activations to int8 in blocks of 16, so that integer products have one meaning.
#include "ops/quantize/quantize_rows.h"

#include <cmath>
#include <limits>

#include "ops/matmul/rows.h"
#include "ops/op_def.h"

namespace isthmus {

QuantizedBlock quantize_block(const float* x, int64_t stride) {
  QuantizedBlock block = {};
  float amax = 0;
  bool finite = true;
  for (int i = 0; i < kQuantizedBlock; ++i) {
    const float magnitude = std::fabs(x[i * stride]);
    finite = finite && std::isfinite(magnitude);
    if (magnitude > amax) amax = magnitude;
  }
  if (!finite) {
    block.scale = std::numeric_limits<float>::quiet_NaN();
    return block;
  }
  const float inverse = 127.0f / amax;
  if (!std::isfinite(inverse)) return block;
  block.scale = amax / 127.0f;
  for (int i = 0; i < kQuantizedBlock; ++i) {
    block.q[i] = static_cast<int8_t>(std::nearbyint(x[i * stride] * inverse));
    block.sum += block.q[i];
  }
  return block;
}

namespace {

Status infer(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  if (x.rank() < 1) return invalid_argument("x needs at least one dimension");
  const Dim k = x.shape.back();
  if (!k.fixed() || k.offset % 32 != 0)
    return invalid_argument("the last dimension of x must be a multiple of 32, not {}", k.to_string());
  Shape blocks = x.shape;
  blocks.back() = k.offset / kQuantizedBlock;
  call.outputs[0] = {Dtype::kI8, x.shape};
  call.outputs[1] = {Dtype::kF32, blocks};
  call.outputs[2] = {Dtype::kI32, blocks};
  return ok();
}

Status reference(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &q = call.outputs[0], &scale = call.outputs[1], &sum = call.outputs[2];
  const int64_t blocks = x.dims[x.rank - 1] / kQuantizedBlock;
  for (int64_t row = 0; row < row_count(x); ++row) {
    for (int64_t b = 0; b < blocks; ++b) {
      const int64_t first = b * kQuantizedBlock;
      const QuantizedBlock block =
          quantize_block(x.as<float>() + row_offset(x, row) + first * last_stride(x), last_stride(x));
      for (int i = 0; i < kQuantizedBlock; ++i)
        q.as<int8_t>()[row_offset(q, row) + (first + i) * last_stride(q)] = block.q[i];
      scale.as<float>()[row_offset(scale, row) + b * last_stride(scale)] = block.scale;
      sum.as<int32_t>()[row_offset(sum, row) + b * last_stride(sum)] = block.sum;
    }
  }
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> all;
  auto add = [&](std::vector<int64_t> dims, Fill fill, std::vector<int64_t> order = {}) {
    all.push_back({{{Dtype::kF32, std::move(dims), fill, 0, std::move(order), {}}}, {}});
  };
  add({1, 32}, Fill::kNormal);
  add({3, 576}, Fill::kNormal);
  add({2, 5, 96}, Fill::kNormal);
  add({7, 64}, Fill::kNormal, {1, 0});
  add({9, 320}, Fill::kAwkward);
  add({2, 64}, Fill::kZero);
  add({32}, Fill::kNormal);
  add({0, 64}, Fill::kNormal);
  add({3, 0}, Fill::kNormal);
  // Ties, and blocks whose largest value is subnormal, almost too small for an inverse, or the largest
  // number.
  Sample exact{{{Dtype::kF32, {5, 32}, Fill::kNormal, 0, {}, {}}}, {}};
  const double tops[5] = {127.0, 0x1p-149, 0x1p-127, 0x1p-121, 0x1.fffffep127};
  for (double top : tops)
    for (int i = 0; i < 32; ++i)
      exact.inputs[0].values.push_back(i % 16 == 7 ? top : top / 127.0 * (i % 16 * 3 - 20.5));
  all.push_back(exact);
  return all;
}

std::vector<OpDef> defs() {
  OpDef op;
  op.name = "quantize_rows";
  op.family = "products";
  op.meaning = "Each 16 consecutive values of a row as int8 times a scale, with the sum of the int8.";
  op.inputs = {{"x", dtypes::f32, "[..., k], k a multiple of 32"}};
  op.outputs = {
      {"q", {Dtype::kI8}, "[..., k], in -127..127"},
      {"scale", dtypes::f32, "[..., k / 16]: largest magnitude / 127; NaN for a block that is not finite"},
      {"sum", {Dtype::kI32}, "[..., k / 16]"}};
  op.order = "x times (127 / largest magnitude), rounded to even; sums exact";
  op.infer = infer;
  op.reference = reference;
  op.samples = samples;
  return {op};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(quantize_rows, isthmus::defs)
