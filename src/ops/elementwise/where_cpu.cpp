// SPDX-License-Identifier: Apache-2.0
// CPU kernel of where: elements are moved as they are stored.
#include "ops/elementwise/blocks-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

template <typename T>
void choose(const void* const* in, void* out, int64_t n, const double*) {
  const uint8_t* condition = (const uint8_t*)in[0];
  const T* x = (const T*)in[1];
  const T* y = (const T*)in[2];
  T* z = (T*)out;
  for (int64_t i = 0; i < n; ++i) z[i] = condition[i] ? x[i] : y[i];
}

template <typename T>
void set(BlockPlan& p) {
  p.fn = choose<T>;
  p.gather[1] = p.gather[2] = gather_plain<T>;
  p.scatter = scatter_plain<T>;
  p.direct[1] = p.direct[2] = p.direct[3] = true;
}

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  prepare_blocks(query, plan, choose<uint8_t>);
  BlockPlan& p = plan_data<BlockPlan>(plan);
  switch (p.bytes[1]) {
    case 1: set<uint8_t>(p); break;
    case 2: set<uint16_t>(p); break;
    case 4: set<uint32_t>(p); break;
    default: set<uint64_t>(p); break;
  }
  return nullptr;
}

}  // namespace

ISTHMUS_CPU_KERNELS(where, {"where", "blocks", prepare, run_blocks, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
