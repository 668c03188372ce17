// SPDX-License-Identifier: Apache-2.0
// CPU kernels of the binary operators: every row of binary.inc as a function over blocks.
#include "ops/elementwise/blocks-inl.h"
#include "ops/elementwise/formulas-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

using namespace formulas;

template <typename Row>
void binary_f32(const void* const* in, void* out, int64_t n, const double*) {
  const float* x = (const float*)in[0];
  const float* y = (const float*)in[1];
  float* z = (float*)out;
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) store(z + i, Row::of(load(x + i), load(y + i)));
  if (i < n) {
    const int rest = (int)(n - i);
    store_n(z + i, Row::of(load_n(x + i, rest), load_n(y + i, rest)), rest);
  }
}

template <typename Row, typename In, typename Out>
void binary_scalar(const void* const* in, void* out, int64_t n, const double*) {
  const In* x = (const In*)in[0];
  const In* y = (const In*)in[1];
  Out* z = (Out*)out;
  for (int64_t i = 0; i < n; ++i) z[i] = Row::of(x[i], y[i]);
}

template <typename Row, typename T, bool test>
BlockFn choose() {
  if constexpr ((Row::kKinds & TypeFacts<T>::kKind) == 0)
    return nullptr;
  else if constexpr (test)
    return binary_scalar<Row, T, uint8_t>;
  else
    return binary_scalar<Row, T, T>;
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
        fn = binary_f32<Row>;
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
      if constexpr ((Row::kKinds & kBoolKind) != 0) fn = binary_scalar<Row, uint8_t, uint8_t>;
      break;
    default: break;
  }
  return prepare_blocks(query, plan, fn);
}

}  // namespace

#define BINARY(NAME, ...) {#NAME, "blocks", prepare<Binary_##NAME, false>, run_blocks, nullptr},
#define COMPARE(NAME, ...) {#NAME, "blocks", prepare<Binary_##NAME, true>, run_blocks, nullptr},
extern const Kernel kernels_binary[];
const Kernel kernels_binary[] = {
#include "ops/elementwise/binary.inc"
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

}  // namespace isthmus::cpu::ISTHMUS_ISA
