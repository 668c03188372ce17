// SPDX-License-Identifier: Apache-2.0
// Laws of shapes, broadcasting, slicing and rearranging, tried on random shapes and values. The left side of
// each law is an operator's declaration; the right side is worked out here in another way.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>

#include "ops/copy/slice_range-inl.h"
#include "ops/registry.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using Ints = std::vector<int64_t>;

int64_t between(int64_t low, int64_t high) { return *rc::gen::inRange<int64_t>(low, high + 1); }

Ints random_dims(int64_t lowest_rank, int64_t highest_rank, int64_t lowest = 0) {
  Ints dims;
  for (int64_t rank = between(lowest_rank, highest_rank); rank > 0; --rank)
    dims.push_back(between(lowest, 5));
  return dims;
}

HostTensor random_tensor(const Ints& dims, Dtype dtype = Dtype::kF32) {
  HostTensor tensor(dtype, dims);
  fill_sample(sample_operand(dtype, dims, Fill::kNormal), static_cast<uint64_t>(between(0, 1 << 30)), tensor);
  return tensor;
}

// The reference of an operator on dense inputs; nothing when the rules refuse.
std::vector<HostTensor> evaluate(const std::string& op, const Attributes& given,
                                 std::vector<HostTensor> inputs) {
  const OpDef* def = find_op(op);
  RC_ASSERT(def != nullptr);
  SampleCase sample;
  Result<Attributes> attributes = def->complete(given);
  RC_ASSERT(attributes.ok());
  sample.attributes = *attributes;
  for (const HostTensor& input : inputs) {
    const Tensor& t = input.tensor();
    sample.input_types.push_back({t.dtype, Shape(t.dims, t.dims + t.rank)});
  }
  sample.inputs = std::move(inputs);
  Result<std::vector<TensorType>> outputs = def->infer_types(sample.input_types, sample.attributes);
  if (!outputs.ok()) return {};
  sample.output_types = *outputs;
  Result<std::vector<HostTensor>> results = sample.run_reference(*def);
  RC_ASSERT(results.ok());
  return std::move(*results);
}

Ints dims_of(const HostTensor& t) { return {t.tensor().dims, t.tensor().dims + t.tensor().rank}; }

void equal(const HostTensor& a, const HostTensor& b) {
  RC_ASSERT(dims_of(a) == dims_of(b));
  RC_ASSERT(compare_bits(a.tensor(), b.tensor()) == "");
}

RC_GTEST_PROP(Broadcasting, StretchesOnesAndOnlyThem, ()) {
  // Two shapes made from one result by turning dimensions into 1 and dropping leading ones.
  const Ints result = random_dims(0, 5, 2);
  const auto shrink = [&](Ints dims) {
    for (int64_t& dim : dims)
      if (*rc::gen::arbitrary<bool>()) dim = 1;
    dims.erase(dims.begin(), dims.begin() + between(0, static_cast<int64_t>(dims.size())));
    return dims;
  };
  Ints a = shrink(result), b = shrink(result);
  Ints expected;
  for (size_t i = std::max(a.size(), b.size()); i > 0; --i)
    expected.push_back(std::max(i <= a.size() ? a[a.size() - i] : 1, i <= b.size() ? b[b.size() - i] : 1));
  Result<Shape> forward = broadcast_shapes(shape_of(a), shape_of(b)),
                backward = broadcast_shapes(shape_of(b), shape_of(a));
  RC_ASSERT(forward.ok() && *forward == shape_of(expected));
  RC_ASSERT(backward.ok() && *backward == *forward);
  if (!a.empty() && !b.empty() && a.back() != 1 && b.back() != 1) {
    b.back() = a.back() + 1;
    RC_ASSERT(!broadcast_shapes(shape_of(a), shape_of(b)).ok());
  }
}

RC_GTEST_PROP(Broadcasting, IsExpandingFirst, ()) {
  const Ints dims = random_dims(1, 4, 1);
  Ints narrow = dims;
  for (int64_t& dim : narrow)
    if (*rc::gen::arbitrary<bool>()) dim = 1;
  const HostTensor x = random_tensor(dims), y = random_tensor(narrow);
  const HostTensor wide = std::move(evaluate("expand", {{"shape", dims}}, {y.clone()}).at(0));
  equal(evaluate("sub", {}, {x.clone(), y.clone()}).at(0),
        evaluate("sub", {}, {x.clone(), wide.clone()}).at(0));
  equal(evaluate("add", {}, {x.clone(), y.clone()}).at(0), evaluate("add", {}, {y.clone(), x.clone()}).at(0));
}

