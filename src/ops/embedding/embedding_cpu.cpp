// SPDX-License-Identifier: Apache-2.0
// CPU kernel of embedding: rows are shared out over threads; block formats go through the dequantiser of the
// base layer.
#include "base/block_formats.h"
#include "devices/cpu/kernel.h"
#include "ops/elementwise/blocks-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

struct EmbeddingPlan {
  int ids_rank;
  isthmus_dtype_t ids, table;
  bool block;
  int element_bytes;
  GatherFn gather;
};

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  EmbeddingPlan& p = plan_data<EmbeddingPlan>(plan);
  const isthmus_operand_t* operands = query.operands;
  p.ids_rank = operands[0].rank;
  p.ids = operands[0].dtype;
  p.table = operands[1].dtype;
  p.block = p.table >= ISTHMUS_Q4_0;
  if (!p.block) {
    p.element_bytes = element_bytes(p.table);
    p.gather = gather_of(p.table);
  }
  if (!operands[2].contiguous && operands[2].rank > 0 && operands[2].strides[operands[2].rank - 1] != 1)
    return "rows of the output must be dense";
  return nullptr;
}

void run(const Run& run, const Team& team) {
  const EmbeddingPlan& p = plan_data<EmbeddingPlan>(*run.plan);
  const isthmus_tensor_arg_t& ids = run.operands[0];
  const isthmus_tensor_arg_t& table = run.operands[1];
  const isthmus_tensor_arg_t& y = run.operands[2];
  const int64_t rows = table.dims[0], width = table.dims[1];
  int64_t count = 1;
  for (int d = 0; d < p.ids_rank; ++d) count *= ids.dims[d];
  int64_t begin, end;
  team.split(count, 1, &begin, &end);
  for (int64_t t = begin; t < end; ++t) {
    int64_t rest = t, ids_at = 0, y_at = 0;
    for (int d = p.ids_rank - 1; d >= 0; --d) {
      const int64_t index = rest % ids.dims[d];
      rest /= ids.dims[d];
      ids_at += index * ids.strides[d];
      y_at += index * y.strides[d];
    }
    const int64_t id = p.ids == ISTHMUS_I32 ? run.data<int32_t>(0)[ids_at] : run.data<int64_t>(0)[ids_at];
    float* out = run.data<float>(2) + y_at;
    if (id < 0 || id >= rows) {
      for (int64_t i = 0; i < width; ++i) out[i] = __builtin_nanf("");
    } else if (p.block) {
      dequantize(static_cast<Dtype>(p.table),
                 run.data<unsigned char>(1) + bytes_of(p.table, id * table.strides[0]), out, width);
    } else {
      p.gather(out, run.data<unsigned char>(1) + id * table.strides[0] * p.element_bytes, table.strides[1],
               width);
    }
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(embedding, {"embedding", "rows", prepare, run, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
