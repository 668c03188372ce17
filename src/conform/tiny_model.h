// SPDX-License-Identifier: Apache-2.0
// A Llama of two layers with random weights, made in memory and the same on every machine.
#pragma once

#include "llm/model.h"

namespace isthmus::conform {

// Weights are bell-shaped integers scaled by powers of two: no machine rounds them. Matrices of the first
// layer are Q8_0, of the second Q4_K, the embedding F16.
Result<std::shared_ptr<const Model>> make_tiny_model();

}  // namespace isthmus::conform
