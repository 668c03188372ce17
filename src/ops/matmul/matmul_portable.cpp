// SPDX-License-Identifier: Apache-2.0
// The host's side of matmul.cl and, from a few rows on, product.cl.
#include <algorithm>
#include <array>

#include "ops/matmul/product.h"
#include "ops/portable/loops.h"
#include "ops/portable/portable.h"

namespace isthmus {
namespace {

using Arg = isthmus_tensor_arg_t;

// One matmul, its operands seen with the dims of y: batches, then rows and columns unless a vector drops
// them.
struct Views {
  std::array<Arg, 3> all;  // a, b, y
  bool has_rows, has_columns;
  int32_t batches;
  int64_t depth, a_depth_step, b_depth_step;
};

Views views_of(const Arg& a, const Arg& b, const Arg& y, int32_t a_rank, int32_t b_rank, int32_t y_rank,
               bool transpose_a, bool transpose_b) {
  const bool has_rows = a_rank > 1, has_columns = b_rank > 1;
  Views v = {{y, y, y}, has_rows, has_columns, y_rank - has_rows - has_columns, 0, 0, 0};
  for (int32_t d = 0; d < v.batches; ++d) {
    const int32_t a_axis = d - (v.batches - (a_rank - 2)), b_axis = d - (v.batches - (b_rank - 2));
    v.all[0].strides[d] = !has_rows || a_axis < 0 || a.dims[a_axis] == 1 ? 0 : a.strides[a_axis];
    v.all[1].strides[d] = !has_columns || b_axis < 0 || b.dims[b_axis] == 1 ? 0 : b.strides[b_axis];
  }
  if (has_rows) {
    v.all[0].strides[v.batches] = a.strides[a_rank - (transpose_a ? 1 : 2)];
    v.all[1].strides[v.batches] = 0;
  }
  if (has_columns) {
    v.all[0].strides[y_rank - 1] = 0;
    v.all[1].strides[y_rank - 1] = b.strides[b_rank - (transpose_b ? 2 : 1)];
  }
  const int32_t a_axis = !has_rows ? 0 : a_rank - (transpose_a ? 2 : 1),
                b_axis = !has_columns ? 0 : b_rank - (transpose_b ? 1 : 2);
  v.depth = a.dims[a_axis];
  v.a_depth_step = a.strides[a_axis];
  v.b_depth_step = b.strides[b_axis];
  return v;
}

// What a query says of an operand, as if it were run with.
Arg largest(const isthmus_operand_t& operand) {
  Arg arg = {};
  std::copy(operand.dims, operand.dims + operand.rank, arg.dims);
  std::copy(operand.strides, operand.strides + operand.rank, arg.strides);
  return arg;
}

int64_t elements(const Arg& arg, int32_t rank) {
  int64_t n = 1;
  for (int32_t d = 0; d < rank; ++d) n *= arg.dims[d];
  return n;
}

// A few rows or more: b is brought into panels, which the rows share.
Status run_blocked(const PortableRun& run, const Views& v, int32_t b_rank, int32_t y_rank, Dtype dtype,
                   const ProductShape& shape) {
  const Arg& b = run.operands[1];
  const int32_t rows = v.batches, columns = y_rank - 1;
  Pack pack = {};
  const Arg sides[2] = {b, b};
  pack.sides = make_loops(sides, std::array{b_rank - 2, b_rank - 2});
  pack.columns = v.all[2].dims[columns];
  pack.depth = v.depth;
  pack.column_step = v.all[1].strides[columns];
  pack.depth_step = v.b_depth_step;
  RETURN_IF_ERROR(launch_pack(run, dtype, b, pack));

  // Batches count right sides, not elements, in the second operand.
  std::array<Arg, 3> batches = v.all;
  int64_t sides_before = 1;
  for (int32_t d = v.batches - 1; d >= 0; --d) {
    const int32_t axis = d - (v.batches - (b_rank - 2));
    const bool own = axis >= 0 && b.dims[axis] != 1;
    batches[1].strides[d] = own ? sides_before : 0;
    if (own) sides_before *= b.dims[axis];
  }
  Product p = {};
  p.batches = make_loops(batches.data(), std::array{v.batches, v.batches, v.batches});
  Arg of_rows[2] = {v.all[0], v.all[2]};
  for (Arg& arg : of_rows) {
    arg.dims[0] = v.all[2].dims[rows];
    arg.strides[0] = arg.strides[rows];
  }
  p.rows = make_loops(of_rows, std::array{1, 1});
  p.count = v.all[2].dims[rows];
  p.columns = pack.columns;
  p.depth = v.depth;
  p.a_step = v.a_depth_step;
  p.y_step = v.all[2].strides[columns];
  return launch_product(run, shape, p, loop_elements(p.batches), run.operands[0].address, run.workspace, 0,
                        run.operands[2].address);
}

Status run_simple(const PortableRun& run, const Views& v, int32_t y_rank) {
  const Loops loops = make_loops(v.all.data(), std::array{y_rank, y_rank, y_rank});
  const int64_t n = loop_elements(loops);
  KernelArguments arguments;
  arguments.operand(run.operands[0]).operand(run.operands[1]).operand(run.operands[2]).value(loops);
  arguments.value(v.depth).value(v.a_depth_step).value(v.b_depth_step).value(n);
  return run.launch(0, Grid::items(n), arguments);
}

Result<PortablePlan> prepare(const PortableQuery& query) {
  const int32_t a_rank = query.operands[0].rank, b_rank = query.operands[1].rank,
                y_rank = query.operands[2].rank;
  const bool transpose_a = query.attributes.i("transpose_a") != 0,
             transpose_b = query.attributes.i("transpose_b") != 0;
  const Dtype dtype = query.dtype(0);
  const auto views = [=](const Arg& a, const Arg& b, const Arg& y) {
    return views_of(a, b, y, a_rank, b_rank, y_rank, transpose_a, transpose_b);
  };
  const Views most =
      views(largest(query.operands[0]), largest(query.operands[1]), largest(query.operands[2]));
  PortablePlan plan;
  plan.divides = false;
  plan.f64 = dtype == Dtype::kF64;
  if (dtype == Dtype::kBF16) plan.define("PAIRS", int64_t{1});
  const bool plain = dtype == Dtype::kF32 || dtype == Dtype::kF16 || dtype == Dtype::kBF16;
  if (plain && most.has_rows && most.has_columns && most.all[2].dims[most.batches] >= kFewRows) {
    const std::string name(dtype_name(dtype));
    const ProductShape shape = product_shape(query.vector_floats);
    plan.source = "matmul/product.cl";
    plan.entries = {"product_one", "product_many", "pack_panels"};
    plan.define("A", name).define("W", name).define("Y", name).define("PACKS", "1");
    shape.define(plan);
    plan.workspace_bytes =
        static_cast<uint64_t>(elements(largest(query.operands[1]), b_rank - 2) *
                              panels_bytes(dtype, most.all[2].dims[y_rank - 1], most.depth));
    plan.run = [=](const PortableRun& run) {
      const Views v = views(run.operands[0], run.operands[1], run.operands[2]);
      return run_blocked(run, v, b_rank, y_rank, dtype, shape);
    };
    return plan;
  }
  plan.source = "matmul/matmul.cl";
  plan.entries = {"matmul"};
  plan.define("X", std::string(dtype_name(dtype)));
  plan.run = [=](const PortableRun& run) {
    return run_simple(run, views(run.operands[0], run.operands[1], run.operands[2]), y_rank);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"matmul", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(matmul, kernels)
