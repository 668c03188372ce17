// SPDX-License-Identifier: Apache-2.0
// The host's side of product_quantized.cl, for constant weights, and of linear_quantized.cl for others: one
// product, or two or three of the same activations.
#include "base/dtype.h"
#include "ops/matmul/panels.h"
#include "ops/portable/blocks.h"
#include "ops/portable/rows.h"

namespace isthmus {
namespace {

constexpr int64_t kMany = 8;  // rows of a group, or of a work item

struct Strided {
  Loops rows;
  int64_t count, columns, blocks;
  int64_t q_step, scale_step, sum_step, y_step, bias_step;
  int64_t weight_row_bytes;
};

struct Packed {
  Loops rows;
  int64_t count, columns, blocks;
  int64_t q_step, scale_step, sum_step, y_step, bias_step;
};

// What both have: q, scale and sum are t[0] to t[2].
template <typename T>
T arguments_of(const isthmus_tensor_arg_t* t, const isthmus_tensor_arg_t& weight,
               const isthmus_tensor_arg_t& bias, const isthmus_tensor_arg_t& y, int32_t rank) {
  T p = {};
  p.rows = row_loops<4>({t[0], t[1], t[2], y}, rank, rank - 1);
  p.count = loop_elements(p.rows);
  p.columns = weight.dims[0];
  p.blocks = weight.dims[1] / 32;
  p.q_step = t[0].strides[rank - 1];
  p.scale_step = t[1].strides[rank - 1];
  p.sum_step = t[2].strides[rank - 1];
  p.y_step = y.strides[rank - 1];
  p.bias_step = bias.strides[0];
  return p;
}

// Operands of one product of a group: q, scale, sum, weight, bias, y.
struct Operands {
  int weight, bias, y;
};

PortablePlan plan_strided(const PortableQuery& query, const Operands& at) {
  const Dtype weight = query.dtype(at.weight);
  const int32_t rank = query.operands[0].rank;
  int64_t most = 1;
  for (int i = 0; i + 1 < rank; ++i) most *= query.operands[0].dims[i];
  const int64_t rows = most < kMany ? 1 : kMany;
  PortablePlan plan;
  plan.source = "matmul/linear_quantized.cl";
  plan.entries = {"linear_quantized"};
  define_blocks(plan, weight);
  plan.define("ROWS", rows);
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t *t = run.operands, &w = t[at.weight], &bias = t[at.bias], &y = t[at.y];
    Strided p = arguments_of<Strided>(t, w, bias, y, rank);
    p.weight_row_bytes = dtype_bytes(weight, w.strides[0]);
    KernelArguments arguments;
    for (const isthmus_tensor_arg_t& operand : {t[0], t[1], t[2], w, bias, y}) arguments.operand(operand);
    arguments.value(p);
    Grid grid = Grid::items(p.columns, 64);
    grid.groups[1] = (p.count + rows - 1) / rows;
    return run.launch(0, grid, arguments);
  };
  return plan;
}

PortablePlan plan_packed(const PortableQuery& query, const Operands& at) {
  const isthmus_operand_t& weight = query.operands[at.weight];
  const int32_t rank = query.operands[0].rank;
  const ProductShape shape(query.vector_floats, kMany);
  PortablePlan plan;
  plan.source = "matmul/product_quantized.cl";
  plan.entries = {"product_quantized_one", "product_quantized_many"};
  define_block_panels(plan, query.dtype(at.weight));
  shape.define(plan);
  plan.packed[at.weight] = pack_blocks(query.dtype(at.weight), weight.dims[0], weight.dims[1]);
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t *t = run.operands, &w = t[at.weight], &bias = t[at.bias], &y = t[at.y];
    const Packed p = arguments_of<Packed>(t, w, bias, y, rank);
    KernelArguments arguments;
    for (const isthmus_tensor_arg_t& operand : {t[0], t[1], t[2], w, bias, y}) arguments.operand(operand);
    arguments.value(p);
    return run.launch(p.count > 1, shape.grid(p.count, p.columns, 1), arguments);
  };
  return plan;
}

PortablePlan plan_one(const PortableQuery& query, const Operands& at) {
  const isthmus_operand_t& weight = query.operands[at.weight];
  const bool packs = weight.role == ISTHMUS_ROLE_CONSTANT && weight.contiguous;
  PortablePlan plan = packs ? plan_packed(query, at) : plan_strided(query, at);
  plan.divides = false;
  return plan;
}

// Inputs are q, scale, sum, then weight and bias of each product.
Result<PortablePlan> prepare(const PortableQuery& query) {
  const int count = (query.input_count - 3) / 2;
  if (count == 1) return plan_one(query, {3, 4, 5});
  PortablePlan plan;
  plan.divides = false;
  for (int i = 0; i < count; ++i)
    plan.parts.push_back(plan_one(query, {3 + 2 * i, 4 + 2 * i, query.input_count + i}));
  return plan;
}

std::vector<PortableKernel> kernels() {
  return {{"linear_quantized", prepare},
          {"linear_quantized_pair", prepare},
          {"linear_quantized_triple", prepare}};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(linear_quantized, kernels)
