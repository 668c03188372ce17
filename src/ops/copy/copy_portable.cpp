// SPDX-License-Identifier: Apache-2.0
// Portable kernels of what only moves elements: each operator looks at its operands in another way, and
// move.cl copies.
#include <algorithm>
#include <array>

#include "ops/copy/move.h"
#include "ops/copy/slice_range-inl.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using Arg = isthmus_tensor_arg_t;

PortablePlan move_plan(const PortableQuery& query) {
  PortablePlan plan;
  plan.source = "copy/move.cl";
  plan.entries = {"move"};
  plan.divides = false;
  plan.define("W", word_of(query.dtype(0)));
  return plan;
}

// copy, reshape and its kin: the order stays.
Result<PortablePlan> prepare_order(const PortableQuery& query) {
  PortablePlan plan = move_plan(query);
  const int32_t x_rank = query.operands[0].rank, y_rank = query.operands[1].rank;
  plan.run = [=](const PortableRun& run) {
    return move_elements(run, run.operands[0], x_rank, run.operands[1], y_rank);
  };
  return plan;
}

Result<PortablePlan> prepare_transpose(const PortableQuery& query) {
  const int32_t rank = query.operands[0].rank;
  const std::vector<int64_t>& given = query.attributes.ints("perm");
  std::array<int32_t, ISTHMUS_MAX_RANK> perm{};
  for (int32_t i = 0; i < rank; ++i)
    perm[i] = given.empty() ? rank - 1 - i : static_cast<int32_t>(given[i] < 0 ? given[i] + rank : given[i]);
  PortablePlan plan = move_plan(query);
  plan.run = [=](const PortableRun& run) {
    const Arg& x = run.operands[0];
    Arg view = x;
    for (int32_t i = 0; i < rank; ++i) {
      view.dims[i] = x.dims[perm[i]];
      view.strides[i] = x.strides[perm[i]];
    }
    return move_elements(run, view, rank, run.operands[1], rank);
  };
  return plan;
}

Result<PortablePlan> prepare_expand(const PortableQuery& query) {
  const int32_t x_rank = query.operands[0].rank, y_rank = query.operands[1].rank;
  PortablePlan plan = move_plan(query);
  plan.run = [=](const PortableRun& run) {
    const Arg &x = run.operands[0], &y = run.operands[1];
    Arg view = y;
    view.address = x.address;
    for (int32_t i = 0; i < y_rank; ++i) {
      const int32_t own = i - (y_rank - x_rank);
      view.strides[i] = own < 0 || x.dims[own] == 1 ? 0 : x.strides[own];
    }
    return move_elements(run, view, y_rank, y, y_rank);
  };
  return plan;
}

Result<PortablePlan> prepare_slice(const PortableQuery& query) {
  struct Part {
    int64_t start = 0, end = kSliceToEnd, step = 1;
  };
  const int32_t rank = query.operands[0].rank;
  const std::vector<int64_t>&starts = query.attributes.ints("starts"), &ends = query.attributes.ints("ends");
  const std::vector<int64_t>&axes = query.attributes.ints("axes"), &steps = query.attributes.ints("steps");
  std::array<Part, ISTHMUS_MAX_RANK> parts;
  for (size_t i = 0; i < starts.size(); ++i) {
    const int64_t axis = axes.empty() ? static_cast<int64_t>(i) : axes[i];
    parts[axis < 0 ? axis + rank : axis] = {starts[i], ends[i], steps.empty() ? 1 : steps[i]};
  }
  const int64_t bytes = dtype_info(query.dtype(0)).block_bytes;
  PortablePlan plan = move_plan(query);
  plan.run = [=](const PortableRun& run) {
    const Arg &x = run.operands[0], &y = run.operands[1];
    Arg view = y;
    int64_t first = 0;
    for (int32_t d = 0; d < rank; ++d) {
      const SliceRange range = slice_range(parts[d].start, parts[d].end, parts[d].step, x.dims[d]);
      if (range.count == 0) return ok();
      first += range.first * x.strides[d];
      // A step that is never taken may be of any size.
      view.strides[d] = range.count == 1 ? 0 : parts[d].step * x.strides[d];
    }
    view.address = x.address + static_cast<uint64_t>(first * bytes);
    return move_elements(run, view, rank, y, rank);
  };
  return plan;
}

Result<PortablePlan> prepare_concat(const PortableQuery& query) {
  const int32_t rank = query.operands[0].rank;
  const int inputs = query.input_count;
  ASSIGN_OR_RETURN(const int axis, check_axis(query.attributes.i("axis"), rank));
  const int64_t bytes = dtype_info(query.dtype(0)).block_bytes;
  PortablePlan plan = move_plan(query);
  plan.run = [=](const PortableRun& run) {
    const Arg& y = run.operands[inputs];
    int64_t before = 0;
    for (int i = 0; i < inputs; ++i) {
      const Arg& x = run.operands[i];
      Arg part = y;
      part.dims[axis] = x.dims[axis];
      part.address = y.address + static_cast<uint64_t>(before * y.strides[axis] * bytes);
      RETURN_IF_ERROR(move_elements(run, x, rank, part, rank));
      before += x.dims[axis];
    }
    return ok();
  };
  return plan;
}

std::vector<PortableKernel> kernels() {
  std::vector<PortableKernel> all;
  for (const char* name : {"copy", "reshape", "squeeze", "unsqueeze", "flatten"})
    all.push_back({name, prepare_order});
  all.push_back({"transpose", prepare_transpose});
  all.push_back({"expand", prepare_expand});
  all.push_back({"slice", prepare_slice});
  all.push_back({"concat", prepare_concat});
  return all;
}

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(copy, kernels)
