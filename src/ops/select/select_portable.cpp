// SPDX-License-Identifier: Apache-2.0
// The host's side of select.cl.
#include <algorithm>

#include "ops/portable/loops.h"
#include "ops/portable/portable.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using Arg = isthmus_tensor_arg_t;

constexpr int64_t kChunk = 128;

enum { kTally, kTotals, kChoose, kClear, kFront };

PortablePlan plan_of(const PortableQuery& query, int mask, bool coordinates, Dtype moved) {
  PortablePlan plan;
  plan.source = "select/select.cl";
  plan.entries = {"tally", "totals", "choose", "clear", "front"};
  plan.divides = false;
  plan.define("W", word_of(moved)).define("COORDINATES", int64_t{coordinates}).define("CHUNK", kChunk);
  plan.define("M", std::string(dtype_name(query.dtype(mask))));
  plan.f64 = query.dtype(mask) == Dtype::kF64;
  return plan;
}

// Loops over the broadcast of two operands, no dimensions merged: coordinates count them.
Loops all_dims(const Arg& a, int a_rank, const Arg& b, int b_rank) {
  Loops loops = {};
  const int rank = std::max(a_rank, b_rank);
  loops.rank = std::max(rank, 1);
  loops.dims[0] = 1;
  const auto put = [&](int k, const Arg& arg, int own_rank) {
    for (int own = 0; own < own_rank; ++own) {
      const int d = own + rank - own_rank;
      if (arg.dims[own] == 1) continue;
      loops.dims[d] = arg.dims[own];
      loops.strides[k][d] = arg.strides[own];
    }
  };
  for (int d = 0; d < rank; ++d) loops.dims[d] = 1;
  put(0, a, a_rank);
  put(1, b, b_rank);
  return loops;
}

Result<PortablePlan> prepare_select(const PortableQuery& query) {
  const bool coordinates = query.op.name == "nonzero";
  const int mask = coordinates ? 0 : 1, out = mask + 1;
  const int rank = query.operands[0].rank, mask_rank = query.operands[mask].rank;
  PortablePlan plan = plan_of(query, mask, coordinates, query.dtype(out));
  const int64_t most = query.operands[out].dims[0];
  plan.workspace_bytes = sizeof(int64_t) * static_cast<uint64_t>((most + kChunk - 1) / kChunk + 1);
  plan.run = [=](const PortableRun& run) {
    const Arg &x = run.operands[0], &chosen = run.operands[mask], &result = run.operands[out],
              &count = run.operands[out + 1];
    const Loops in = all_dims(x, rank, chosen, mask_rank);
    const int64_t n = loop_elements(in), chunks = (n + kChunk - 1) / kChunk;
    KernelArguments tallying, adding, choosing, clearing;
    tallying.operand(chosen).address(run.workspace).value(in).value(n).value(chunks);
    RETURN_IF_ERROR(run.launch(kTally, Grid::items(chunks), tallying));
    adding.address(run.workspace).operand(count).value(chunks);
    RETURN_IF_ERROR(run.launch(kTotals, Grid::items(1, 1), adding));
    const int64_t width = coordinates ? rank : 1, step = result.strides[0];
    const int64_t next = coordinates ? result.strides[1] : 0;
    if (n == 0 || width == 0) return ok();
    choosing.operand(x).operand(chosen).address(run.workspace).operand(result);
    choosing.value(in).value(step).value(next).value(n).value(chunks);
    RETURN_IF_ERROR(run.launch(kChoose, Grid::items(chunks), choosing));
    clearing.operand(count).operand(result).value(step).value(next).value(width).value(n);
    return run.launch(kClear, Grid::items(n), clearing);
  };
  return plan;
}

Result<PortablePlan> prepare_front(const PortableQuery& query) {
  const int32_t rank = query.operands[0].rank;
  ASSIGN_OR_RETURN(const int axis, check_axis(query.attributes.i("axis"), rank));
  PortablePlan plan = plan_of(query, 1, false, query.dtype(0));
  plan.run = [=](const PortableRun& run) {
    const Arg &x = run.operands[0], &count = run.operands[1], &y = run.operands[2];
    Loops from = {};
    from.rank = rank;
    for (int d = 0; d < rank; ++d) {
      from.dims[d] = x.dims[d];
      from.strides[0][d] = x.strides[d];
    }
    Loops to = from;
    for (int d = 0; d < rank; ++d) to.strides[0][d] = y.strides[d];
    const int64_t n = loop_elements(to);
    KernelArguments arguments;
    arguments.operand(x).operand(count).operand(y).value(from).value(to).value(int64_t{axis}).value(n);
    return run.launch(kFront, Grid::items(n), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() {
  return {{"masked_select", prepare_select}, {"nonzero", prepare_select}, {"keep_front", prepare_front}};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(select, kernels)
