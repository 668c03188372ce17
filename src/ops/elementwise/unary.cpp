// SPDX-License-Identifier: Apache-2.0
// Declarations and reference of the unary elementwise operators: the rows of unary.inc.
#include "ops/elementwise/elementwise.h"
#include "ops/elementwise/formulas-inl.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;
using formulas::kInfinity;

double attribute_number(const Attributes& attributes, size_t position) {
  if (position >= attributes.values().size()) return 0;
  const AttributeValue& value = attributes.values()[position].second;
  if (const auto* i = std::get_if<int64_t>(&value)) return static_cast<double>(*i);
  return std::get<double>(value);
}

template <typename Row, bool test>
Status unary_reference(const ReferenceCall& call) {
  const Tensor& x = call.inputs[0];
  const Tensor& y = call.outputs[0];
  visit(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using V = Computed<T>;
    if constexpr ((kind_of<T>() & Row::kKinds) != 0) {
      const V a = formulas::saturate<V>(attribute_number(call.attributes, 0));
      const V b = formulas::saturate<V>(attribute_number(call.attributes, 1));
      for_each_index(y.dims, y.rank, [&](const int64_t* index) {
        const V value = get(x.as<T>()[x.offset(index)]);
        const auto result = Row::of(value, a, b);
        if constexpr (test)
          put(y.as<Bool>()[y.offset(index)], result != 0);
        else
          put(y.as<T>()[y.offset(index)], static_cast<V>(result));
      });
    }
  });
  return ok();
}

Status infer_test(const InferCall& call) {
  call.outputs[0] = {Dtype::kBool, call.inputs[0].shape};
  return ok();
}

OpDef make(const char* name, int kinds, Fill fill, std::vector<AttributeDef> attributes, const char* meaning,
           const char* onnx, const char* aclnn, bool test) {
  OpDef def;
  def.name = name;
  def.family = "Elementwise, one operand";
  def.meaning = meaning;
  const std::vector<Dtype> taken = dtypes_of_kinds(kinds);
  def.inputs = {{"x", taken, "any shape"}};
  def.outputs = {{"y", test ? dtypes::boolean : taken, test ? "shape of x" : "like x"}};
  def.attributes = std::move(attributes);
  def.order = elementwise_order(kinds);
  def.infer = test ? infer_test : infer_same;
  Attributes other;  // values that are not the defaults
  for (const AttributeDef& attribute : def.attributes) {
    if (std::holds_alternative<int64_t>(attribute.default_value))
      other.set(attribute.name, 1 - std::get<int64_t>(attribute.default_value));
    else
      other.set(attribute.name, other.values().empty() ? -0.75 : 1.5);
  }
  def.samples = [taken, fill, other] {
    std::vector<Sample> samples = elementwise_samples(taken, 1, fill);
    for (Dtype dtype : other.values().empty() ? std::vector<Dtype>{} : taken)
      samples.push_back({{sample_operand(dtype, {3, 50}, fill)}, other});
    return samples;
  };
  def.onnx = onnx;
  def.aclnn = aclnn;
  return def;
}

std::vector<OpDef> defs() {
  using namespace formulas;
  std::vector<OpDef> out;
  const auto add = [&](OpDef def, Status (*run)(const ReferenceCall&)) {
    def.reference = run;
    out.push_back(std::move(def));
  };
#define NONE
#define WITH(...) __VA_ARGS__
#define UNARY(NAME, KINDS, FILL, ATTRIBUTES, MEANING, ONNX, ACLNN, FORMULA)      \
  add(make(#NAME, KINDS, Fill::FILL, {ATTRIBUTES}, MEANING, ONNX, ACLNN, false), \
      unary_reference<Unary_##NAME, false>);
#define UNARY_TEST(NAME, KINDS, FILL, ATTRIBUTES, MEANING, ONNX, ACLNN, FORMULA) \
  add(make(#NAME, KINDS, Fill::FILL, {ATTRIBUTES}, MEANING, ONNX, ACLNN, true),  \
      unary_reference<Unary_##NAME, true>);
#include "ops/elementwise/unary.inc"
#undef UNARY
#undef UNARY_TEST
#undef NONE
#undef WITH
  return out;
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(unary, defs)
