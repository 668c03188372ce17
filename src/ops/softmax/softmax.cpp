// SPDX-License-Identifier: Apache-2.0
// softmax and log_softmax along one axis.
#include "base/elementary-inl.h"
#include "ops/op_def.h"
#include "ops/row_reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

Status infer_softmax(const InferCall& call) {
  RETURN_IF_ERROR(check_axis(call.attributes.i("axis"), call.inputs[0].rank()).status());
  call.outputs[0] = call.inputs[0];
  return ok();
}

// e^(x - max) along the axis, their sum, then `finish` of (x - max, e, sum).
template <typename F>
Status softmax_reference(const ReferenceCall& call, F finish) {
  const Tensor &x = call.inputs[0], &y = call.outputs[0];
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), x.rank));
  const int64_t n = x.dims[axis];
  for_each_row(x, y, axis, [&](int64_t from, int64_t to) {
    const auto at = [&](int64_t i) { return load_f32(x, from + i * x.strides[axis]); };
    float top = at(0);
    for (int64_t i = 1; i < n; ++i)
      if (at(i) > top) top = at(i);  // a NaN makes the sum and so the whole row NaN, whatever top is
    LaneSum<float> sum;
    for (int64_t i = 0; i < n; ++i) sum.add(elementary::exp(at(i) - top));
    const float total = sum.sum();
    for (int64_t i = 0; i < n; ++i) store_f32(y, to + i * y.strides[axis], finish(at(i) - top, total));
  });
  return ok();
}

std::vector<Sample> softmax_samples() {
  std::vector<Sample> samples;
  const auto add = [&](SampleOperand x, int64_t axis) { samples.push_back({{x}, {{"axis", axis}}}); };
  for (const int64_t n : {1, 7, 16, 33, 64, 1000}) add(sample_operand(Dtype::kF32, {3, n}), -1);
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBF16}) {
    add(sample_operand(dtype, {2, 40, 3}), 1);
    add(sample_operand(dtype, {20, 5}), 0);
    add(sample_operand(dtype, {4, 50}, Fill::kAwkward), 1);
    add(sample_operand(dtype, {4, 50}, Fill::kNormal, 0, {1, 0}), -1);
    add(sample_operand(dtype, {3, 4, 20}, Fill::kNormal, 0, {2, 0, 1}), -2);
  }
  add(sample_operand(Dtype::kF32, {2, 35}, Fill::kZero), -1);
  add(sample_operand(Dtype::kF32, {9}), 0);
  add(sample_operand(Dtype::kF32, {0, 9}), 1);
  add(sample_operand(Dtype::kF32, {9, 0}), 1);
  constexpr double kInf = std::numeric_limits<double>::infinity();
  add(sample_values(Dtype::kF32, {3, 4}, {-kInf, 1, 2, -kInf, kInf, 1, 2, 3, -kInf, -kInf, -kInf, -kInf}), 1);
  add(sample_values(Dtype::kF32, {2, 3}, {3e38, -3e38, 0, 100, 0, -4}), 1);
  return samples;
}

// Simpler operators in F32 between casts.
Result<std::vector<EmitValue>> decompose_softmax(Emitter& emitter, EmitValue input, int64_t axis, bool log) {
  const Dtype dtype = emitter.type(input).dtype;
  const auto emit = [&](const char* op, std::vector<EmitValue> inputs,
                        Attributes attributes = {}) -> Result<EmitValue> {
    ASSIGN_OR_RETURN(const auto outputs, emitter.emit(op, std::move(inputs), std::move(attributes)));
    return outputs[0];
  };
  const auto cast = [&](EmitValue value, Dtype to) -> Result<EmitValue> {
    if (dtype == Dtype::kF32) return value;
    return emit("cast", {value}, {{"to", std::string(dtype_name(to))}});
  };
  const Attributes along = {{"axes", std::vector<int64_t>{axis}}, {"keep_dims", int64_t{1}}};
  ASSIGN_OR_RETURN(const EmitValue x, cast(input, Dtype::kF32));
  ASSIGN_OR_RETURN(const EmitValue top, emit("reduce_max", {x}, along));
  ASSIGN_OR_RETURN(const EmitValue shifted, emit("sub", {x, top}));
  ASSIGN_OR_RETURN(const EmitValue e, emit("exp", {shifted}));
  ASSIGN_OR_RETURN(const EmitValue sum, emit("reduce_sum", {e}, along));
  if (!log) {
    ASSIGN_OR_RETURN(const EmitValue y, emit("div", {e, sum}));
    ASSIGN_OR_RETURN(const EmitValue result, cast(y, dtype));
    return std::vector<EmitValue>{result};
  }
  ASSIGN_OR_RETURN(const EmitValue log_sum, emit("log", {sum}));
  ASSIGN_OR_RETURN(const EmitValue y, emit("sub", {shifted, log_sum}));
  ASSIGN_OR_RETURN(const EmitValue result, cast(y, dtype));
  return std::vector<EmitValue>{result};
}

std::vector<OpDef> defs() {
  OpDef softmax;
  softmax.name = "softmax";
  softmax.family = "Softmax";
  softmax.meaning = "e^x / sum of e^x along an axis";
  softmax.inputs = {{"x", dtypes::floats, "any shape of rank 1 or more"}};
  softmax.outputs = {{"y", dtypes::floats, "like x"}};
  softmax.attributes = {{"axis", int64_t{-1}, "counted from the end when negative"}};
  softmax.order = "e = exp(x - max); sum in lane order; y = e / sum, rounded once on store";
  softmax.infer = infer_softmax;
  softmax.reference = [](const ReferenceCall& call) {
    return softmax_reference(call, [](float x, float sum) { return elementary::exp(x) / sum; });
  };
  softmax.decompose = [](Emitter& emitter, std::span<const EmitValue> inputs, const Attributes& attributes) {
    return decompose_softmax(emitter, inputs[0], attributes.i("axis"), false);
  };
  softmax.samples = softmax_samples;
  softmax.onnx = "Softmax";
  softmax.aclnn = "aclnnSoftmax";

  OpDef log_softmax = softmax;
  log_softmax.name = "log_softmax";
  log_softmax.meaning = "logarithm of softmax along an axis";
  log_softmax.order = "sum of exp(x - max) in lane order; y = (x - max) - log(sum), rounded once on store";
  log_softmax.reference = [](const ReferenceCall& call) {
    return softmax_reference(call, [](float x, float sum) { return x - elementary::log(sum); });
  };
  log_softmax.decompose = [](Emitter& emitter, std::span<const EmitValue> inputs,
                             const Attributes& attributes) {
    return decompose_softmax(emitter, inputs[0], attributes.i("axis"), true);
  };
  log_softmax.onnx = "LogSoftmax";
  log_softmax.aclnn = "aclnnLogSoftmax";
  return {softmax, log_softmax};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(softmax, isthmus::defs)
