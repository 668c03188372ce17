// SPDX-License-Identifier: Apache-2.0
// The host's side of gather.cl and scatter.cl.
#include <array>

#include "ops/copy/move.h"
#include "ops/elementwise/elementwise.h"
#include "ops/portable/loops.h"
#include "ops/portable/portable.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using Arg = isthmus_tensor_arg_t;

struct Indexed {
  int64_t depth, step;
  int64_t size[ISTHMUS_MAX_RANK], strides[ISTHMUS_MAX_RANK];
};

Indexed along_axis(const Arg& x, int axis) {
  Indexed indexed = {};
  indexed.depth = 1;
  indexed.size[0] = x.dims[axis];
  indexed.strides[0] = x.strides[axis];
  return indexed;
}
// The last dimension of indices holds coordinates of x from axis `first` on.
Indexed coordinates(const Arg& x, int64_t first, const Arg& indices, int32_t indices_rank) {
  Indexed indexed = {};
  indexed.depth = indices.dims[indices_rank - 1];
  indexed.step = indices.strides[indices_rank - 1];
  for (int64_t k = 0; k < indexed.depth; ++k) {
    indexed.size[k] = x.dims[first + k];
    indexed.strides[k] = x.strides[first + k];
  }
  return indexed;
}

// Operands seen with the dims of the loops one runs over them.
template <size_t kCount>
struct Views {
  std::array<Arg, kCount> views{};
  int32_t rank = 0;
  void add(int64_t dim, const std::array<int64_t, kCount>& strides) {
    for (size_t k = 0; k < kCount; ++k) {
      views[k].dims[rank] = dim;
      views[k].strides[rank] = strides[k];
    }
    ++rank;
  }
  Loops loops() const {
    std::array<int32_t, kCount> ranks;
    ranks.fill(rank);
    return make_loops(views.data(), ranks);
  }
};

// ---- gather: views of x, indices, y

PortablePlan gather_plan(const PortableQuery& query) {
  PortablePlan plan;
  plan.source = "gather/gather.cl";
  plan.entries = {"gather"};
  plan.divides = false;
  plan.define("W", word_of(query.dtype(0))).define("INDEX", std::string(dtype_name(query.dtype(1))));
  return plan;
}

Status launch_gather(const PortableRun& run, const Views<3>& views, const Indexed& indexed) {
  const Loops loops = views.loops();
  const int64_t n = loop_elements(loops);
  KernelArguments arguments;
  for (int i = 0; i < 3; ++i) arguments.operand(run.operands[i]);
  arguments.value(loops).value(indexed).value(n);
  return run.launch(0, Grid::items(n), arguments);
}

Result<PortablePlan> prepare_gather(const PortableQuery& query) {
  const int32_t rank = query.operands[0].rank, indices_rank = query.operands[1].rank;
  ASSIGN_OR_RETURN(const int axis, check_axis(query.attributes.i("axis"), rank));
  PortablePlan plan = gather_plan(query);
  plan.run = [=](const PortableRun& run) {
    const Arg &x = run.operands[0], &indices = run.operands[1], &y = run.operands[2];
    Views<3> views;
    for (int d = 0; d < axis; ++d) views.add(x.dims[d], {x.strides[d], 0, y.strides[d]});
    for (int d = 0; d < indices_rank; ++d)
      views.add(indices.dims[d], {0, indices.strides[d], y.strides[axis + d]});
    for (int d = axis + 1; d < rank; ++d)
      views.add(x.dims[d], {x.strides[d], 0, y.strides[d - 1 + indices_rank]});
    return launch_gather(run, views, along_axis(x, axis));
  };
  return plan;
}

Result<PortablePlan> prepare_gather_elements(const PortableQuery& query) {
  const int32_t rank = query.operands[0].rank;
  ASSIGN_OR_RETURN(const int axis, check_axis(query.attributes.i("axis"), rank));
  PortablePlan plan = gather_plan(query);
  plan.run = [=](const PortableRun& run) {
    const Arg &x = run.operands[0], &indices = run.operands[1], &y = run.operands[2];
    Views<3> views;
    for (int d = 0; d < rank; ++d)
      views.add(indices.dims[d], {d == axis ? 0 : x.strides[d], indices.strides[d], y.strides[d]});
    return launch_gather(run, views, along_axis(x, axis));
  };
  return plan;
}

Result<PortablePlan> prepare_gather_nd(const PortableQuery& query) {
  const int32_t rank = query.operands[0].rank, indices_rank = query.operands[1].rank;
  const int64_t batch = query.attributes.i("batch_dims");
  PortablePlan plan = gather_plan(query);
  plan.run = [=](const PortableRun& run) {
    const Arg &x = run.operands[0], &indices = run.operands[1], &y = run.operands[2];
    const Indexed indexed = coordinates(x, batch, indices, indices_rank);
    Views<3> views;
    for (int d = 0; d < indices_rank - 1; ++d)
      views.add(indices.dims[d], {d < batch ? x.strides[d] : 0, indices.strides[d], y.strides[d]});
    for (int64_t d = batch + indexed.depth; d < rank; ++d)
      views.add(x.dims[d], {x.strides[d], 0, y.strides[indices_rank - 1 + d - batch - indexed.depth]});
    return launch_gather(run, views, indexed);
  };
  return plan;
}

