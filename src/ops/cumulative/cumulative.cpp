// SPDX-License-Identifier: Apache-2.0
// cumulative_sum and cumulative_product: running totals along an axis.
#include <algorithm>

#include "ops/elementwise/vocabulary-inl.h"
#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

Status infer(const InferCall& call) {
  ASSIGN_OR_RETURN([[maybe_unused]] const int axis,
                   check_axis(call.attributes.i("axis"), call.inputs[0].rank()));
  return infer_same(call);
}

template <bool product>
Status run(const ReferenceCall& call) {
  const Tensor& x = call.inputs[0];
  const Tensor& y = call.outputs[0];
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), x.rank));
  const bool exclusive = call.attributes.i("exclusive") != 0, reverse = call.attributes.i("reverse") != 0;
  const int64_t n = x.dims[axis];
  int64_t outer[kMaxRank];
  std::copy(x.dims, x.dims + x.rank, outer);
  if (n > 0) outer[axis] = 1;
  visit(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<T, Bool>) {
      for_each_index(outer, x.rank, [&](const int64_t* index) {
        Computed<T> total = product ? 1 : 0;
        for (int64_t step = 0; step < n; ++step) {
          const int64_t i = reverse ? n - 1 - step : step;
          T& result = y.as<T>()[y.offset(index) + i * y.strides[axis]];
          if (exclusive) put(result, total);
          const auto value = get(x.as<T>()[x.offset(index) + i * x.strides[axis]]);
          total = product ? formulas::multiply(total, value) : formulas::add(total, value);
          if (!exclusive) put(result, total);
        }
      });
    }
  });
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  for (Dtype dtype : dtypes::numbers) {
    out.push_back({{sample_operand(dtype, {5, 47})}, {{"axis", int64_t{1}}}});
    out.push_back({{sample_operand(dtype, {3, 9, 4}, Fill::kAwkward, 0, {2, 0, 1})},
                   {{"axis", int64_t{-2}}, {"exclusive", int64_t{1}}, {"reverse", int64_t{1}}}});
  }
  out.push_back({{sample_operand(Dtype::kF32, {0, 4})}, {}});
  out.push_back({{sample_operand(Dtype::kF32, {6, 4})}, {{"reverse", int64_t{1}}}});
  return out;
}

OpDef make(const char* name, const char* meaning, const char* onnx, const char* aclnn) {
  OpDef def;
  def.name = name;
  def.family = "Reductions";
  def.meaning = meaning;
  def.inputs = {{"x", dtypes::numbers, "rank 1 or more"}};
  def.outputs = {{"y", dtypes::numbers, "like x"}};
  def.attributes = {{"axis", int64_t{0}, "which"},
                    {"exclusive", int64_t{0}, "1: each total is of the elements before"},
                    {"reverse", int64_t{0}, "1: from the end"}};
  def.order = "a strict chain along the axis, in F32 for F16 and BF16";
  def.infer = infer;
  def.samples = samples;
  def.onnx = onnx;
  def.aclnn = aclnn;
  return def;
}

std::vector<OpDef> defs() {
  OpDef sum = make("cumulative_sum", "running sums along an axis; integers wrap", "CumSum", "aclnnCumsum");
  sum.reference = run<false>;
  OpDef product =
      make("cumulative_product", "running products along an axis; integers wrap", "CumProd", "aclnnCumprod");
  product.reference = run<true>;
  return {sum, product};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(cumulative, defs)
