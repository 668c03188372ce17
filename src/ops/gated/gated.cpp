// SPDX-License-Identifier: Apache-2.0
// Gated activations: an activation of one operand times the other.
#include "base/elementary-inl.h"
#include "ops/op_def.h"
#include "ops/reference.h"

namespace isthmus {
namespace {

using namespace reference;

float relu(float x) { return x > 0 ? x : x == x ? 0.0f : x; }

Status infer_gated(const InferCall& call) {
  if (call.inputs[0] != call.inputs[1])
    return invalid_argument("gate and up must be alike, not {} {} and {} {}",
                            dtype_name(call.inputs[0].dtype), shape_to_string(call.inputs[0].shape),
                            dtype_name(call.inputs[1].dtype), shape_to_string(call.inputs[1].shape));
  call.outputs[0] = call.inputs[0];
  return ok();
}

template <typename F>
Status gated_reference(const ReferenceCall& call, F activation) {
  const Tensor &gate = call.inputs[0], &up = call.inputs[1], &y = call.outputs[0];
  const int64_t count = y.elements();
  for (int64_t i = 0; i < count; ++i) {
    int64_t index[kMaxRank], rest = i;
    for (int d = y.rank - 1; d >= 0; --d) {
      index[d] = rest % y.dims[d];
      rest /= y.dims[d];
    }
    store_f32(y, y.offset(index),
              activation(load_f32(gate, gate.offset(index))) * load_f32(up, up.offset(index)));
  }
  return ok();
}

std::vector<Sample> gated_samples() {
  std::vector<Sample> samples;
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBF16}) {
    for (const Fill fill : {Fill::kNormal, Fill::kAwkward})
      for (const std::vector<int64_t>& dims :
           std::vector<std::vector<int64_t>>{{3, 37}, {2, 3, 64}, {1}, {0, 5}})
        samples.push_back({{{dtype, dims, fill}, {dtype, dims, fill}}, {}});
    samples.push_back({{{dtype, {5, 21}, Fill::kNormal, 0, {1, 0}}, {dtype, {5, 21}}}, {}});
    samples.push_back({{{dtype, {4, 5, 32}, Fill::kNormal, 0, {1, 0, 2}}, {dtype, {4, 5, 32}}}, {}});
  }
  return samples;
}

// The activation and a product, in F32.
Result<std::vector<EmitValue>> decompose_gated(Emitter& emitter, std::span<const EmitValue> inputs,
                                               const char* activation) {
  const Dtype dtype = emitter.type(inputs[0]).dtype;
  const auto cast = [&](EmitValue value, Dtype to) -> Result<EmitValue> {
    if (dtype == Dtype::kF32) return value;
    ASSIGN_OR_RETURN(const auto result, emitter.emit("cast", {value}, {{"to", std::string(dtype_name(to))}}));
    return result[0];
  };
  ASSIGN_OR_RETURN(const EmitValue gate, cast(inputs[0], Dtype::kF32));
  ASSIGN_OR_RETURN(const EmitValue up, cast(inputs[1], Dtype::kF32));
  ASSIGN_OR_RETURN(const auto activated, emitter.emit(activation, {gate}));
  ASSIGN_OR_RETURN(const auto product, emitter.emit("mul", {activated[0], up}));
  ASSIGN_OR_RETURN(const EmitValue y, cast(product[0], dtype));
  return std::vector<EmitValue>{y};
}

template <typename F>
OpDef gated(const char* name, const char* meaning, const char* operator_name, F activation) {
  OpDef def;
  def.name = name;
  def.family = "Gated activations";
  def.meaning = meaning;
  def.inputs = {{"gate", dtypes::floats, "[...]"}, {"up", dtypes::floats, "like gate"}};
  def.outputs = {{"y", dtypes::floats, "like gate"}};
  def.order = "the activation as the operator of its name in F32, then one product, rounded once on store";
  def.infer = infer_gated;
  def.reference = [activation](const ReferenceCall& call) { return gated_reference(call, activation); };
  def.samples = gated_samples;
  def.decompose = [operator_name](Emitter& emitter, std::span<const EmitValue> inputs, const Attributes&) {
    return decompose_gated(emitter, inputs, operator_name);
  };
  return def;
}

std::vector<OpDef> defs() {
  return {
      gated("swiglu", "silu(gate) * up", "silu", [](float x) { return elementary::silu(x); }),
      gated("geglu", "gelu(gate) * up, gelu by erf", "gelu", [](float x) { return elementary::gelu_erf(x); }),
      gated("geglu_tanh", "gelu(gate) * up, gelu by tanh", "gelu_tanh",
            [](float x) { return elementary::gelu_tanh(x); }),
      gated("reglu", "relu(gate) * up", "relu", [](float x) { return relu(x); }),
      gated("glu", "sigmoid(gate) * up", "sigmoid", [](float x) { return elementary::sigmoid(x); }),
  };
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(gated, isthmus::defs)
