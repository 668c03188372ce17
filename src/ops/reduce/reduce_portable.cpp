// SPDX-License-Identifier: Apache-2.0
// Portable kernels of the reductions: each row of reduce.inc gives its formulas' texts to reduce.cl.
#include <algorithm>
#include <array>
#include <map>

#include "ops/elementwise/elementwise.h"
#include "ops/portable/rows.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace formulas;

struct Row {
  int kinds;
  int64_t shifted;
  const char *start, *step, *fold, *finish;
};

const std::map<std::string_view, Row>& rows() {
  static const std::map<std::string_view, Row> all = {
#define REDUCE(NAME, KINDS, START, STEP, FOLD, FINISH, ...) \
  {#NAME, {KINDS, 0, #START, #STEP, #FOLD, #FINISH}},
#define SHIFTED_REDUCE(NAME, KINDS, START, STEP, FOLD, FINISH, ...) \
  {#NAME, {KINDS, 1, #START, #STEP, #FOLD, #FINISH}},
#include "ops/reduce/reduce.inc"
#undef REDUCE
#undef SHIFTED_REDUCE
  };
  return all;
}

struct Reduce {
  Loops rows, inner;
  int64_t count, width;
};

// The least and the largest integer, for reduce_max and reduce_min.
void define_limits(PortablePlan& plan, Dtype dtype) {
  const bool is_signed = dtype_name(dtype)[0] == 'I';
  const uint64_t highest = ~uint64_t{0} >> (64 - 8 * dtype_info(dtype).block_bytes + is_signed);
  plan.define("HIGHEST", fmt::format("((V){}UL)", highest));
  plan.define("LOWEST", is_signed ? fmt::format("((V)(-{}L - 1))", highest) : "((V)0)");
}

Result<PortablePlan> prepare(const PortableQuery& query) {
  const Row& row = rows().at(query.op.name);
  const Dtype dtype = query.dtype(0);
  const int kind = kind_of_dtype(dtype);
  if (kind == kF64Kind && (row.kinds & kF64ByLibrary) != 0)
    return unimplemented("F64 is by the C library, which kernels do not have");
  const int32_t rank = query.operands[0].rank;
  ASSIGN_OR_RETURN(const std::vector<int> axes, check_axes(query.attributes.ints("axes"), rank));
  std::array<bool, ISTHMUS_MAX_RANK> reduced{};
  for (int d = 0; d < rank; ++d) reduced[d] = axes.empty();
  for (int axis : axes) reduced[axis] = true;
  const bool keep = query.attributes.i("keep_dims") != 0;
  int64_t elements = 1;
  for (int d = 0; d < rank; ++d)
    if (reduced[d]) elements = std::min<int64_t>(elements * query.operands[0].dims[d], 1 << 20);
  const RowShape shape(query.vector_floats, elements);

  PortablePlan plan;
  plan.source = "reduce/reduce.cl";
  plan.entries = {"reduce"};
  if (!row.shifted) plan.entries.emplace_back("reduce_columns");
  const int64_t columns = shape.items == 1 ? 32 : 8;  // of a group
  const auto group = static_cast<uint32_t>(shape.items == 1 ? 1 : 16 * columns);
  plan.f64 = kind == kF64Kind;
  plan.divides = (kind & kFloats) != 0;
  plan.define("X", std::string(dtype_name(dtype))).define("X_KIND", kind);
  plan.define("START", row.start).define("STEP", row.step).define("FOLD", row.fold);
  plan.define("FINISH", row.finish).define("SHIFTED", row.shifted);
  shape.define(plan);
  plan.define("COLUMNS", columns);
  if ((kind & kFloats) == 0) define_limits(plan, dtype);
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &y = run.operands[1];
    isthmus_tensor_arg_t kept[2] = {}, inner = {};
    int32_t kept_rank = 0, inner_rank = 0, y_axis = 0;
    for (int d = 0; d < rank; ++d) {
      if (reduced[d]) {
        inner.dims[inner_rank] = x.dims[d];
        inner.strides[inner_rank++] = x.strides[d];
        y_axis += keep;
      } else {
        kept[0].dims[kept_rank] = kept[1].dims[kept_rank] = x.dims[d];
        kept[0].strides[kept_rank] = x.strides[d];
        kept[1].strides[kept_rank++] = y.strides[y_axis++];
      }
    }
    Reduce p = {};
    p.rows = make_loops(kept, std::array{kept_rank, kept_rank});
    p.inner = make_loops(&inner, std::span(&inner_rank, 1));
    p.count = loop_elements(p.rows);
    p.width = loop_elements(p.inner);
    KernelArguments arguments;
    arguments.operand(x).operand(y).value(p);
    // Results side by side, whose elements are not: one reads along them.
    const int64_t last = p.rows.rank - 1, length = p.rows.dims[last];
    if (!row.shifted && length > 1 && p.rows.strides[0][last] == 1 &&
        p.inner.strides[0][p.inner.rank - 1] != 1)
      return run.launch(1, Grid::of_groups((length + columns - 1) / columns, p.count / length, 1, group),
                        arguments);
    return run.launch(0, shape.grid(p.count), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() {
  std::vector<PortableKernel> all;
  for (const auto& [name, row] : rows()) all.push_back({std::string(name), prepare});
  return all;
}

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(reduce, kernels)
