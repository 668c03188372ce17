// SPDX-License-Identifier: Apache-2.0
// index_copy on the CPU: a slice of x belongs to one thread, which writes it in the order of the indices.
#include "ops/copy/move-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

struct CopyPlan {
  int rank, axis, bytes;
  bool wide;  // I64 indices
};

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  const isthmus_operand_t& x = query.operands[0];
  const int64_t axis = attribute_int(query, "axis");
  plan_data<CopyPlan>(plan) = {x.rank, (int)(axis < 0 ? axis + x.rank : axis), (int)bytes_of(x.dtype, 1),
                               query.operands[1].dtype == ISTHMUS_I64};
  return nullptr;
}

void run_copy(const Run& run, const Team& team) {
  const CopyPlan& p = plan_data<CopyPlan>(*run.plan);
  const isthmus_tensor_arg_t &x = run.operands[0], &indices = run.operands[1], &source = run.operands[2];
  const Team alone(0, 1, nullptr);
  int64_t dims[ISTHMUS_MAX_RANK], elements = 1;
  for (int d = 0; d < p.rank; ++d) {
    dims[d] = d == p.axis ? 1 : x.dims[d];
    elements *= dims[d];
  }
  for (int64_t n = 0; n < indices.dims[0] && elements > 0; ++n) {
    const int64_t at = n * indices.strides[0];
    int64_t i = p.wide ? run.data<int64_t>(1)[at] : run.data<int32_t>(1)[at];
    if (i < 0) i += x.dims[p.axis];
    if (i < 0 || i >= x.dims[p.axis] || i % team.count() != team.index()) continue;
    move_strided(alone, run.data<unsigned char>(0) + i * x.strides[p.axis] * p.bytes, x.strides,
                 run.data<unsigned char>(2) + n * source.strides[p.axis] * p.bytes, source.strides, dims,
                 p.rank, p.bytes);
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(index_copy, {"index_copy", "slices", prepare, run_copy, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
