// SPDX-License-Identifier: Apache-2.0
// Gated activations on the CPU: 16 lanes, elements split over the threads.
#include "devices/cpu/rows.h"
#include "ops/gated/activations-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

struct GatedPlan {
  isthmus_dtype_t dtype;
  int rank;
  bool contiguous;
};

const char* prepare_gated(const isthmus_op_query_t& query, Plan& plan) {
  GatedPlan& gated = plan_data<GatedPlan>(plan);
  gated.dtype = query.operands[0].dtype;
  gated.rank = query.operands[0].rank;
  gated.contiguous = all_contiguous(query);
  return nullptr;
}

// All dimensions as one row, for contiguous operands.
Rows whole(const isthmus_tensor_arg_t& arg, const GatedPlan& plan) {
  Rows rows = rows_of(arg, plan.dtype, plan.rank, -1);
  rows.outer_rank = 0;
  rows.length = rows.count;
  rows.count = 1;
  return rows;
}

template <typename F>
void run_gated(const Run& run, const Team& team) {
  const GatedPlan& plan = plan_data<GatedPlan>(*run.plan);
  Rows rows[3];
  for (int i = 0; i < 3; ++i)
    rows[i] = plan.contiguous ? whole(run.operands[i], plan)
                              : rows_of(run.operands[i], plan.dtype, plan.rank, plan.rank - 1);
  const Rows &gate = rows[0], &up = rows[1], &y = rows[2];
  int64_t begin, end;
  if (plan.contiguous && plan.dtype == ISTHMUS_F32) {
    const float *g = run.data<const float>(0), *u = run.data<const float>(1);
    float* out = run.data<float>(2);
    team.split(y.length, 64, &begin, &end);
    int64_t i = begin;
    for (; i + 16 <= end; i += 16) store(out + i, F{}(load(g + i)) * load(u + i));
    if (i < end) {
      const int n = static_cast<int>(end - i);
      store_n(out + i, F{}(load_n(g + i, n)) * load_n(u + i, n), n);
    }
    return;
  }
  // Pieces of 16 along the last dimension.
  const int64_t pieces = (y.length + 15) / 16;
  team.split(y.count * pieces, 1, &begin, &end);
  for (int64_t k = begin; k < end; ++k) {
    const int64_t row = k / pieces, i = k % pieces * 16;
    const int n = y.length - i < 16 ? static_cast<int>(y.length - i) : 16;
    const F32x16 value = F{}(load_row(gate, gate.offset(row), i, n))*load_row(up, up.offset(row), i, n);
    store_row(y, y.offset(row), i, n, value);
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(gated, {"swiglu", "16 lanes", prepare_gated, run_gated<Silu>, nullptr},
                    {"geglu", "16 lanes", prepare_gated, run_gated<GeluErf>, nullptr},
                    {"geglu_tanh", "16 lanes", prepare_gated, run_gated<GeluTanh>, nullptr},
                    {"reglu", "16 lanes", prepare_gated, run_gated<Relu>, nullptr},
                    {"glu", "16 lanes", prepare_gated, run_gated<Sigmoid>, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
