// SPDX-License-Identifier: Apache-2.0
// The activations of gated operators on the CPU, 16 lanes at a time.
#pragma once

#include "devices/cpu/elementary.h"

namespace isthmus::cpu::ISTHMUS_ISA {

struct Silu {
  ISTHMUS_SIMD F32x16 operator()(F32x16 x) const { return elementary::silu(x); }
};
struct GeluErf {
  ISTHMUS_SIMD F32x16 operator()(F32x16 x) const { return elementary::gelu_erf(x); }
};
struct GeluTanh {
  ISTHMUS_SIMD F32x16 operator()(F32x16 x) const { return elementary::gelu_tanh(x); }
};
struct Sigmoid {
  ISTHMUS_SIMD F32x16 operator()(F32x16 x) const { return elementary::sigmoid(x); }
};
struct Relu {
  ISTHMUS_SIMD F32x16 operator()(F32x16 x) const {
    return select(x > 0.0f, x, select(x == x, set1(0.0f), x));
  }
};

}  // namespace isthmus::cpu::ISTHMUS_ISA
