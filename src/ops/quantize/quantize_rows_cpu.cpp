// SPDX-License-Identifier: Apache-2.0
// quantize_rows on the CPU: blocks of 16 values that follow each other, or any strides.
#include "devices/cpu/kernel.h"
#include "ops/quantize/quantize_blocks-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int kBlock = kQuantizedBlock;

struct QuantizePlan {
  int32_t rank;
};

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  if (!all_contiguous(query)) return "operands must be contiguous";
  plan_data<QuantizePlan>(plan).rank = query.operands[0].rank;
  return nullptr;
}

void run(const Run& run, const Team& team) {
  int64_t elements = 1;
  for (int i = 0; i < plan_data<QuantizePlan>(*run.plan).rank; ++i) elements *= run.operands[0].dims[i];
  const float* x = run.data<float>(0);
  int8_t* q = run.data<int8_t>(1);
  float* scale = run.data<float>(2);
  int32_t* sum = run.data<int32_t>(3);
  int64_t begin, end;
  team.split(elements / kBlock, 32, &begin, &end);
  quantize_blocks(x + kBlock * begin, end - begin, q + kBlock * begin, scale + begin, sum + begin);
}

// Any strides, one block at a time through a copy.
struct StridedPlan {
  int32_t rank;
};

const char* prepare_strided(const isthmus_op_query_t& query, Plan& plan) {
  plan_data<StridedPlan>(plan).rank = query.operands[0].rank;
  return nullptr;
}

int64_t row_offset(const isthmus_tensor_arg_t& t, int rank, int64_t row) {
  int64_t offset = 0;
  for (int i = rank - 2; i >= 0; --i) {
    offset += row % t.dims[i] * t.strides[i];
    row /= t.dims[i];
  }
  return offset;
}

void run_strided(const Run& run, const Team& team) {
  const int rank = plan_data<StridedPlan>(*run.plan).rank;
  const isthmus_tensor_arg_t* t = run.operands;
  int64_t rows = 1;
  for (int i = 0; i + 1 < rank; ++i) rows *= t[0].dims[i];
  const int64_t blocks = t[0].dims[rank - 1] / kBlock;
  int64_t begin, end;
  team.split(rows * blocks, 32, &begin, &end);
  for (int64_t item = begin; item < end; ++item) {
    const int64_t row = item / blocks, b = item % blocks;
    float x[kBlock];
    int8_t q[kBlock];
    for (int i = 0; i < kBlock; ++i)
      x[i] = run.data<float>(0)[row_offset(t[0], rank, row) + (kBlock * b + i) * t[0].strides[rank - 1]];
    quantize_block(x, q, run.data<float>(2) + row_offset(t[2], rank, row) + b * t[2].strides[rank - 1],
                   run.data<int32_t>(3) + row_offset(t[3], rank, row) + b * t[3].strides[rank - 1]);
    for (int i = 0; i < kBlock; ++i)
      run.data<int8_t>(1)[row_offset(t[1], rank, row) + (kBlock * b + i) * t[1].strides[rank - 1]] = q[i];
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(quantize_rows, {"quantize_rows", "rows", prepare, run, nullptr},
                    {"quantize_rows", "strided", prepare_strided, run_strided, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
