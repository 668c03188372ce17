// SPDX-License-Identifier: Apache-2.0
// CPU kernel of cast: one function per pair of computed types; F16 and BF16 pass through F32 on the way in
// and out.
#include "ops/elementwise/blocks-inl.h"
#include "ops/elementwise/vocabulary-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

using namespace formulas;

struct Truth;  // Bool as the target

template <typename From, typename To>
void convert(const void* const* in, void* out, int64_t n, const double*) {
  const From* x = (const From*)in[0];
  if constexpr (__is_same(To, Truth)) {
    uint8_t* y = (uint8_t*)out;
    for (int64_t i = 0; i < n; ++i) y[i] = x[i] != 0;
  } else {
    To* y = (To*)out;
    for (int64_t i = 0; i < n; ++i) {
      if constexpr (!is_float_type<To> && is_float_type<From>)
        y[i] = saturate<To>((double)x[i]);
      else
        y[i] = (To)x[i];
    }
  }
}

template <typename From>
BlockFn choose_to(isthmus_dtype_t to) {
  switch (to) {
    case ISTHMUS_F32:
    case ISTHMUS_F16:
    case ISTHMUS_BF16: return convert<From, float>;
    case ISTHMUS_F64: return convert<From, double>;
    case ISTHMUS_I8: return convert<From, int8_t>;
    case ISTHMUS_I16: return convert<From, int16_t>;
    case ISTHMUS_I32: return convert<From, int32_t>;
    case ISTHMUS_I64: return convert<From, int64_t>;
    case ISTHMUS_U8: return convert<From, uint8_t>;
    case ISTHMUS_U16: return convert<From, uint16_t>;
    case ISTHMUS_U32: return convert<From, uint32_t>;
    case ISTHMUS_U64: return convert<From, uint64_t>;
    case ISTHMUS_BOOL: return convert<From, Truth>;
    default: return nullptr;
  }
}

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  const isthmus_dtype_t to = query.operands[1].dtype;
  BlockFn fn = nullptr;
  switch (query.operands[0].dtype) {
    case ISTHMUS_F32:
    case ISTHMUS_F16:
    case ISTHMUS_BF16: fn = choose_to<float>(to); break;
    case ISTHMUS_F64: fn = choose_to<double>(to); break;
    case ISTHMUS_I8: fn = choose_to<int8_t>(to); break;
    case ISTHMUS_I16: fn = choose_to<int16_t>(to); break;
    case ISTHMUS_I32: fn = choose_to<int32_t>(to); break;
    case ISTHMUS_I64: fn = choose_to<int64_t>(to); break;
    case ISTHMUS_BOOL:
    case ISTHMUS_U8: fn = choose_to<uint8_t>(to); break;
    case ISTHMUS_U16: fn = choose_to<uint16_t>(to); break;
    case ISTHMUS_U32: fn = choose_to<uint32_t>(to); break;
    case ISTHMUS_U64: fn = choose_to<uint64_t>(to); break;
    default: break;
  }
  return prepare_blocks(query, plan, fn);
}

}  // namespace

ISTHMUS_CPU_KERNELS(cast, {"cast", "blocks", prepare, run_blocks, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
