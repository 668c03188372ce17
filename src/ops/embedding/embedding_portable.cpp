// SPDX-License-Identifier: Apache-2.0
// The host's side of embedding.cl.
#include "base/dtype.h"
#include "ops/portable/blocks.h"
#include "ops/portable/portable.h"
#include "ops/portable/rows.h"

namespace isthmus {
namespace {

struct Embedding {
  Loops rows;
  int64_t count, width, table_rows;
  int64_t table_row, table_step, y_step;
};

Result<PortablePlan> prepare(const PortableQuery& query) {
  const Dtype table = query.dtype(1);
  const int32_t rank = query.operands[0].rank;  // of ids; y has one more
  const int64_t part = is_block(table) ? 32 : 1;
  PortablePlan plan;
  plan.source = "embedding/embedding.cl";
  plan.entries = {"embedding"};
  plan.divides = false;
  plan.define("ID", std::string(dtype_name(query.dtype(0)))).define("PART", part);
  if (is_block(table))
    define_blocks(plan, table);
  else
    plan.define("W", std::string(dtype_name(table)));
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t &w = run.operands[1], &y = run.operands[2];
    isthmus_tensor_arg_t ids = run.operands[0];
    ids.dims[rank] = 1;
    ids.strides[rank] = 0;
    Embedding p = {};
    p.rows = row_loops<2>({ids, y}, rank + 1, rank);
    p.count = loop_elements(p.rows);
    p.width = w.dims[1];
    p.table_rows = w.dims[0];
    p.table_row = is_block(table) ? static_cast<int64_t>(dtype_bytes(table, w.strides[0])) : w.strides[0];
    p.table_step = w.strides[1];
    p.y_step = y.strides[rank];
    KernelArguments arguments;
    arguments.operand(run.operands[0]).operand(w).operand(y).value(p);
    return run.launch(0, Grid::items(p.count * (p.width / part)), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"embedding", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(embedding, kernels)
