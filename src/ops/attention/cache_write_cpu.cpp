// SPDX-License-Identifier: Apache-2.0
// cache_write on the CPU. Split over (token, head); positions-major rows are stored whole, dims-major ones
// number by number, 64 apart.
#include "devices/cpu/rows.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int kScaleBlock = 32;  // numbers of a Q8_0 cache that share a scale

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

// 32 numbers from element d of the row at `source` on, to q (`step` apart) and *scale.
void write_quantized(const Rows& from, int64_t source, int64_t d, int8_t* q, int64_t step, uint16_t* scale) {
  F32x16 x[2];
  I32x16 top = set1(0);  // magnitudes order as integers do, NaN and infinity last
  for (int i = 0; i < 2; ++i) {
    x[i] = load_row(from, source, d + 16 * i, 16);
    const I32x16 magnitude = bits(abs(x[i]));
    top = select(magnitude > top, magnitude, top);
  }
  int32_t tops[16], largest = 0;
  store(tops, top);
  for (int i = 0; i < 16; ++i) largest = tops[i] > largest ? tops[i] : largest;
  float amax;
  std::memcpy(&amax, &largest, sizeof amax);
  const float inverse = 127.0f / amax;
  const bool finite = largest < 0x7f800000, counts = finite && inverse <= 0x1.fffffep127f;
  *scale = counts ? f32_to_f16(amax / 127.0f) : finite ? 0 : 0x7e00;
  int32_t numbers[32] = {};
  for (int i = 0; counts && i < 2; ++i) store(numbers + 16 * i, to_i32(round_even(x[i] * inverse)));
  for (int i = 0; i < 32; ++i) q[i * step] = static_cast<int8_t>(numbers[i]);
}

void run_write(const Run& run, const Team& team) {
  const WritePlan& plan = plan_data<WritePlan>(*run.plan);
  const isthmus_tensor_arg_t &x = run.operands[0], &slots = run.operands[1], &cache = run.operands[2];
  const int dim_axis = plan.dims_major ? 2 : 3, position_axis = plan.dims_major ? 3 : 2;
  const Rows from = rows_of(x, plan.x, 3, 2), to = rows_of(cache, plan.cache, 4, dim_axis);
  const int64_t heads = x.dims[1];
  int64_t begin, end;
  team.split(x.dims[0] * heads, 1, &begin, &end);
  for (int64_t i = begin; i < end; ++i) {
    const int64_t t = i / heads, h = i % heads;
    const int64_t slot = run.data<const int32_t>(1)[t * slots.strides[0]];
    if (slot < 0 || slot >= cache.dims[0] * 64) continue;
    const int64_t source = t * x.strides[0] + h * x.strides[1];
    const auto place = [&](const isthmus_tensor_arg_t& tensor) {
      return slot / 64 * tensor.strides[0] + h * tensor.strides[1] +
             slot % 64 * tensor.strides[position_axis];
    };
    const int64_t target = place(cache);
    if (plan.cache == ISTHMUS_I8) {
      const isthmus_tensor_arg_t& scales = run.operands[3];
      for (int64_t d = 0; d < from.length; d += kScaleBlock)
        write_quantized(from, source, d, run.data<int8_t>(2) + target + d * to.step, to.step,
                        run.data<uint16_t>(3) + place(scales) + d / kScaleBlock * scales.strides[dim_axis]);
      continue;
    }
    for (int64_t d = 0; d < from.length; d += 16) {
      const int width = from.length - d < 16 ? static_cast<int>(from.length - d) : 16;
      store_row(to, target, d, width, load_row(from, source, d, width));
    }
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(cache_write, {"cache_write", "16 lanes", prepare_write, run_write, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
