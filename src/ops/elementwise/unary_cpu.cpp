// SPDX-License-Identifier: Apache-2.0
// CPU kernels of the unary operators: every row of unary.inc as a function over blocks.
#include "ops/elementwise/blocks-inl.h"
#include "ops/elementwise/formulas-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

using namespace formulas;

template <typename Row>
void unary_f32(const void* const* in, void* out, int64_t n, const double* attributes) {
  const float* x = (const float*)in[0];
  float* y = (float*)out;
  const F32x16 a = set1((float)attributes[0]), b = set1((float)attributes[1]);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) store(y + i, Row::of(load(x + i), a, b));
  if (i < n) store_n(y + i, Row::of(load_n(x + i, (int)(n - i)), a, b), (int)(n - i));
}

template <typename Row, typename In, typename Out>
void unary_scalar(const void* const* in, void* out, int64_t n, const double* attributes) {
  const In* x = (const In*)in[0];
  Out* y = (Out*)out;
  const In a = saturate<In>(attributes[0]), b = saturate<In>(attributes[1]);
  for (int64_t i = 0; i < n; ++i) y[i] = Row::of(x[i], a, b);
}

template <typename Row, typename T, bool test>
BlockFn choose() {
  if constexpr ((Row::kKinds & TypeFacts<T>::kKind) == 0)
    return nullptr;
  else if constexpr (test)
    return unary_scalar<Row, T, uint8_t>;
  else
    return unary_scalar<Row, T, T>;
}

template <typename Row, bool test>
const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  BlockFn fn = nullptr;
  switch (query.operands[0].dtype) {
    case ISTHMUS_F32:
    case ISTHMUS_F16:
    case ISTHMUS_BF16:
      if constexpr (test)
        fn = choose<Row, float, true>();
      else if constexpr ((Row::kKinds & kF32Kind) != 0)
        fn = unary_f32<Row>;
      break;
    case ISTHMUS_F64: fn = choose<Row, double, test>(); break;
    case ISTHMUS_I8: fn = choose<Row, int8_t, test>(); break;
    case ISTHMUS_I16: fn = choose<Row, int16_t, test>(); break;
    case ISTHMUS_I32: fn = choose<Row, int32_t, test>(); break;
    case ISTHMUS_I64: fn = choose<Row, int64_t, test>(); break;
    case ISTHMUS_U8: fn = choose<Row, uint8_t, test>(); break;
    case ISTHMUS_U16: fn = choose<Row, uint16_t, test>(); break;
    case ISTHMUS_U32: fn = choose<Row, uint32_t, test>(); break;
    case ISTHMUS_U64: fn = choose<Row, uint64_t, test>(); break;
    case ISTHMUS_BOOL:
      if constexpr ((Row::kKinds & kBoolKind) != 0) fn = unary_scalar<Row, uint8_t, uint8_t>;
      break;
    default: break;
  }
  return prepare_blocks(query, plan, fn);
}

}  // namespace

#define UNARY(NAME, ...) {#NAME, "blocks", prepare<Unary_##NAME, false>, run_blocks, nullptr},
#define UNARY_TEST(NAME, ...) {#NAME, "blocks", prepare<Unary_##NAME, true>, run_blocks, nullptr},
extern const Kernel kernels_unary[];
const Kernel kernels_unary[] = {
#include "ops/elementwise/unary.inc"
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

}  // namespace isthmus::cpu::ISTHMUS_ISA
