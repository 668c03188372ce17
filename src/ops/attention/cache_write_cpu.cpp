// SPDX-License-Identifier: Apache-2.0
// cache_write on the CPU. Split over (head, 16 tokens). Positions-major rows are stored whole; dims-major
// ones 16 positions at a time where they follow each other, else number by number, 64 apart.
#include "devices/cpu/rows.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int kBlock = 64;       // positions
constexpr int kTokens = 16;      // worked on together
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
  if (step == 1) {  // vectors
    for (int i = 0; i < 32; ++i) q[i] = static_cast<int8_t>(numbers[i]);
  } else {
    for (int i = 0; i < 32; ++i) q[i * step] = static_cast<int8_t>(numbers[i]);
  }
}

// Row r of `from` becomes column r of `to`.
void transpose(const float* from, float* to) {
  for (int r = 0; r < kTokens; r += 4) {
    for (int c = 0; c < 16; c += 4) {
      F32x4 x[4], y[4];
      for (int i = 0; i < 4; ++i) std::memcpy(&x[i], from + (r + i) * 16 + c, sizeof(F32x4));
      y[0] = __builtin_shufflevector(x[0], x[1], 0, 4, 1, 5);
      y[1] = __builtin_shufflevector(x[2], x[3], 0, 4, 1, 5);
      y[2] = __builtin_shufflevector(x[0], x[1], 2, 6, 3, 7);
      y[3] = __builtin_shufflevector(x[2], x[3], 2, 6, 3, 7);
      x[0] = __builtin_shufflevector(y[0], y[1], 0, 1, 4, 5);
      x[1] = __builtin_shufflevector(y[0], y[1], 2, 3, 6, 7);
      x[2] = __builtin_shufflevector(y[2], y[3], 0, 1, 4, 5);
      x[3] = __builtin_shufflevector(y[2], y[3], 2, 3, 6, 7);
      for (int i = 0; i < 4; ++i) std::memcpy(to + (c + i) * kTokens + r, &x[i], sizeof(F32x4));
    }
  }
}

struct Write {
  const Run& run;
  const WritePlan& plan;
  Rows from, to;
  int dim_axis, position_axis;

  const isthmus_tensor_arg_t& operand(int i) const { return run.operands[i]; }
  int64_t slot(int64_t t) const { return run.data<const int32_t>(1)[t * operand(1).strides[0]]; }
  bool inside(int64_t slot) const { return slot >= 0 && slot < operand(2).dims[0] * kBlock; }
  int64_t source(int64_t t, int64_t h) const { return t * operand(0).strides[0] + h * operand(0).strides[1]; }
  int64_t place(int i, int64_t slot, int64_t h) const {
    const int64_t* strides = operand(i).strides;
    return slot / kBlock * strides[0] + h * strides[1] + slot % kBlock * strides[position_axis];
  }

  // Numbers of one token and head from d on.
  void write_row(int64_t t, int64_t h, int64_t d) const {
    if (!inside(slot(t))) return;
    const int64_t target = place(2, slot(t), h);
    if (plan.cache == ISTHMUS_I8) {
      for (; d < from.length; d += kScaleBlock)
        write_quantized(
            from, source(t, h), d, run.data<int8_t>(2) + target + d * to.step, to.step,
            run.data<uint16_t>(3) + place(3, slot(t), h) + d / kScaleBlock * operand(3).strides[dim_axis]);
      return;
    }
    for (; d < from.length; d += 16) {
      const int width = from.length - d < 16 ? static_cast<int>(from.length - d) : 16;
      store_row(to, target, d, width, load_row(from, source(t, h), d, width));
    }
  }

  // Whether kTokens tokens from t on are neighbours in one block.
  bool neighbours(int64_t t) const {
    const int64_t first = slot(t);
    if (!plan.dims_major || plan.cache == ISTHMUS_I8 || operand(2).strides[position_axis] != 1) return false;
    if (!inside(first) || first % kBlock + kTokens > kBlock) return false;
    for (int i = 1; i < kTokens; ++i)
      if (slot(t + i) != first + i) return false;
    return true;
  }
  // Of kTokens neighbours: all whole vectors of their numbers; returns how many those are.
  int64_t write_columns(int64_t t, int64_t h) const {
    Rows column = to;
    column.step = 1;
    const int64_t target = place(2, slot(t), h);
    int64_t d = 0;
    for (; d + 16 <= from.length; d += 16) {
      alignas(64) float rows[kTokens * 16], columns[16 * kTokens];
      for (int i = 0; i < kTokens; ++i) store(rows + 16 * i, load_row(from, source(t + i, h), d, 16));
      transpose(rows, columns);
      for (int i = 0; i < 16; ++i)
        store_row(column, target + (d + i) * to.step, 0, 16, load(columns + kTokens * i));
    }
    return d;
  }
};

void run_write(const Run& run, const Team& team) {
  const WritePlan& plan = plan_data<WritePlan>(*run.plan);
  const int dim_axis = plan.dims_major ? 2 : 3, position_axis = plan.dims_major ? 3 : 2;
  const Write write = {run,
                       plan,
                       rows_of(run.operands[0], plan.x, 3, 2),
                       rows_of(run.operands[2], plan.cache, 4, dim_axis),
                       dim_axis,
                       position_axis};
  const int64_t tokens = run.operands[0].dims[0], groups = (tokens + kTokens - 1) / kTokens;
  int64_t begin, end;
  team.split(groups * run.operands[0].dims[1], 1, &begin, &end);
  for (int64_t i = begin; i < end; ++i) {  // the tokens of a head, so that its lines stay in the cache
    const int64_t h = i / groups, t0 = i % groups * kTokens;
    const int64_t t1 = t0 + kTokens < tokens ? t0 + kTokens : tokens;
    const int64_t d = t1 - t0 == kTokens && write.neighbours(t0) ? write.write_columns(t0, h) : 0;
    for (int64_t t = t0; t < t1 && d < write.from.length; ++t) write.write_row(t, h, d);
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(cache_write, {"cache_write", "16 lanes", prepare_write, run_write, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
