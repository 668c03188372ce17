// SPDX-License-Identifier: Apache-2.0
// What the portable kernels of gated activations call them.
#pragma once

#include <map>
#include <string>

namespace isthmus {

// By operator.
inline const std::map<std::string, const char*>& gated_activations() {
  static const std::map<std::string, const char*> all = {{"swiglu", "silu"},
                                                         {"geglu", "gelu_erf"},
                                                         {"geglu_tanh", "gelu_tanh"},
                                                         {"reglu", "relu"},
                                                         {"glu", "sigmoid"}};
  return all;
}

}  // namespace isthmus
