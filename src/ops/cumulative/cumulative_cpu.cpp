// SPDX-License-Identifier: Apache-2.0
// CPU kernels of the cumulative operators: each line is one chain, lines are shared out over threads.
#include "ops/elementwise/blocks-inl.h"
#include "ops/elementwise/vocabulary-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

using namespace formulas;

struct ChainPlan {
  int rank, bytes, axis;
  bool exclusive, reverse;
  GatherFn gather;
  ScatterFn scatter;
  // n contiguous elements, in the order of the chain, in place; total holds one computed element.
  void (*chain)(void* x, int64_t n, void* total, bool exclusive);
  void (*start)(void* total);
};

template <typename T, bool product>
void chain(void* data, int64_t n, void* total, bool exclusive) {
  T* x = (T*)data;
  T& sum = *(T*)total;
  for (int64_t i = 0; i < n; ++i) {
    const T next = product ? multiply(sum, x[i]) : add(sum, x[i]);
    x[i] = exclusive ? sum : next;
    sum = next;
  }
}
template <typename T, bool product>
void start(void* total) {
  *(T*)total = product ? 1 : 0;
}
template <typename T, bool product>
void choose(ChainPlan& p) {
  p.chain = chain<T, product>;
  p.start = start<T, product>;
}

template <bool product>
const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  ChainPlan& p = plan_data<ChainPlan>(plan);
  const isthmus_operand_t& x = query.operands[0];
  const int64_t axis = attribute_int(query, "axis");
  p.rank = x.rank;
  p.bytes = element_bytes(x.dtype);
  p.axis = (int)(axis < 0 ? axis + x.rank : axis);
  p.exclusive = attribute_int(query, "exclusive") != 0;
  p.reverse = attribute_int(query, "reverse") != 0;
  p.gather = gather_of(x.dtype);
  p.scatter = scatter_of(x.dtype);
  switch (x.dtype) {
    case ISTHMUS_F32:
    case ISTHMUS_F16:
    case ISTHMUS_BF16: choose<float, product>(p); break;
    case ISTHMUS_F64: choose<double, product>(p); break;
    case ISTHMUS_I8: choose<int8_t, product>(p); break;
    case ISTHMUS_I16: choose<int16_t, product>(p); break;
    case ISTHMUS_I32: choose<int32_t, product>(p); break;
    case ISTHMUS_I64: choose<int64_t, product>(p); break;
    case ISTHMUS_U8: choose<uint8_t, product>(p); break;
    case ISTHMUS_U16: choose<uint16_t, product>(p); break;
    case ISTHMUS_U32: choose<uint32_t, product>(p); break;
    case ISTHMUS_U64: choose<uint64_t, product>(p); break;
    default: return "no kernel for this dtype";
  }
  return nullptr;
}

void run(const Run& run, const Team& team) {
  const ChainPlan& p = plan_data<ChainPlan>(*run.plan);
  const isthmus_tensor_arg_t &x = run.operands[0], &y = run.operands[1];
  const int64_t n = x.dims[p.axis];
  const int64_t x_step = p.reverse ? -x.strides[p.axis] : x.strides[p.axis];
  const int64_t y_step = p.reverse ? -y.strides[p.axis] : y.strides[p.axis];
  int64_t lines = 1, begin, end;
  for (int d = 0; d < p.rank; ++d)
    if (d != p.axis) lines *= x.dims[d];
  team.split(lines, 1, &begin, &end);
  alignas(64) unsigned char buffer[kBlock * 8];
  alignas(8) unsigned char total[8];
  for (int64_t line = begin; line < end; ++line) {
    int64_t rest = line, x_at = p.reverse ? (n - 1) * x.strides[p.axis] : 0,
            y_at = p.reverse ? (n - 1) * y.strides[p.axis] : 0;
    for (int d = p.rank - 1; d >= 0; --d) {
      if (d == p.axis) continue;
      const int64_t index = rest % x.dims[d];
      rest /= x.dims[d];
      x_at += index * x.strides[d];
      y_at += index * y.strides[d];
    }
    p.start(total);
    for (int64_t i = 0; i < n; i += kBlock) {
      const int64_t length = n - i < kBlock ? n - i : kBlock;
      p.gather(buffer, run.data<unsigned char>(0) + (x_at + i * x_step) * p.bytes, x_step, length);
      p.chain(buffer, length, total, p.exclusive);
      p.scatter(run.data<unsigned char>(1) + (y_at + i * y_step) * p.bytes, y_step, buffer, length);
    }
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(cumulative, {"cumulative_sum", "chains", prepare<false>, run, nullptr},
                    {"cumulative_product", "chains", prepare<true>, run, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
