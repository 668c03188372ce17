// SPDX-License-Identifier: Apache-2.0
// CPU kernels of cumulative_max and cumulative_min: lines are shared out over threads.
#include "ops/elementwise/blocks-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

struct ExtremePlan {
  int rank, bytes, axis;
  GatherFn gather;
  ScatterFn scatter;
  // n contiguous elements in place, the first of them element `first` of its line; best holds the best one so
  // far and where it was.
  struct Best {
    alignas(8) unsigned char value[8];
    int64_t at;
  };
  void (*chain)(void* x, int64_t n, int64_t first, Best* best, int64_t* indices, int64_t index_step);
};

template <typename T, bool largest>
void chain(void* data, int64_t n, int64_t first, ExtremePlan::Best* state, int64_t* indices,
           int64_t index_step) {
  T* x = (T*)data;
  T best = first == 0 ? x[0] : *(T*)state->value;
  int64_t at = first == 0 ? 0 : state->at;
  for (int64_t i = 0; i < n; ++i) {
    if (x[i] != x[i] || (best == best && (largest ? x[i] >= best : x[i] <= best))) {
      best = x[i];
      at = first + i;
    }
    x[i] = best;
    indices[i * index_step] = at;
  }
  *(T*)state->value = best;
  state->at = at;
}

template <bool largest>
const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  ExtremePlan& p = plan_data<ExtremePlan>(plan);
  const isthmus_operand_t& x = query.operands[0];
  const int64_t axis = attribute_int(query, "axis");
  p.rank = x.rank;
  p.bytes = element_bytes(x.dtype);
  p.axis = (int)(axis < 0 ? axis + x.rank : axis);
  p.gather = gather_of(x.dtype);
  p.scatter = scatter_of(x.dtype);
  switch (x.dtype) {
    case ISTHMUS_F32:
    case ISTHMUS_F16:
    case ISTHMUS_BF16: p.chain = chain<float, largest>; break;
    case ISTHMUS_F64: p.chain = chain<double, largest>; break;
    case ISTHMUS_I8: p.chain = chain<int8_t, largest>; break;
    case ISTHMUS_I16: p.chain = chain<int16_t, largest>; break;
    case ISTHMUS_I32: p.chain = chain<int32_t, largest>; break;
    case ISTHMUS_I64: p.chain = chain<int64_t, largest>; break;
    case ISTHMUS_U8: p.chain = chain<uint8_t, largest>; break;
    case ISTHMUS_U16: p.chain = chain<uint16_t, largest>; break;
    case ISTHMUS_U32: p.chain = chain<uint32_t, largest>; break;
    case ISTHMUS_U64: p.chain = chain<uint64_t, largest>; break;
    default: return "no kernel for this dtype";
  }
  return nullptr;
}

void run(const Run& run, const Team& team) {
  const ExtremePlan& p = plan_data<ExtremePlan>(*run.plan);
  const isthmus_tensor_arg_t &x = run.operands[0], &y = run.operands[1], &z = run.operands[2];
  const int64_t n = x.dims[p.axis], x_step = x.strides[p.axis], y_step = y.strides[p.axis];
  const int64_t z_step = z.strides[p.axis];
  int64_t lines = 1, begin, end;
  for (int d = 0; d < p.rank; ++d)
    if (d != p.axis) lines *= x.dims[d];
  team.split(lines, 1, &begin, &end);
  alignas(64) unsigned char buffer[kBlock * 8];
  for (int64_t line = begin; line < end; ++line) {
    int64_t rest = line, x_at = 0, y_at = 0, z_at = 0;
    for (int d = p.rank - 1; d >= 0; --d) {
      if (d == p.axis) continue;
      const int64_t index = rest % x.dims[d];
      rest /= x.dims[d];
      x_at += index * x.strides[d];
      y_at += index * y.strides[d];
      z_at += index * z.strides[d];
    }
    ExtremePlan::Best best;
    for (int64_t i = 0; i < n; i += kBlock) {
      const int64_t length = n - i < kBlock ? n - i : kBlock;
      p.gather(buffer, run.data<unsigned char>(0) + (x_at + i * x_step) * p.bytes, x_step, length);
      p.chain(buffer, length, i, &best, run.data<int64_t>(2) + z_at + i * z_step, z_step);
      p.scatter(run.data<unsigned char>(1) + (y_at + i * y_step) * p.bytes, y_step, buffer, length);
    }
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(extreme, {"cumulative_max", "chains", prepare<true>, run, nullptr},
                    {"cumulative_min", "chains", prepare<false>, run, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
