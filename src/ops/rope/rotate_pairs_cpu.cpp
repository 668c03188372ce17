// SPDX-License-Identifier: Apache-2.0
// rotate_pairs on the CPU: rows of any strides, converted to F32 a stretch at a time.
#include "ops/elementwise/blocks-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int64_t kStretch = 256;

struct RotatePlan {
  int32_t rank, neox, bytes[2];
  int32_t ranks[3];  // of x, cos, sin
  GatherFn gather[2];
  ScatterFn scatter;
};

GatherFn loader(isthmus_dtype_t dtype) {
  return dtype == ISTHMUS_F16 ? gather_half : dtype == ISTHMUS_BF16 ? gather_bfloat : gather_plain<float>;
}

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  RotatePlan& p = plan_data<RotatePlan>(plan);
  const isthmus_operand_t &x = query.operands[0], &cos = query.operands[1];
  p.rank = x.rank;
  p.neox = strcmp(attribute_string(query, "style"), "neox") == 0;
  p.bytes[0] = element_bytes(x.dtype);
  p.bytes[1] = element_bytes(cos.dtype);
  for (int i = 0; i < 3; ++i) p.ranks[i] = query.operands[i].rank;
  p.gather[0] = loader(x.dtype);
  p.gather[1] = loader(cos.dtype);
  p.scatter = scatter_of(x.dtype);
  return nullptr;
}

void run_rotate(const Run& run, const Team& team) {
  const RotatePlan& p = plan_data<RotatePlan>(*run.plan);
  const isthmus_tensor_arg_t &x = run.operands[0], &y = run.operands[3];
  const int axis = p.rank - 1;
  const int64_t width = x.dims[axis], half = width / 2;
  int64_t rows = 1, begin, end, last_step[3];
  for (int d = 0; d < axis; ++d) rows *= x.dims[d];
  for (int i = 0; i < 3; ++i) {
    const isthmus_tensor_arg_t& t = run.operands[i];
    last_step[i] = p.ranks[i] > 0 && t.dims[p.ranks[i] - 1] != 1 ? t.strides[p.ranks[i] - 1] : 0;
  }
  team.split(rows, 1, &begin, &end);
  alignas(64) float own[kStretch], other[kStretch], cosines[kStretch], sines[kStretch];
  for (int64_t row = begin; row < end; ++row) {
    int64_t rest = row, at[3] = {}, to = 0;
    for (int d = axis - 1; d >= 0; --d) {
      const int64_t index = rest % x.dims[d];
      rest /= x.dims[d];
      to += index * y.strides[d];
      for (int i = 0; i < 3; ++i) {
        const int own_axis = d - (p.rank - p.ranks[i]);
        if (own_axis >= 0 && run.operands[i].dims[own_axis] != 1)
          at[i] += index * run.operands[i].strides[own_axis];
      }
    }
    const unsigned char* from = run.data<unsigned char>(0) + at[0] * p.bytes[0];
    unsigned char* dst = run.data<unsigned char>(3) + to * p.bytes[0];
    const auto load_factors = [&](int64_t first, int64_t n) {
      p.gather[1](cosines, run.data<unsigned char>(1) + (at[1] + first * last_step[1]) * p.bytes[1],
                  last_step[1], n);
      p.gather[1](sines, run.data<unsigned char>(2) + (at[2] + first * last_step[2]) * p.bytes[1],
                  last_step[2], n);
    };
    const auto load_x = [&](float* values, int64_t first, int64_t n) {
      p.gather[0](values, from + first * x.strides[axis] * p.bytes[0], x.strides[axis], n);
    };
    const auto finish = [&](int64_t first, int64_t n) {
      for (int64_t i = 0; i < n; ++i) own[i] = own[i] * cosines[i] + other[i] * sines[i];
      p.scatter(dst + first * y.strides[axis] * p.bytes[0], y.strides[axis], own, n);
    };
    if (!p.neox) {
      for (int64_t first = 0; first < width; first += kStretch) {
        const int64_t n = width - first < kStretch ? width - first : kStretch;
        load_x(own, first, n);
        for (int64_t i = 0; i < n; i += 2) {
          other[i] = -own[i + 1];
          other[i + 1] = own[i];
        }
        load_factors(first, n);
        finish(first, n);
      }
      continue;
    }
    for (int64_t first = 0; first < half; first += kStretch) {
      const int64_t n = half - first < kStretch ? half - first : kStretch;
      for (int side = 0; side < 2; ++side) {
        const int64_t mine = first + side * half, its = first + (1 - side) * half;
        load_x(own, mine, n);
        load_x(other, its, n);
        for (int64_t i = 0; side == 0 && i < n; ++i) other[i] = -other[i];
        load_factors(mine, n);
        finish(mine, n);
      }
    }
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(rotate_pairs, {"rotate_pairs", "rows", prepare, run_rotate, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