RC_GTEST_PROP(Shapes, RulesCommuteWithGivingSymbolsTheirNumbers, ()) {
  const std::vector<const OpDef*> ops = all_ops();
  const OpDef& def = *ops[static_cast<size_t>(between(0, static_cast<int64_t>(ops.size()) - 1))];
  const std::vector<Sample> samples = def.samples();
  const Sample& sample = samples[static_cast<size_t>(between(0, static_cast<int64_t>(samples.size()) - 1))];
  Result<Attributes> attributes = def.complete(sample.attributes);
  RC_ASSERT(attributes.ok());
  RC_PRE(!sample.inputs.empty() && !sample.inputs[0].dims.empty());
  const int64_t first = sample.inputs[0].dims[0], number = between(1, 40);
  std::vector<TensorType> with_symbol, with_number;
  for (const SampleOperand& operand : sample.inputs) {
    TensorType type{operand.dtype, shape_of(operand.dims)};
    with_symbol.push_back(type);
    with_number.push_back(type);
    if (!operand.dims.empty() && operand.dims[0] == first) {
      with_symbol.back().shape[0] = Dim::of_symbol(0);
      with_number.back().shape[0] = Dim(number);
    }
  }
  Result<std::vector<TensorType>> general = def.infer_types(with_symbol, *attributes);
  RC_PRE(general.ok());
  Result<std::vector<TensorType>> particular = def.infer_types(with_number, *attributes);
  // A number may be too small for what the attributes ask (padding away more than there is).
  RC_PRE(particular.ok());
  RC_ASSERT(general->size() == particular->size());
  const int64_t numbers[] = {number};
  for (size_t i = 0; i < general->size(); ++i) {
    RC_ASSERT((*general)[i].dtype == (*particular)[i].dtype &&
              (*general)[i].rank() == (*particular)[i].rank());
    for (int d = 0; d < (*general)[i].rank(); ++d) {
      // slice clamps: the general rule stands for axes long enough.
      if (def.name == "slice" && d == 0) continue;
      RC_ASSERT((*general)[i].shape[d].at(numbers) == (*particular)[i].shape[d].offset);
    }
  }
}

RC_GTEST_PROP(Slicing, TakesWhatWalkingFromStartToEndMeets, ()) {
  const int64_t size = between(0, 9), start = between(-14, 14), end = between(-14, 14);
  const int64_t step = between(1, 5) * (*rc::gen::arbitrary<bool>() ? 1 : -1);
  Ints met;
  int64_t from = start < 0 ? start + size : start, to = end < 0 ? end + size : end;
  // Every index of the walk that lies on the axis, and none before the clamped start.
  if (step > 0)
    for (int64_t i = std::max<int64_t>(from, 0); i < std::min(to, size); i += step) met.push_back(i);
  else
    for (int64_t i = std::min(from, size - 1); i > std::max<int64_t>(to, -1); i += step) met.push_back(i);
  const SliceRange range = slice_range(start, end, step, size);
  RC_ASSERT(range.count == static_cast<int64_t>(met.size()));
  if (!met.empty()) RC_ASSERT(range.first == met[0]);
}

RC_GTEST_PROP(Slicing, NeverLeavesTheAxis, ()) {
  const auto any = [] {
    return *rc::gen::element<int64_t>(INT64_MIN, INT64_MIN + 1, -7, -1, 0, 1, 5, INT64_MAX - 1, INT64_MAX);
  };
  const int64_t size = between(0, 6), start = any(), end = any(), step = any();
  RC_PRE(step != 0);
  const SliceRange range = slice_range(start, end, step, size);
  RC_ASSERT(range.count >= 0 && range.count <= size);
  if (range.count > 0) RC_ASSERT(range.first >= 0 && range.first < size);
}

RC_GTEST_PROP(Rearranging, ConcatUndoesSlicing, ()) {
  const Ints dims = random_dims(1, 4);
  const int64_t axis = between(0, static_cast<int64_t>(dims.size()) - 1), cut = between(0, dims[axis]);
  const HostTensor x = random_tensor(dims);
  const auto part = [&](int64_t from, int64_t to) {
    return std::move(
        evaluate("slice", {{"starts", Ints{from}}, {"ends", Ints{to}}, {"axes", Ints{axis}}}, {x.clone()})
            .at(0));
  };
  std::vector<HostTensor> parts;
  parts.push_back(part(0, cut));
  parts.push_back(part(cut, kSliceToEnd));
  equal(evaluate("concat", {{"axis", axis}}, std::move(parts)).at(0), x);
}

