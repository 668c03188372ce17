// SPDX-License-Identifier: Apache-2.0
// What declarations of elementwise families share: dtypes from kinds, and samples over every dtype.
#pragma once

#include "ops/elementwise/vocabulary-inl.h"
#include "ops/op_def.h"
#include "ops/reference.h"

namespace isthmus {

// The dtypes computed in one of the kinds.
std::vector<Dtype> dtypes_of_kinds(int kinds);

// The kind an element of stored type T is computed in.
template <typename T>
constexpr int kind_of() {
  if constexpr (std::is_same_v<T, reference::Bool>)
    return formulas::kBoolKind;
  else
    return formulas::TypeFacts<reference::Computed<T>>::kKind;
}

int kind_of_dtype(Dtype dtype);

// Samples of an elementwise operator with `inputs` operands: each dtype contiguous and odd, and for the first
// one strided, broadcast, of rank 0 and empty.
std::vector<Sample> elementwise_samples(const std::vector<Dtype>& dtypes, int inputs, Fill fill,
                                        const Attributes& attributes = {});

// The text of OpDef::order for a family row.
std::string elementwise_order(int kinds);

}  // namespace isthmus
