// SPDX-License-Identifier: Apache-2.0
// Declarations and reference of the reductions: the rows of reduce.inc.
#include <algorithm>

#include "ops/elementwise/elementwise.h"
#include "ops/reduce/rows-inl.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

// Whether each axis is reduced; no axes named: all are.
Result<std::vector<bool>> reduced_axes(const Attributes& attributes, int rank) {
  ASSIGN_OR_RETURN(const std::vector<int> axes, check_axes(attributes.ints("axes"), rank));
  std::vector<bool> reduced(rank, axes.empty());
  for (int axis : axes) reduced[axis] = true;
  return reduced;
}

Status infer(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  ASSIGN_OR_RETURN(const std::vector<bool> reduced, reduced_axes(call.attributes, x.rank()));
  Shape shape;
  for (int d = 0; d < x.rank(); ++d) {
    if (!reduced[d])
      shape.push_back(x.shape[d]);
    else if (call.attributes.i("keep_dims") != 0)
      shape.push_back(Dim(1));
  }
  call.outputs[0] = {x.dtype, std::move(shape)};
  return ok();
}

template <typename Row>
Status run(const ReferenceCall& call) {
  const Tensor& x = call.inputs[0];
  const Tensor& y = call.outputs[0];
  ASSIGN_OR_RETURN(const std::vector<bool> reduced, reduced_axes(call.attributes, x.rank));
  const bool keep = call.attributes.i("keep_dims") != 0;
  std::vector<int64_t> inner_dims, inner_strides;
  for (int d = 0; d < x.rank; ++d) {
    if (!reduced[d]) continue;
    inner_dims.push_back(x.dims[d]);
    inner_strides.push_back(x.strides[d]);
  }
  const int inner_rank = static_cast<int>(inner_dims.size());
  visit(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using V = Computed<T>;
    if constexpr ((kind_of<T>() & Row::kKinds) != 0) {
      for_each_index(y.dims, y.rank, [&](const int64_t* index) {
        int64_t base = 0;
        for (int d = 0, from = 0; d < x.rank; ++d) {
          if (reduced[d])
            from += keep;
          else
            base += index[from++] * x.strides[d];
        }
        std::vector<V> elements;
        for_each_index(inner_dims.data(), inner_rank, [&](const int64_t* inner) {
          int64_t at = base;
          for (int d = 0; d < inner_rank; ++d) at += inner[d] * inner_strides[d];
          elements.push_back(get(x.as<T>()[at]));
        });
        V m = 0;
        if constexpr (Row::kShifted) {
          m = formulas::lowest<V>();
          for (V value : elements) m = formulas::maximum(m, value);
          m = formulas::shift_of(m);
        }
        V lanes[16];
        std::fill(lanes, lanes + 16, Row::template start<V>());
        for (size_t i = 0; i < elements.size(); ++i) lanes[i % 16] = Row::step(lanes[i % 16], elements[i], m);
        for (int half = 8; half > 0; half /= 2)
          for (int j = 0; j < half; ++j) lanes[j] = Row::fold(lanes[j], lanes[j + half]);
        const V result = Row::finish(lanes[0], static_cast<V>(elements.size()), m);
        if constexpr (std::is_same_v<T, Bool>)
          put(y.as<Bool>()[y.offset(index)], result != 0);
        else
          put(y.as<T>()[y.offset(index)], result);
      });
    }
  });
  return ok();
}

std::vector<Sample> samples(const std::vector<Dtype>& taken) {
  using Ints = std::vector<int64_t>;
  std::vector<Sample> out;
  for (Dtype dtype : taken) {
    out.push_back({{sample_operand(dtype, {5, 389})}, {{"axes", Ints{-1}}}});
    out.push_back({{sample_operand(dtype, {3, 45, 7}, Fill::kAwkward)},
                   {{"axes", Ints{1}}, {"keep_dims", int64_t{0}}}});
    out.push_back({{sample_operand(dtype, {5, 3, 70}, Fill::kNormal, 0, {2, 0, 1})}, {{"axes", Ints{0, 2}}}});
    out.push_back({{sample_operand(dtype, {9, 33})}, {}});
  }
  out.push_back({{sample_operand(taken[0], {3, 0})}, {{"axes", Ints{1}}}});
  out.push_back({{sample_operand(taken[0], {0, 3})}, {{"axes", Ints{1}}}});
  out.push_back({{sample_operand(taken[0], {})}, {}});
  out.push_back({{sample_operand(taken[0], {4, 1, 5})}, {{"axes", Ints{1}}}});
  if (taken[0] == Dtype::kF32)
    for (double value : {-formulas::kInfinity, formulas::kInfinity})
      out.push_back({{sample_values(Dtype::kF32, {3}, {value, value, value})}, {}});
  return out;
}

OpDef make(const char* name, int kinds, const char* meaning, const char* onnx, const char* aclnn) {
  OpDef def;
  def.name = name;
  def.family = "Reductions";
  def.meaning = meaning;
  const std::vector<Dtype> taken = dtypes_of_kinds(kinds);
  def.inputs = {{"x", taken, "any shape"}};
  def.outputs = {{"y", taken, "x without the axes, or with 1 in their places"}};
  def.attributes = {{"axes", std::vector<int64_t>{}, "which; empty: all"},
                    {"keep_dims", int64_t{1}, "1: the axes stay with size 1"}};
  def.order = "16 lanes over the axes' elements in row-major order, in F32 for F16 and BF16";
  if ((kinds & formulas::kF64ByLibrary) != 0) def.order += "; F64 by the C library, not exact";
  def.infer = infer;
  def.samples = [taken] { return samples(taken); };
  def.onnx = onnx;
  def.aclnn = aclnn;
  return def;
}

std::vector<OpDef> defs() {
  using namespace formulas;
  std::vector<OpDef> out;
#define REDUCE(NAME, KINDS, START, STEP, FOLD, FINISH, MEANING, ONNX, ACLNN) \
  out.push_back(make(#NAME, KINDS, MEANING, ONNX, ACLNN));                   \
  out.back().reference = run<Reduce_##NAME>;
#define SHIFTED_REDUCE REDUCE
#include "ops/reduce/reduce.inc"
#undef REDUCE
#undef SHIFTED_REDUCE
  return out;
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(reduce, defs)
