// SPDX-License-Identifier: Apache-2.0
// The host's side of product_quantized.cl, for constant weights, and of linear_quantized.cl for others: one
// product, or two or three of the same activations.
#include <algorithm>
#include <array>

#include "base/dtype.h"
#include "ops/gated/gated_portable.h"
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
  // Wide vectors come with registers for more rows' sums, which share the work of unpacking.
  const ProductShape shape(query.vector_floats, query.vector_floats >= 8 ? 12 : kMany);
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

// ---- linear_quantized_gated: both products into working memory, then the rest in one kernel ----

constexpr size_t kGatedOperands = 10, kGate = 10, kUp = 11;  // the last two numbers are of working memory

struct Gated {
  Loops rows;
  int64_t count, blocks;
  int64_t q_step, scale_step, sum_step;
};

// The plan with the products' results as operands kGate and kUp.
PortablePlan with_scratch(PortablePlan plan, int32_t rank) {
  plan.run = [inner = std::move(plan.run), rank](const PortableRun& run) {
    std::array<isthmus_tensor_arg_t, kGatedOperands + 2> t = {};
    std::copy_n(run.operands, kGatedOperands, t.begin());
    isthmus_tensor_arg_t& gate = t[kGate] = t[0];
    gate.address = run.workspace;
    gate.dims[rank - 1] = t[3].dims[0];
    contiguous_strides(gate.dims, rank, gate.strides);
    t[kUp] = gate;
    t[kUp].address += static_cast<uint64_t>(gate.dims[0] * gate.strides[0]) * sizeof(float);
    return inner(PortableRun{t.data(), run.workspace, run.api, run.kernels, run.stream});
  };
  return plan;
}

PortablePlan plan_gated_end(const PortableQuery& query) {
  const int32_t rank = query.operands[0].rank;
  PortablePlan plan;
  plan.source = "matmul/linear_quantized_gated.cl";
  plan.entries = {"gated_quantize"};
  plan.define("ACTIVATION", gated_activations().at(query.attributes.s("activation")));
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t *t = run.operands, *q = t + 7, *scale = t + 8, *sum = t + 9;
    Gated p = {};
    p.rows = row_loops<4>({t[kGate], *q, *scale, *sum}, rank, rank - 1);
    p.count = loop_elements(p.rows);
    p.blocks = q->dims[rank - 1] / 16;
    p.q_step = q->strides[rank - 1];
    p.scale_step = scale->strides[rank - 1];
    p.sum_step = sum->strides[rank - 1];
    KernelArguments arguments;
    for (const isthmus_tensor_arg_t& operand : {t[kGate], t[kUp], *q, *scale, *sum})
      arguments.operand(operand);
    arguments.value(p);
    return run.launch(0, Grid::items(p.count * p.blocks), arguments);
  };
  return plan;
}

Result<PortablePlan> prepare_gated(const PortableQuery& query) {
  const int32_t rank = query.operands[0].rank;
  uint64_t elements = static_cast<uint64_t>(query.operands[3].dims[0]);
  for (int i = 0; i + 1 < rank; ++i) elements *= static_cast<uint64_t>(query.operands[0].dims[i]);
  PortablePlan plan;
  for (PortablePlan part :
       {plan_one(query, {3, 4, kGate}), plan_one(query, {5, 6, kUp}), plan_gated_end(query)})
    plan.parts.push_back(with_scratch(std::move(part), rank));
  for (PortablePlan& part : plan.parts) part.workspace_bytes = 2 * elements * sizeof(float);
  return plan;
}

std::vector<PortableKernel> kernels() {
  return {{"linear_quantized", prepare},
          {"linear_quantized_pair", prepare},
          {"linear_quantized_triple", prepare},
          {"linear_quantized_gated", prepare_gated}};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(linear_quantized, kernels)
