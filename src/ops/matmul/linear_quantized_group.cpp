// SPDX-License-Identifier: Apache-2.0
// linear_quantized_pair and linear_quantized_triple: products of the same activations with several weights
// (query, key and value; gate and up) as one operator, which a chip can run without a pause in between.
#include <array>
#include <vector>

#include "ops/op_def.h"
#include "ops/registry.h"

namespace isthmus {
namespace {

// What product `i` of a group is on its own.
template <typename T>
std::array<T, 5> operands_of(std::span<const T> inputs, size_t i) {
  return {inputs[0], inputs[1], inputs[2], inputs[3 + 2 * i], inputs[4 + 2 * i]};
}

Status infer(const InferCall& call) {
  const OpDef& one = *find_op("linear_quantized");
  for (size_t i = 0; i < call.outputs.size(); ++i) {
    const auto inputs = operands_of(call.inputs, i);
    std::vector<TensorType> output(1);
    RETURN_IF_ERROR(one.infer(InferCall{inputs, call.attributes, output}), "product {}", i);
    call.outputs[i] = std::move(output[0]);
  }
  return ok();
}

Status reference(const ReferenceCall& call) {
  const OpDef& one = *find_op("linear_quantized");
  for (size_t i = 0; i < call.outputs.size(); ++i) {
    const auto inputs = operands_of(call.inputs, i);
    RETURN_IF_ERROR(one.reference(ReferenceCall{inputs, call.outputs.subspan(i, 1), call.attributes}));
  }
  return ok();
}

Result<std::vector<EmitValue>> decompose(Emitter& emitter, std::span<const EmitValue> inputs, size_t count) {
  std::vector<EmitValue> outputs;
  for (size_t i = 0; i < count; ++i) {
    const auto operands = operands_of(inputs, i);
    ASSIGN_OR_RETURN(const auto y, emitter.emit("linear_quantized", {operands.begin(), operands.end()}));
    outputs.push_back(y[0]);
  }
  return outputs;
}

// Samples of the single product with more weights beside: of another format where the blocks allow, and of
// more columns.
std::vector<Sample> samples(size_t count) {
  std::vector<Sample> all;
  for (Sample sample : find_op("linear_quantized")->samples()) {
    const SampleOperand first = sample.inputs[3];
    const bool small = dtype_info(first.dtype).block_elements == 32;
    for (size_t i = 1; i < count; ++i) {
      const int64_t n = first.dims[0] + 31 * static_cast<int64_t>(i);
      const Dtype other = small ? Dtype::kQ8_0 : Dtype::kQ6_K;
      sample.inputs.push_back({i == 1 ? other : first.dtype, {n, first.dims[1]}, Fill::kWeight, 0, {}, {}});
      sample.inputs.push_back(i == 1 ? SampleOperand{Dtype::kF32, {n}, Fill::kNormal, 0, {}, {}}
                                     : SampleOperand{Dtype::kInvalid, {}, Fill::kNormal, 0, {}, {}});
    }
    all.push_back(std::move(sample));
  }
  return all;
}

OpDef group(const char* name, const char* meaning, size_t count) {
  static constexpr const char* kNames[3][3] = {
      {"weight_a", "bias_a", "y_a"}, {"weight_b", "bias_b", "y_b"}, {"weight_c", "bias_c", "y_c"}};
  OpDef op;
  op.name = name;
  op.family = "products";
  op.meaning = meaning;
  op.inputs = {{"q", {Dtype::kI8}, "[..., k] of quantize_rows"},
               {"scale", dtypes::f32, "[..., k / 16] of quantize_rows"},
               {"sum", {Dtype::kI32}, "[..., k / 16] of quantize_rows"}};
  for (size_t i = 0; i < count; ++i) {
    op.inputs.push_back({kNames[i][0], dtypes::blocks, "[n, k], each with its own n"});
    op.inputs.push_back({kNames[i][1], dtypes::f32, "[n]", /*optional=*/true});
    op.outputs.push_back({kNames[i][2], dtypes::f32, "[..., n]"});
  }
  op.order = "each as linear_quantized";
  op.infer = infer;
  op.reference = reference;
  op.decompose = [count](Emitter& emitter, std::span<const EmitValue> inputs, const Attributes&) {
    return decompose(emitter, inputs, count);
  };
  op.samples = [count] { return samples(count); };
  op.work = [count](const WorkCall& call) {
    return count == 2 ? work_of_products(call, {7, 8}) : work_of_products(call, {9, 10, 11});
  };
  return op;
}

std::vector<OpDef> defs() {
  return {group("linear_quantized_pair", "Two linear_quantized of the same activations.", 2),
          group("linear_quantized_triple", "Three linear_quantized of the same activations.", 3)};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(linear_quantized_group, isthmus::defs)
