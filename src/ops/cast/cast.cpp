// SPDX-License-Identifier: Apache-2.0
// cast: every plain dtype to every other.
#include "ops/elementwise/elementwise.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

// F32 is the meeting place of what goes to F16 and BF16, so that every chip needs only those two roundings.
template <typename To, typename From>
Computed<To> convert(From x) {
  if constexpr (std::is_same_v<To, Bool>) {
    return x != 0 ? 1 : 0;  // NaN is true
  } else if constexpr (std::is_integral_v<Computed<To>> && !std::is_integral_v<From>) {
    return formulas::saturate<Computed<To>>(static_cast<double>(x));
  } else {
    return static_cast<Computed<To>>(x);
  }
}

Status infer(const InferCall& call) {
  const std::optional<Dtype> to = dtype_from_name(call.attributes.s("to"));
  if (!to || is_block(*to)) return invalid_argument("'{}' is no dtype to cast to", call.attributes.s("to"));
  call.outputs[0] = {*to, call.inputs[0].shape};
  return ok();
}

Status run(const ReferenceCall& call) {
  const Tensor& x = call.inputs[0];
  const Tensor& y = call.outputs[0];
  visit(x.dtype, [&](auto from_tag) {
    using From = typename decltype(from_tag)::type;
    visit(y.dtype, [&](auto to_tag) {
      using To = typename decltype(to_tag)::type;
      for_each_index(y.dims, y.rank, [&](const int64_t* index) {
        put(y.as<To>()[y.offset(index)], convert<To>(get(x.as<From>()[x.offset(index)])));
      });
    });
  });
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  for (Dtype from : dtypes::plain) {
    for (Dtype to : dtypes::plain) {
      const Attributes attributes = {{"to", std::string(dtype_name(to))}};
      out.push_back({{sample_operand(from, {3, 277}, Fill::kAwkward)}, attributes});
      out.push_back({{sample_operand(from, {5, 6}, Fill::kAwkward, 0, {1, 0})}, attributes});
    }
    out.push_back({{sample_operand(from, {2, 0})}, {}});
  }
  return out;
}

std::vector<OpDef> defs() {
  OpDef def;
  def.name = "cast";
  def.family = "Copies and shapes";
  def.meaning =
      "x in another dtype; floats to integers: truncated, saturated, NaN is 0; integers to narrower ones: "
      "low bits; to "
      "Bool: not zero";
  def.inputs = {{"x", dtypes::plain, "any shape"}};
  def.outputs = {{"y", dtypes::plain, "shape of x"}};
  def.attributes = {{"to", std::string("F32"), "name of the dtype"}};
  def.order = "rounded to nearest even; to F16 and BF16 through F32 (F64 and integers are rounded twice)";
  def.infer = infer;
  def.reference = run;
  def.samples = samples;
  def.onnx = "Cast";
  def.aclnn = "aclnnCast";
  return {def};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(cast, defs)
