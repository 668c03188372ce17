// SPDX-License-Identifier: Apache-2.0
// The host's side of sort.cl.
#include "ops/portable/portable.h"
#include "ops/portable/rows.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

constexpr int64_t kRun = 32;  // found by counting, without merging

struct Sort {
  Loops rows;
  int64_t width, kept, x_step, values_step, indices_step;
};

enum { kX, kValues, kIndices };
enum { kRuns, kMerge, kStore };

Result<PortablePlan> prepare(const PortableQuery& query) {
  const isthmus_operand_t& most = query.operands[kX];
  const int32_t rank = most.rank;
  const Dtype dtype = query.dtype(kX);
  ASSIGN_OR_RETURN(const int axis, check_axis(query.attributes.i("axis"), rank));
  if (most.dims[axis] > INT32_MAX) return unimplemented("rows of more than 2^31 - 1 elements");
  int64_t elements = 1;
  for (int d = 0; d < rank; ++d) elements *= most.dims[d];
  const bool descending =
      query.op.name == "sort" ? query.attributes.i("descending") != 0 : query.attributes.i("largest") != 0;
  PortablePlan plan;
  plan.source = "sort/sort.cl";
  plan.entries = {"runs", "merge", "store"};
  plan.divides = false;
  plan.f64 = dtype == Dtype::kF64;
  plan.define("X", std::string(dtype_name(dtype))).define("DESCENDING", int64_t{descending});
  plan.define("RUN", kRun);
  plan.workspace_bytes = 2 * sizeof(int32_t) * static_cast<uint64_t>(elements);
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[kX], &values = run.operands[kValues],
                               &indices = run.operands[kIndices];
    Sort p = {};
    p.rows = row_loops<3>({x, values, indices}, rank, axis);
    p.width = x.dims[axis];
    p.kept = values.dims[axis];
    p.x_step = x.strides[axis];
    p.values_step = values.strides[axis];
    p.indices_step = indices.strides[axis];
    const int64_t rows = loop_elements(p.rows), n = rows * p.width, stored = rows * p.kept;
    if (stored == 0) return ok();
    isthmus_address_t from = run.workspace, to = run.workspace + static_cast<uint64_t>(n) * sizeof(int32_t);
    KernelArguments counting;
    counting.operand(x).address(from).value(p).value(n);
    RETURN_IF_ERROR(run.launch(kRuns, Grid::items(n), counting));
    for (int64_t length = kRun; length < p.width; length *= 2) {
      KernelArguments merging;
      merging.operand(x).address(from).address(to).value(p).value(length).value(n);
      RETURN_IF_ERROR(run.launch(kMerge, Grid::items(n), merging));
      std::swap(from, to);
    }
    KernelArguments storing;
    storing.operand(x).address(from).operand(values).operand(indices).value(p).value(stored);
    return run.launch(kStore, Grid::items(stored), storing);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"sort", prepare}, {"top_k", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(sort, kernels)
