// SPDX-License-Identifier: Apache-2.0
// halve: half of each element. The operator that the test of CONTRIBUTING.md adds; a small one to copy.
#include "ops/reference.h"
#include "ops/samples.h"

namespace isthmus {
namespace {

Status infer(const InferCall& call) {
  call.outputs[0] = call.inputs[0];
  return ok();
}

Status run(const ReferenceCall& call) {
  const Tensor& x = call.inputs[0];
  const Tensor& y = call.outputs[0];
  reference::for_each_index(y.dims, y.rank, [&](const int64_t* index) {
    y.as<float>()[y.offset(index)] = 0.5f * x.as<float>()[x.offset(index)];
  });
  return ok();
}

std::vector<Sample> samples() {
  return {{{sample_operand(Dtype::kF32, {3, 17})}, {}}, {{sample_operand(Dtype::kF32, {0, 4})}, {}}};
}

std::vector<OpDef> defs() {
  OpDef halve;
  halve.name = "halve";
  halve.family = "Examples";
  halve.meaning = "Half of each element.";
  halve.inputs = {{"x", dtypes::f32, "any shape"}};
  halve.outputs = {{"y", dtypes::f32, "the shape of x"}};
  halve.order = "elementwise";
  halve.infer = infer;
  halve.reference = run;
  halve.samples = samples;
  return {halve};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(halve, defs)
