// SPDX-License-Identifier: Apache-2.0
// CPU kernels of the random operators: any element can be made on its own, so threads share them out; the
// state moves on when all are done.
#include "devices/cpu/kernel.h"
#include "devices/cpu/simd.h"
#include "ops/random/philox-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

struct RandomPlan {
  int output, rank;
  float low, spread;
};

const char* start(const isthmus_op_query_t& query, Plan& plan, float low, float spread) {
  RandomPlan& p = plan_data<RandomPlan>(plan);
  p.output = query.input_count;
  p.rank = query.operands[p.output].rank;
  p.low = low;
  p.spread = spread;
  plan.phases = 2;
  return query.operands[p.output].contiguous ? nullptr : "the output must be dense";
}
const char* prepare_uniform(const isthmus_op_query_t& query, Plan& plan) {
  const float low = (float)attribute_float(query, "low");
  return start(query, plan, low, (float)attribute_float(query, "high") - low);
}
const char* prepare_normal(const isthmus_op_query_t& query, Plan& plan) {
  return start(query, plan, (float)attribute_float(query, "mean"), (float)attribute_float(query, "scale"));
}

template <bool normal>
void run(const Run& run, const Team& team) {
  const RandomPlan& p = plan_data<RandomPlan>(*run.plan);
  const isthmus_tensor_arg_t& y = run.operands[p.output];
  uint64_t* state = run.data<uint64_t>(0);
  uint64_t& counter = state[run.operands[0].strides[0]];
  int64_t n = 1;
  for (int d = 0; d < p.rank; ++d) n *= y.dims[d];
  const int64_t groups = (n + 3) / 4;
  if (run.phase == 1) {
    if (team.index() == 0) counter += (uint64_t)groups;
    return;
  }
  int64_t begin, end;
  team.split(groups, 64, &begin, &end);
  float* out = run.data<float>(p.output);
  for (int64_t group = begin; group < end; ++group) {
    const formulas::RandomWords words = formulas::philox(state[0], counter + (uint64_t)group);
    const formulas::FourFloats four = normal ? formulas::four_normal(words) : formulas::four_uniform(words);
    for (int64_t i = 4 * group; i < n && i < 4 * group + 4; ++i)
      out[i] = __builtin_fmaf(four.value[i % 4], p.spread, p.low);
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(random, {"random_uniform", "philox", prepare_uniform, run<false>, nullptr},
                    {"random_normal", "philox", prepare_normal, run<true>, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
