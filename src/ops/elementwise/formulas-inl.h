// SPDX-License-Identifier: Apache-2.0
// The rows of unary.inc and binary.inc as structs that compute one element or vector. Included by the
// reference and, once per instruction set, by the kernels.
#pragma once

#include "ops/elementwise/vocabulary-inl.h"

#if defined(ISTHMUS_ISA)
namespace isthmus::cpu::ISTHMUS_ISA::formulas {
#else
namespace isthmus::formulas {
#endif

#define C(number) Constant<V>::of(number)

// Bool elements are computed as uint8_t 0 and 1, which the integer kinds use too.
#define UNARY(NAME, KINDS, FILL, ATTRIBUTES, MEANING, ONNX, ACLNN, FORMULA)        \
  struct Unary_##NAME {                                                            \
    static constexpr int kKinds = KINDS;                                           \
    template <typename V>                                                          \
    ISTHMUS_FORMULA static V of(V x, [[maybe_unused]] V a, [[maybe_unused]] V b) { \
      return FORMULA;                                                              \
    }                                                                              \
  };
#define UNARY_TEST(NAME, KINDS, FILL, ATTRIBUTES, MEANING, ONNX, ACLNN, FORMULA)      \
  struct Unary_##NAME {                                                               \
    static constexpr int kKinds = KINDS;                                              \
    template <typename V>                                                             \
    ISTHMUS_FORMULA static auto of(V x, [[maybe_unused]] V a, [[maybe_unused]] V b) { \
      return FORMULA;                                                                 \
    }                                                                                 \
  };
#include "ops/elementwise/unary.inc"
#undef UNARY
#undef UNARY_TEST

#define BINARY(NAME, KINDS, FILL, MEANING, ONNX, ACLNN, FORMULA) \
  struct Binary_##NAME {                                         \
    static constexpr int kKinds = KINDS;                         \
    template <typename V>                                        \
    ISTHMUS_FORMULA static V of(V x, V y) {                      \
      return FORMULA;                                            \
    }                                                            \
  };
#define COMPARE(NAME, KINDS, FILL, MEANING, ONNX, ACLNN, FORMULA) \
  struct Binary_##NAME {                                          \
    static constexpr int kKinds = KINDS;                          \
    template <typename V>                                         \
    ISTHMUS_FORMULA static auto of(V x, V y) {                    \
      return FORMULA;                                             \
    }                                                             \
  };
#include "ops/elementwise/binary.inc"
#undef BINARY
#undef COMPARE
#undef C

}  // namespace
