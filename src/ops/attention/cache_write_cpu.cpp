// SPDX-License-Identifier: Apache-2.0
// cache_write on the CPU. Split over (token, head); positions-major rows are stored whole, dims-major ones
// number by number, 64 apart.
#include "devices/cpu/rows.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

struct WritePlan {
  bool dims_major;
  isthmus_dtype_t x, cache;
};

const char* prepare_write(const isthmus_op_query_t& query, Plan& plan) {
  WritePlan& write = plan_data<WritePlan>(plan);
  write.dims_major = attribute_string(query, "layout")[0] == 'd';
  write.x = query.operands[0].dtype;
  write.cache = query.operands[2].dtype;
  return nullptr;
}

void run_write(const Run& run, const Team& team) {
  const WritePlan& plan = plan_data<WritePlan>(*run.plan);
  const isthmus_tensor_arg_t &x = run.operands[0], &slots = run.operands[1], &cache = run.operands[2];
  const Rows from = rows_of(x, plan.x, 3, 2);
  Rows to = rows_of(cache, plan.cache, 4, plan.dims_major ? 2 : 3);
  const int64_t position_stride = cache.strides[plan.dims_major ? 3 : 2], heads = x.dims[1];
  int64_t begin, end;
  team.split(x.dims[0] * heads, 1, &begin, &end);
  for (int64_t i = begin; i < end; ++i) {
    const int64_t t = i / heads, h = i % heads;
    const int64_t slot = run.data<const int32_t>(1)[t * slots.strides[0]];
    if (slot < 0 || slot >= cache.dims[0] * 64) continue;
    const int64_t source = t * x.strides[0] + h * x.strides[1];
    const int64_t target = slot / 64 * cache.strides[0] + h * cache.strides[1] + slot % 64 * position_stride;
    for (int64_t d = 0; d < from.length; d += 16) {
      const int width = from.length - d < 16 ? static_cast<int>(from.length - d) : 16;
      store_row(to, target, d, width, load_row(from, source, d, width));
    }
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(cache_write, {"cache_write", "16 lanes", prepare_write, run_write, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
