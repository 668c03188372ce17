// SPDX-License-Identifier: Apache-2.0
#include "devices/cpu/prepared_op.h"

#include <cstring>

namespace isthmus::cpu {

Status PreparedOp::choose_kernel(const IsaKernels* best, const CpuTuning& tuning,
                                 const isthmus_op_query_t& query) {
  if (query.input_count + query.output_count > ISTHMUS_MAX_OPERANDS)
    return unimplemented("more than 16 operands");
  if (const char* reason = unknown_to_kernels(query)) return unimplemented("{}", reason);
  const IsaKernels* isas[8];
  const int isa_count = usable_isas(best, isas, 8);
  for (int i = 0; i < isa_count; ++i) {
    for (const Kernel* const* list = isas[i]->lists; *list; ++list) {
      for (const Kernel* candidate = *list; candidate->op; ++candidate) {
        if (std::strcmp(candidate->op, query.name) != 0) continue;
        std::memset(&plan, 0, sizeof plan);
        plan.phases = 1;
        plan.tuning = &tuning;
        const char* reason = candidate->prepare(query, plan);
        if (!reason) {
          kernel = candidate;
          implementation = fmt::format("{} {}", isas[i]->isa, kernel->name);
          return ok();
        }
        refused +=
            fmt::format("{}{} {}: {}", refused.empty() ? "" : "; ", isas[i]->isa, candidate->name, reason);
      }
    }
  }
  if (refused.empty()) return unimplemented("there is no CPU kernel for it");
  return unimplemented("{}", refused);
}

Result<std::unique_ptr<PreparedOp>> PreparedOp::prepare(const IsaKernels* best, const CpuTuning& tuning,
                                                        const isthmus_op_query_t& query,
                                                        isthmus_prepared_t& result) {
  auto op = std::make_unique<PreparedOp>();
  RETURN_IF_ERROR(op->choose_kernel(best, tuning, query));
  op->operand_count = query.input_count + query.output_count;
  for (int o = 0; o < op->operand_count; ++o) {
    op->ranks[o] = query.operands[o].rank;
    // Weights and caches may be big where little of them is read: a row of an embedding, one cache entry.
    if (query.operands[o].role == ISTHMUS_ROLE_ACTIVATION) op->sizing |= 1u << o;
  }
  result.workspace_bytes = op->plan.workspace_bytes;
  result.implementation = op->implementation.c_str();
  result.refused = op->refused.empty() ? nullptr : op->refused.c_str();
  for (int o = 0; o < ISTHMUS_MAX_OPERANDS; ++o) {
    result.packed_layout[o] = op->plan.packed_layout[o];
    result.packed_bytes[o] = op->plan.packed_bytes[o];
  }
  return op;
}

Status PreparedOp::pack(int32_t input, const void* src, void* dst) const {
  if (!kernel->pack || input < 0 || input >= ISTHMUS_MAX_OPERANDS || !plan.packed_layout[input])
    return invalid_argument("this operand is not packed");
  kernel->pack(plan, input, src, dst);
  return ok();
}

}  // namespace isthmus::cpu
