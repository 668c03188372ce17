// SPDX-License-Identifier: Apache-2.0
// quantize_rows on the CPU: plain loops over 16 values that compilers turn into vectors.
#include "devices/cpu/kernel.h"
#include "devices/cpu/simd.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int kBlock = 16;

struct QuantizePlan {
  int32_t rank;
};

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  if (!all_contiguous(query)) return "operands must be contiguous";
  plan_data<QuantizePlan>(plan).rank = query.operands[0].rank;
  return nullptr;
}

void quantize_block(const float* x, int8_t* q, float* scale, int32_t* sum) {
  // Magnitudes order as integers do, and NaN and infinity come last.
  int32_t bits[kBlock];
  __builtin_memcpy(bits, x, sizeof bits);
  int32_t top = 0;
  for (int i = 0; i < kBlock; ++i) {
    const int32_t magnitude = bits[i] & 0x7fffffff;
    top = magnitude > top ? magnitude : top;
  }
  float amax;
  __builtin_memcpy(&amax, &top, sizeof amax);
  const float inverse = 127.0f / amax;
  *sum = 0;
  if (top >= 0x7f800000 || !(inverse <= 0x1.fffffep127f)) {
    *scale = top >= 0x7f800000 ? __builtin_nanf("") : 0.0f;
    for (int i = 0; i < kBlock; ++i) q[i] = 0;
    return;
  }
  *scale = amax / 127.0f;
  int32_t total = 0;
  for (int i = 0; i < kBlock; ++i) {
    // Adding and taking away 1.5 * 2^23 rounds to the nearest integer, ties to even.
    const float rounded = (x[i] * inverse + 12582912.0f) - 12582912.0f;
    const int32_t value = static_cast<int32_t>(rounded);
    q[i] = static_cast<int8_t>(value);
    total += value;
  }
  *sum = total;
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
  for (int64_t b = begin; b < end; ++b) quantize_block(x + kBlock * b, q + kBlock * b, scale + b, sum + b);
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
