// SPDX-License-Identifier: Apache-2.0
#include "ops/elementwise/elementwise.h"

namespace isthmus {

int kind_of_dtype(Dtype dtype) {
  int kind = 0;
  reference::visit(dtype, [&](auto tag) { kind = kind_of<typename decltype(tag)::type>(); });
  return kind;
}

std::vector<Dtype> dtypes_of_kinds(int kinds) {
  std::vector<Dtype> out;
  for (Dtype dtype : dtypes::plain)
    if ((kinds & kind_of_dtype(dtype)) != 0) out.push_back(dtype);
  return out;
}

std::vector<Sample> elementwise_samples(const std::vector<Dtype>& dtypes, int inputs, Fill fill,
                                        const Attributes& attributes) {
  std::vector<Sample> samples;
  const auto add = [&](Dtype dtype, std::vector<std::vector<int64_t>> dims, std::vector<int64_t> order = {}) {
    Sample sample;
    sample.attributes = attributes;
    for (int i = 0; i < inputs; ++i) {
      SampleOperand operand;
      operand.dtype = dtype;
      operand.dims = dims[i % dims.size()];
      operand.fill = fill;
      if (i == 0) operand.order = order;
      sample.inputs.push_back(operand);
    }
    samples.push_back(sample);
  };
  for (Dtype dtype : dtypes) add(dtype, {{3, 389}});
  for (size_t i = 0; i < dtypes.size(); i += 3) {
    add(dtypes[i], {{5, 7, 9}}, {2, 0, 1});
    add(dtypes[i], {{}});
    add(dtypes[i], {{4, 0, 3}});
    if (inputs > 1) {
      add(dtypes[i], {{5, 1, 300}, {3, 1}});
      add(dtypes[i], {{300}, {4, 1, 1}, {1, 2, 300}});
      add(dtypes[i], {{1}, {3, 0}});
    }
  }
  return samples;
}

std::string elementwise_order(int kinds) {
  return (kinds & formulas::kF64ByLibrary) != 0 ? "elementwise; F64 by the C library, not exact"
                                                : "elementwise";
}

}  // namespace isthmus