// ---- scatter: items are views of y, indices, updates; walk of indices, updates

enum { kX, kIndices, kUpdates, kY };

PortablePlan scatter_plan(const PortableQuery& query) {
  const std::string& reduction = query.attributes.s("reduction");
  const Dtype dtype = query.dtype(kX);
  int64_t how = 0;
  for (const char* name : {"none", "add", "mul", "max", "min"}) {
    if (reduction == name) break;
    ++how;
  }
  PortablePlan plan;
  plan.source = "gather/scatter.cl";
  plan.entries = {"move", "scatter"};
  plan.divides = false;
  plan.define("W", word_of(dtype)).define("INDEX", std::string(dtype_name(query.dtype(kIndices))));
  plan.define("HOW", how);
  if (how == 0) return plan;
  plan.define("X", std::string(dtype_name(dtype))).define("X_KIND", kind_of_dtype(dtype));
  plan.f64 = dtype == Dtype::kF64;
  return plan;
}

Status launch_scatter(const PortableRun& run, int32_t rank, const Views<3>& items, const Views<2>& walk,
                      const Indexed& indexed) {
  const Arg* t = run.operands;
  RETURN_IF_ERROR(move_elements(run, t[kX], rank, t[kY], rank));
  const Loops item_loops = items.loops(), walk_loops = walk.loops();
  const int64_t n = loop_elements(item_loops), count = loop_elements(walk_loops);
  KernelArguments arguments;
  arguments.operand(t[kIndices]).operand(t[kUpdates]).operand(t[kY]);
  arguments.value(item_loops).value(walk_loops).value(indexed).value(count).value(n);
  return run.launch(1, Grid::items(n), arguments);
}

Result<PortablePlan> prepare_scatter_elements(const PortableQuery& query) {
  const int32_t rank = query.operands[kX].rank;
  ASSIGN_OR_RETURN(const int axis, check_axis(query.attributes.i("axis"), rank));
  PortablePlan plan = scatter_plan(query);
  plan.run = [=](const PortableRun& run) {
    const Arg &indices = run.operands[kIndices], &updates = run.operands[kUpdates], &y = run.operands[kY];
    Views<3> items;
    Views<2> walk;
    for (int d = 0; d < rank; ++d) {
      if (d != axis)
        items.add(indices.dims[d], {y.strides[d], indices.strides[d], updates.strides[d]});
      else
        walk.add(indices.dims[d], {indices.strides[d], updates.strides[d]});
    }
    return launch_scatter(run, rank, items, walk, along_axis(y, axis));
  };
  return plan;
}

Result<PortablePlan> prepare_scatter_nd(const PortableQuery& query) {
  const int32_t rank = query.operands[kX].rank, indices_rank = query.operands[kIndices].rank;
  PortablePlan plan = scatter_plan(query);
  plan.run = [=](const PortableRun& run) {
    const Arg &indices = run.operands[kIndices], &updates = run.operands[kUpdates], &y = run.operands[kY];
    const Indexed indexed = coordinates(y, 0, indices, indices_rank);
    Views<3> items;
    Views<2> walk;
    for (int d = 0; d < indices_rank - 1; ++d)
      walk.add(indices.dims[d], {indices.strides[d], updates.strides[d]});
    for (int64_t d = indexed.depth; d < rank; ++d)
      items.add(y.dims[d], {y.strides[d], 0, updates.strides[indices_rank - 1 + d - indexed.depth]});
    return launch_scatter(run, rank, items, walk, indexed);
  };
  return plan;
}

// In place: a work item enters all slices' elements that lie at one place of a slice.
Result<PortablePlan> prepare_index_copy(const PortableQuery& query) {
  const int32_t rank = query.operands[0].rank;
  ASSIGN_OR_RETURN(const int axis, check_axis(query.attributes.i("axis"), rank));
  PortablePlan plan;
  plan.source = "gather/scatter.cl";
  plan.entries = {"scatter"};
  plan.divides = false;
  plan.define("W", word_of(query.dtype(0))).define("INDEX", std::string(dtype_name(query.dtype(1))));
  plan.define("HOW", int64_t{0});
  plan.run = [=](const PortableRun& run) {
    const Arg &x = run.operands[0], &indices = run.operands[1], &source = run.operands[2];
    Views<3> items;
    Views<2> walk;
    for (int d = 0; d < rank; ++d)
      if (d != axis) items.add(x.dims[d], {x.strides[d], 0, source.strides[d]});
    walk.add(indices.dims[0], {indices.strides[0], source.strides[axis]});
    const Loops item_loops = items.loops(), walk_loops = walk.loops();
    const int64_t n = loop_elements(item_loops), count = loop_elements(walk_loops);
    const Indexed indexed = along_axis(x, axis);
    KernelArguments arguments;
    arguments.operand(indices).operand(source).operand(x);
    arguments.value(item_loops).value(walk_loops).value(indexed).value(count).value(n);
    return run.launch(0, Grid::items(n), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() {
  return {{"gather", prepare_gather},         {"gather_elements", prepare_gather_elements},
          {"gather_nd", prepare_gather_nd},   {"scatter_elements", prepare_scatter_elements},
          {"scatter_nd", prepare_scatter_nd}, {"index_copy", prepare_index_copy}};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(gather, kernels)
