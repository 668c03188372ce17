// SPDX-License-Identifier: Apache-2.0
// linear_quantized_gated: the first half of a gated MLP, from int8 activations to those of its last product.
#include <algorithm>
#include <array>
#include <vector>

#include "ops/op_def.h"
#include "ops/registry.h"

namespace isthmus {
namespace {

constexpr std::array<const char*, 5> kActivations = {"swiglu", "geglu", "geglu_tanh", "reglu", "glu"};

Status infer(const InferCall& call) {
  const std::string& activation = call.attributes.s("activation");
  if (std::find(kActivations.begin(), kActivations.end(), activation) == kActivations.end())
    return invalid_argument("activation is one of {}, not '{}'", fmt::join(kActivations, ", "), activation);
  std::vector<TensorType> pair(2), y(1);
  RETURN_IF_ERROR(find_op("linear_quantized_pair")->infer(InferCall{call.inputs, call.attributes, pair}));
  RETURN_IF_ERROR(find_op(activation)->infer(InferCall{pair, call.attributes, y}));
  return find_op("quantize_rows")->infer(InferCall{y, call.attributes, call.outputs});
}

Result<std::vector<EmitValue>> decompose(Emitter& emitter, std::span<const EmitValue> inputs,
                                         const Attributes& attributes) {
  ASSIGN_OR_RETURN(const auto pair, emitter.emit("linear_quantized_pair", {inputs.begin(), inputs.end()}));
  ASSIGN_OR_RETURN(const auto y, emitter.emit(attributes.s("activation"), pair));
  return emitter.emit("quantize_rows", y);
}

// A tensor of F32 in memory of its own, of the shape of x but for the last dimension.
struct Scratch {
  Scratch(const Tensor& x, int64_t last) : tensor(x) {
    tensor.dtype = Dtype::kF32;
    tensor.dims[tensor.rank - 1] = last;
    contiguous_strides(tensor.dims, tensor.rank, tensor.strides);
    memory.resize(static_cast<size_t>(tensor.elements()));
    tensor.data = memory.data();
  }
  std::vector<float> memory;
  Tensor tensor;
};

Status reference(const ReferenceCall& call) {
  const int64_t n = call.inputs[3].dims[0];
  const Scratch gate(call.inputs[0], n), up(call.inputs[0], n), y(call.inputs[0], n);
  const Tensor pair[] = {gate.tensor, up.tensor};
  RETURN_IF_ERROR(
      find_op("linear_quantized_pair")->reference(ReferenceCall{call.inputs, pair, call.attributes}));
  RETURN_IF_ERROR(find_op(call.attributes.s("activation"))
                      ->reference(ReferenceCall{pair, {&y.tensor, 1}, call.attributes}));
  return find_op("quantize_rows")->reference(ReferenceCall{{&y.tensor, 1}, call.outputs, call.attributes});
}

// Samples of the single product whose columns are whole blocks, with a second weight beside.
std::vector<Sample> samples() {
  std::vector<Sample> all;
  for (Sample sample : find_op("linear_quantized")->samples()) {
    SampleOperand weight = sample.inputs[3], bias = sample.inputs[4];
    if (!sample.inputs[0].order.empty()) continue;  // graphs make none
    weight.dims[0] = (weight.dims[0] + 31) / 32 * 32;
    if (bias.dtype != Dtype::kInvalid) bias.dims[0] = weight.dims[0];
    sample.inputs = {sample.inputs[0], sample.inputs[1], sample.inputs[2], weight, bias, weight, bias};
    const size_t number = all.size();
    if (number % 7 == 3)
      sample.inputs[5].dtype = dtype_info(weight.dtype).block_elements == 32 ? Dtype::kQ8_0 : Dtype::kQ6_K;
    sample.attributes = {{"activation", std::string(kActivations[number % kActivations.size()])}};
    all.push_back(std::move(sample));
  }
  return all;
}

std::vector<OpDef> defs() {
  OpDef op;
  op.name = "linear_quantized_gated";
  op.family = "products";
  op.meaning =
      "quantize_rows(activation(x gate^T) * (x up^T)): linear_quantized_pair, a gated activation, "
      "quantize_rows.";
  op.inputs = {{"q", {Dtype::kI8}, "[..., k] of quantize_rows"},
               {"scale", dtypes::f32, "[..., k / 16] of quantize_rows"},
               {"sum", {Dtype::kI32}, "[..., k / 16] of quantize_rows"},
               {"gate", dtypes::blocks, "[n, k], n a multiple of 32"},
               {"gate_bias", dtypes::f32, "[n]", /*optional=*/true},
               {"up", dtypes::blocks, "[n, k]"},
               {"up_bias", dtypes::f32, "[n]", /*optional=*/true}};
  op.outputs = {{"q", {Dtype::kI8}, "[..., n] as of quantize_rows"},
                {"scale", dtypes::f32, "[..., n / 16]"},
                {"sum", {Dtype::kI32}, "[..., n / 16]"}};
  op.attributes = {
      {"activation", std::string("swiglu"), "the gated activation: swiglu, geglu, geglu_tanh, reglu or glu"}};
  op.order = "each step as the operator of its name";
  op.infer = infer;
  op.reference = reference;
  op.decompose = decompose;
  op.samples = samples;
  op.work = [](const WorkCall& call) {
    OpWork work = work_of_products(call, {7});
    work.operations *= 2;  // two products of that size
    return work;
  };
  return {op};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(linear_quantized_gated, isthmus::defs)
