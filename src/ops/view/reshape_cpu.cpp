// SPDX-License-Identifier: Apache-2.0
// reshape as a copy, for the callers that cannot take a view.
#include <cstring>

#include "devices/cpu/kernel.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

struct ReshapePlan {
  int64_t element_bytes;
  int x_rank, y_rank;
};

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  plan_data<ReshapePlan>(plan) = {bytes_of(query.operands[0].dtype, 1), query.operands[0].rank,
                                  query.operands[1].rank};
  return nullptr;
}

int64_t offset_of(const isthmus_tensor_arg_t& t, int rank, int64_t linear) {
  int64_t offset = 0;
  for (int i = rank - 1; i >= 0; --i) {
    offset += linear % t.dims[i] * t.strides[i];
    linear /= t.dims[i];
  }
  return offset;
}

void run(const Run& run, const Team& team) {
  const auto& plan = plan_data<ReshapePlan>(*run.plan);
  const isthmus_tensor_arg_t &x = run.operands[0], &y = run.operands[1];
  int64_t n = 1;
  for (int i = 0; i < plan.x_rank; ++i) n *= x.dims[i];
  int64_t begin, end;
  team.split(n, 64, &begin, &end);
  for (int64_t i = begin; i < end; ++i)
    std::memcpy(run.data<char>(1) + offset_of(y, plan.y_rank, i) * plan.element_bytes,
                run.data<char>(0) + offset_of(x, plan.x_rank, i) * plan.element_bytes, plan.element_bytes);
}

}  // namespace

ISTHMUS_CPU_KERNELS(reshape, {"reshape", "copy", prepare, run, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
