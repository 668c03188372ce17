// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding.
#include <cmath>

#include "base/elementary-inl.h"
#include "ops/op_def.h"
#include "ops/reference.h"
#include "ops/rope/style.h"

namespace isthmus {
namespace {

using namespace reference;

Status infer_rope(const InferCall& call) {
  const TensorType &x = call.inputs[0], &positions = call.inputs[1], &inv_freq = call.inputs[2];
  if (x.rank() != 3)
    return invalid_argument("x must be [tokens, heads, d], not {}", shape_to_string(x.shape));
  if (positions.rank() != 1 || positions.shape[0] != x.shape[0])
    return invalid_argument("positions must be [{}], one per token, not {}", x.shape[0].to_string(),
                            shape_to_string(positions.shape));
  if (inv_freq.rank() != 1 || !inv_freq.shape[0].fixed() || !x.shape[2].fixed())
    return invalid_argument("inv_freq must be one fixed dimension and d fixed, not {} and {}",
                            shape_to_string(inv_freq.shape), x.shape[2].to_string());
  if (2 * inv_freq.shape[0].offset > x.shape[2].offset)
    return invalid_argument("inv_freq has {} frequencies, but heads of {} numbers take at most {}",
                            inv_freq.shape[0].offset, x.shape[2].offset, x.shape[2].offset / 2);
  RETURN_IF_ERROR(is_neox(call.attributes).status());
  call.outputs[0] = x;
  return ok();
}

Status rope_reference(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &positions = call.inputs[1], &inv_freq = call.inputs[2],
               &y = call.outputs[0];
  const float scale = static_cast<float>(call.attributes.f("scale"));
  ASSIGN_OR_RETURN(const bool neox, is_neox(call.attributes));
  const int64_t pairs = inv_freq.dims[0];
  for (int64_t t = 0; t < x.dims[0]; ++t) {
    const float position = static_cast<float>(positions.as<int32_t>()[t * positions.strides[0]]);
    for (int64_t h = 0; h < x.dims[1]; ++h) {
      const int64_t from = t * x.strides[0] + h * x.strides[1], to = t * y.strides[0] + h * y.strides[1];
      for (int64_t i = 0; i < pairs; ++i) {
        const float angle = position * inv_freq.as<float>()[i * inv_freq.strides[0]];
        const float c = elementary::cos(angle) * scale, s = elementary::sin(angle) * scale;
        const int64_t first = neox ? i : 2 * i, second = neox ? i + pairs : 2 * i + 1;
        const float a = load_f32(x, from + first * x.strides[2]),
                    b = load_f32(x, from + second * x.strides[2]);
        store_f32(y, to + first * y.strides[2], std::fma(a, c, -(b * s)));
        store_f32(y, to + second * y.strides[2], std::fma(b, c, a * s));
      }
      for (int64_t d = 2 * pairs; d < x.dims[2]; ++d)
        store_f32(y, to + d * y.strides[2], load_f32(x, from + d * x.strides[2]));
    }
  }
  return ok();
}

std::vector<Sample> rope_samples() {
  std::vector<Sample> samples;
  const auto add = [&](SampleOperand x, int64_t pairs, const char* style, double scale, int64_t limit) {
    const int64_t tokens = x.dims[0];
    samples.push_back(
        {{x, {Dtype::kI32, {tokens}, Fill::kIndex, limit}, {Dtype::kF32, {pairs}, Fill::kPositive}},
         {{"style", std::string(style)}, {"scale", scale}}});
  };
  for (const char* style : {"neox", "interleaved"}) {
    add({Dtype::kF32, {5, 3, 64}}, 32, style, 1.0, 4096);
    add({Dtype::kF32, {2, 2, 128}}, 64, style, 1.25, int64_t{1} << 20);
    add({Dtype::kF32, {3, 2, 80}}, 16, style, 1.0, 100000);
    add({Dtype::kF32, {3, 2, 13}}, 5, style, 1.0, 100);
    add({Dtype::kF32, {4, 2, 6}}, 0, style, 1.0, 100);
    add({Dtype::kF32, {2, 3, 40}, Fill::kAwkward}, 20, style, 1.0, 100);
    add({Dtype::kF16, {3, 2, 32}}, 16, style, 1.0, 100);
    add({Dtype::kBF16, {3, 2, 32}}, 16, style, 1.0, 100);
    add({Dtype::kF32, {3, 5, 64}, Fill::kNormal, 0, {1, 0, 2}}, 32, style, 1.0, 1000);
    add({Dtype::kF32, {3, 5, 20}, Fill::kNormal, 0, {2, 1, 0}}, 8, style, 1.0, 1000);
    add({Dtype::kF32, {0, 5, 20}}, 8, style, 1.0, 1000);
    add({Dtype::kF32, {2, 1, 8}}, 4, style, 1.0, int64_t{1} << 31);
  }
  return samples;
}

std::vector<OpDef> defs() {
  OpDef rope;
  rope.name = "rope";
  rope.family = "Attention";
  rope.meaning =
      "rotates pairs of each head's numbers by position * inv_freq; what lies beyond the pairs passes";
  rope.inputs = {
      {"x", dtypes::floats, "[tokens, heads, d]"},
      {"positions", {Dtype::kI32}, "[tokens]"},
      {"inv_freq", dtypes::f32, "[pairs], 2 * pairs <= d; frequency scaling (Llama 3, YaRN) is done in it"}};
  rope.outputs = {{"y", dtypes::floats, "like x"}};
  rope.attributes = {
      {"style", std::string("neox"), "'neox': number i pairs with i + pairs; 'interleaved': 2i with 2i + 1"},
      {"scale", 1.0, "factor of cosine and sine, as F32"}};
  rope.order =
      "angle = F32(position) * inv_freq; c = cos(angle) * scale, s = sin(angle) * scale; "
      "(a, b) becomes fma(a, c, -(b * s)), fma(b, c, a * s)";
  rope.infer = infer_rope;
  rope.reference = rope_reference;
  rope.samples = rope_samples;
  rope.aclnn = "aclnnApplyRotaryPosEmb";
  return {rope};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(rope, isthmus::defs)
