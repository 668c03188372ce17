// SPDX-License-Identifier: Apache-2.0
// Declarations and reference of the binary elementwise operators: the rows of binary.inc.
#include "ops/elementwise/elementwise.h"
#include "ops/elementwise/formulas-inl.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

template <typename Row, bool compare>
Status binary_reference(const ReferenceCall& call) {
  const Tensor& x = call.inputs[0];
  const Tensor& y = call.inputs[1];
  const Tensor& z = call.outputs[0];
  visit(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using V = Computed<T>;
    if constexpr ((kind_of<T>() & Row::kKinds) != 0) {
      for_each_index(z.dims, z.rank, [&](const int64_t* index) {
        const V a = get(x.as<T>()[broadcast_offset(x, index, z.rank)]);
        const V b = get(y.as<T>()[broadcast_offset(y, index, z.rank)]);
        if constexpr (compare)
          put(z.as<Bool>()[z.offset(index)], Row::of(a, b));
        else
          put(z.as<T>()[z.offset(index)], Row::of(a, b));
      });
    }
  });
  return ok();
}

template <bool compare>
Status infer_binary(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  const TensorType& y = call.inputs[1];
  if (x.dtype != y.dtype)
    return invalid_argument("operands must have one dtype, not {} and {}", dtype_name(x.dtype),
                            dtype_name(y.dtype));
  ASSIGN_OR_RETURN(Shape shape, broadcast_shapes(x.shape, y.shape));
  call.outputs[0] = {compare ? Dtype::kBool : x.dtype, std::move(shape)};
  return ok();
}

OpDef make(const char* name, int kinds, Fill fill, const char* meaning, const char* onnx, const char* aclnn,
           bool compare) {
  OpDef def;
  def.name = name;
  def.family = compare ? "Comparisons" : "Elementwise, two operands";
  def.meaning = meaning;
  const std::vector<Dtype> taken = dtypes_of_kinds(kinds);
  def.inputs = {{"x", taken, "any shape"}, {"y", taken, "broadcasts with x; same dtype"}};
  def.outputs = {{"z", compare ? dtypes::boolean : taken, "broadcast shape"}};
  def.order = elementwise_order(kinds);
  def.infer = compare ? infer_binary<true> : infer_binary<false>;
  def.samples = [taken, fill] { return elementwise_samples(taken, 2, fill); };
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
#define BINARY(NAME, KINDS, FILL, MEANING, ONNX, ACLNN, FORMULA) \
  add(make(#NAME, KINDS, Fill::FILL, MEANING, ONNX, ACLNN, false), binary_reference<Binary_##NAME, false>);
#define COMPARE(NAME, KINDS, FILL, MEANING, ONNX, ACLNN, FORMULA) \
  add(make(#NAME, KINDS, Fill::FILL, MEANING, ONNX, ACLNN, true), binary_reference<Binary_##NAME, true>);
#include "ops/elementwise/binary.inc"
#undef BINARY
#undef COMPARE
  return out;
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(binary, defs)
