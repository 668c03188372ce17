// SPDX-License-Identifier: Apache-2.0
// An operator with the kernel that takes it.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "devices/cpu/kernel_table.h"

namespace isthmus::cpu {

struct PreparedOp {
  // The first kernel that takes the query, of the best instruction set up to `best`. `result` points into
  // what is given back, which points to `tuning`.
  static Result<std::unique_ptr<PreparedOp>> prepare(const IsaKernels* best, const CpuTuning& tuning,
                                                     const isthmus_op_query_t& query,
                                                     isthmus_prepared_t& result);
  Status pack(int32_t input, const void* src, void* dst) const;

  const Kernel* kernel;
  Plan plan;
  std::string implementation;
  std::string refused;  // why better kernels did not take it
  int operand_count;
  int32_t ranks[ISTHMUS_MAX_OPERANDS];
  uint32_t sizing = 0;  // bits of the operands whose element counts say how big a run is

 private:
  Status choose_kernel(const IsaKernels* best, const CpuTuning& tuning, const isthmus_op_query_t& query);
};

}  // namespace isthmus::cpu
