// SPDX-License-Identifier: Apache-2.0
// The rows of reduce.inc as structs, for the reference and, once per instruction set, for the kernels.
#pragma once

#include "ops/elementwise/vocabulary-inl.h"

#if defined(ISTHMUS_ISA)
namespace isthmus::cpu::ISTHMUS_ISA::formulas {
#else
namespace isthmus::formulas {
#endif

template <typename V>
ISTHMUS_FORMULA V lowest() {
  return Constant<V>::of(-kInfinity);
}
template <typename V>
ISTHMUS_FORMULA V highest() {
  return Constant<V>::of(kInfinity);
}
template <typename V>
ISTHMUS_FORMULA V add_square(V lane, V x) {
  if constexpr ((TypeFacts<V>::kKind & kFloats) != 0)
    return fma(x, x, lane);
  else
    return add(lane, multiply(x, x));
}
// What SHIFTED_REDUCE takes off: the largest element, or 0 when that is no finite number.
template <typename V>
ISTHMUS_FORMULA V shift_of(V largest) {
  return select(abs(largest) < Constant<V>::of(kInfinity), largest, Constant<V>::of(0));
}

#define C(number) Constant<V>::of(number)
#define LOWEST lowest<V>()
#define HIGHEST highest<V>()
#define ISTHMUS_REDUCE_ROW(NAME, KINDS, SHIFTED, START, STEP, FOLD, FINISH)                \
  struct Reduce_##NAME {                                                                   \
    static constexpr int kKinds = KINDS;                                                   \
    static constexpr bool kShifted = SHIFTED;                                              \
    template <typename V>                                                                  \
    ISTHMUS_FORMULA static V start() {                                                     \
      return START;                                                                        \
    }                                                                                      \
    template <typename V>                                                                  \
    ISTHMUS_FORMULA static V step(V lane, V x, [[maybe_unused]] V m) {                     \
      return STEP;                                                                         \
    }                                                                                      \
    template <typename V>                                                                  \
    ISTHMUS_FORMULA static V fold(V x, V y) {                                              \
      return FOLD;                                                                         \
    }                                                                                      \
    template <typename V>                                                                  \
    ISTHMUS_FORMULA static V finish(V total, [[maybe_unused]] V n, [[maybe_unused]] V m) { \
      return FINISH;                                                                       \
    }                                                                                      \
  };
#define REDUCE(NAME, KINDS, START, STEP, FOLD, FINISH, ...) \
  ISTHMUS_REDUCE_ROW(NAME, KINDS, false, START, STEP, FOLD, FINISH)
#define SHIFTED_REDUCE(NAME, KINDS, START, STEP, FOLD, FINISH, ...) \
  ISTHMUS_REDUCE_ROW(NAME, KINDS, true, START, STEP, FOLD, FINISH)
#include "ops/reduce/reduce.inc"
#undef REDUCE
#undef SHIFTED_REDUCE
#undef ISTHMUS_REDUCE_ROW
#undef C
#undef LOWEST
#undef HIGHEST

}  // namespace
