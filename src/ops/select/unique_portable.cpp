// SPDX-License-Identifier: Apache-2.0
// The host's side of unique.cl.
#include "ops/portable/portable.h"
#include "ops/portable/rows.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

constexpr int64_t kRun = 32, kChunk = 128;

struct Unique {
  Loops slice;
  int64_t elements, n, x_step, values_step, inverse_step, counts_step;
};

enum { kRuns, kMerge, kMark, kTally, kTotals, kNumber, kCountEach, kStore };

Result<PortablePlan> prepare(const PortableQuery& query) {
  const isthmus_operand_t& most = query.operands[0];
  const int32_t rank = most.rank;
  const Dtype dtype = query.dtype(0);
  ASSIGN_OR_RETURN(const int axis, check_axis(query.attributes.i("axis"), rank));
  if (most.dims[axis] > INT32_MAX) return unimplemented("more than 2^31 - 1 slices");
  const bool consecutive = query.attributes.i("consecutive") != 0;
  PortablePlan plan;
  plan.source = "select/unique.cl";
  plan.entries = {"runs", "merge", "mark", "tally", "totals", "number", "count_each", "store"};
  plan.divides = false;
  plan.f64 = dtype == Dtype::kF64;
  plan.define("X", std::string(dtype_name(dtype))).define("RUN", kRun).define("CHUNK", kChunk);
  // Two lists while sorting; then the order, what begins a group, where groups begin, and the chunks' counts.
  const auto room = static_cast<uint64_t>(most.dims[axis]) * sizeof(int32_t);
  plan.workspace_bytes = 4 * room + sizeof(int32_t);
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &values = run.operands[1], &inverse = run.operands[2],
                               &counts = run.operands[3], &count = run.operands[4];
    Unique p = {};
    p.slice = row_loops<2>({x, values}, rank, axis);
    p.elements = loop_elements(p.slice);
    p.n = x.dims[axis];
    p.x_step = x.strides[axis];
    p.values_step = values.strides[axis];
    p.inverse_step = inverse.strides[0];
    p.counts_step = counts.strides[0];
    const auto list = static_cast<uint64_t>(p.n) * sizeof(int32_t);
    isthmus_address_t order = run.workspace, first = order + list;
    const isthmus_address_t begins = order + 2 * list, starts = order + 3 * list;
    const int64_t chunks = (p.n + kChunk - 1) / kChunk;
    KernelArguments sorting, marking, tallying, adding, numbering, counting, storing;
    sorting.operand(x).address(order).value(p).value(int32_t{!consecutive});
    RETURN_IF_ERROR(run.launch(kRuns, Grid::items(p.n), sorting));
    for (int64_t length = kRun; length < p.n && !consecutive; length *= 2) {
      KernelArguments merging;
      merging.operand(x).address(order).address(first).value(p).value(length);
      RETURN_IF_ERROR(run.launch(kMerge, Grid::items(p.n), merging));
      std::swap(order, first);
    }
    marking.operand(x).address(order).address(first).value(p);
    RETURN_IF_ERROR(run.launch(kMark, Grid::items(p.n), marking));
    tallying.address(first).address(starts).value(p.n).value(chunks);
    RETURN_IF_ERROR(run.launch(kTally, Grid::items(chunks), tallying));
    adding.address(starts).operand(count).value(chunks);
    RETURN_IF_ERROR(run.launch(kTotals, Grid::items(1, 1), adding));
    numbering.address(order).address(first).address(starts).address(begins).operand(inverse);
    numbering.value(p).value(chunks);
    RETURN_IF_ERROR(run.launch(kNumber, Grid::items(chunks), numbering));
    counting.address(begins).operand(count).operand(counts).value(p);
    RETURN_IF_ERROR(run.launch(kCountEach, Grid::items(p.n), counting));
    storing.operand(x).address(order).address(begins).operand(count).operand(values).value(p);
    return run.launch(kStore, Grid::items(p.n * p.elements), storing);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"unique", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(unique, kernels)