RC_GTEST_PROP(Rearranging, SlicingUndoesPadding, ()) {
  const Ints dims = random_dims(1, 4, 1);
  const size_t rank = dims.size();
  const char* mode = *rc::gen::element("constant", "edge", "wrap");
  Ints pads, starts, ends, axes;
  for (size_t i = 0; i < 2 * rank; ++i) pads.push_back(between(0, 4));
  for (size_t i = 0; i < rank; ++i) {
    starts.push_back(pads[i]);
    ends.push_back(pads[i] + dims[i]);
  }
  const HostTensor x = random_tensor(dims);
  HostTensor padded =
      std::move(evaluate("pad", {{"pads", pads}, {"mode", std::string(mode)}}, {x.clone()}).at(0));
  std::vector<HostTensor> inputs;
  inputs.push_back(std::move(padded));
  equal(evaluate("slice", {{"starts", starts}, {"ends", ends}}, std::move(inputs)).at(0), x);
}

RC_GTEST_PROP(Rearranging, TheInversePermutationUndoesTranspose, ()) {
  const Ints dims = random_dims(0, 5);
  Ints perm(dims.size()), inverse(dims.size());
  std::iota(perm.begin(), perm.end(), 0);
  for (size_t i = perm.size(); i > 1; --i)
    std::swap(perm[i - 1], perm[static_cast<size_t>(between(0, static_cast<int64_t>(i) - 1))]);
  for (size_t i = 0; i < perm.size(); ++i) inverse[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  RC_PRE(!perm.empty());
  const HostTensor x = random_tensor(dims);
  std::vector<HostTensor> moved = evaluate("transpose", {{"perm", perm}}, {x.clone()});
  equal(evaluate("transpose", {{"perm", inverse}}, std::move(moved)).at(0), x);
}

RC_GTEST_PROP(Rearranging, SortGivesAnOrderedPermutation, ()) {
  const Ints dims = {between(1, 3), between(0, 20)};
  HostTensor x = random_tensor(dims, Dtype::kI8);
  std::vector<HostTensor> sorted = evaluate("sort", {}, {x.clone()});
  const auto* values = static_cast<const int8_t*>(sorted.at(0).tensor().data);
  const auto* indices = static_cast<const int64_t*>(sorted.at(1).tensor().data);
  const auto* original = static_cast<const int8_t*>(x.tensor().data);
  for (int64_t row = 0; row < dims[0]; ++row) {
    std::vector<bool> seen(static_cast<size_t>(dims[1]));
    for (int64_t i = 0; i < dims[1]; ++i) {
      const int64_t at = row * dims[1] + i, from = indices[at];
      RC_ASSERT(from >= 0 && from < dims[1] && !seen[from]);
      seen[from] = true;
      RC_ASSERT(values[at] == original[row * dims[1] + from]);
      if (i > 0)
        RC_ASSERT(values[at - 1] < values[at] || (values[at - 1] == values[at] && indices[at - 1] < from));
    }
  }
}

RC_GTEST_PROP(Rearranging, TopKIsTheHeadOfSort, ()) {
  const Ints dims = {between(1, 3), between(1, 30)};
  const int64_t k = between(0, dims[1]);
  const HostTensor x = random_tensor(dims, Dtype::kI8);
  std::vector<HostTensor> sorted = evaluate("sort", {{"descending", int64_t{1}}}, {x.clone()});
  std::vector<HostTensor> best = evaluate("top_k", {{"k", k}}, {x.clone()});
  for (size_t i = 0; i < 2; ++i) {
    std::vector<HostTensor> all;
    all.push_back(std::move(sorted[i]));
    equal(
        evaluate("slice", {{"starts", Ints{0}}, {"ends", Ints{k}}, {"axes", Ints{1}}}, std::move(all)).at(0),
        best[i]);
  }
}

RC_GTEST_PROP(Rearranging, ScatterThenGatherGivesTheUpdates, ()) {
  const int64_t rows = between(1, 8), width = between(1, 5);
  Ints order(static_cast<size_t>(rows));
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[static_cast<size_t>(between(0, static_cast<int64_t>(i) - 1))]);
  HostTensor indices(Dtype::kI64, {rows, 1});
  std::copy(order.begin(), order.end(), static_cast<int64_t*>(indices.tensor().data));
  const HostTensor x = random_tensor({rows, width}), updates = random_tensor({rows, width});
  std::vector<HostTensor> written = evaluate("scatter_nd", {}, {x.clone(), indices.clone(), updates.clone()});
  written.push_back(indices.clone());
  equal(evaluate("gather_nd", {}, std::move(written)).at(0), updates);
}

}  // namespace
}  // namespace isthmus
