// SPDX-License-Identifier: Apache-2.0
// resize on the CPU: places and weights of a stretch of the last axis are worked out once for all rows.
#include "ops/copy/move-inl.h"
#include "ops/elementwise/blocks-inl.h"
#include "ops/resize/taps-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int kMaxAxes = 3;
constexpr int64_t kStretch = 128;

struct ResizePlan {
  ResizeRule rule;
  int32_t rank, axes, bytes;
  isthmus_dtype_t dtype;
  float scales[kMaxAxes];
  GatherFn gather;
  ScatterFn scatter;
};

int32_t choice(const char* word, const char* a, const char* b, const char* c) {
  return strcmp(word, a) == 0 ? 0 : strcmp(word, b) == 0 ? 1 : strcmp(word, c) == 0 ? 2 : 3;
}

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  ResizePlan& p = plan_data<ResizePlan>(plan);
  const isthmus_operand_t& x = query.operands[0];
  const isthmus_attribute_t *sizes = find_attribute(query, "sizes"),
                            *scales = find_attribute(query, "scales");
  p.rule.mode = choice(attribute_string(query, "mode"), "nearest", "linear", "cubic");
  p.rule.coordinates =
      choice(attribute_string(query, "coordinates"), "half_pixel", "pytorch_half_pixel", "align_corners");
  p.rule.rounding = choice(attribute_string(query, "nearest"), "floor", "ceil", "round_prefer_floor");
  p.rule.cubic_a = (float)attribute_float(query, "cubic_a");
  p.rank = x.rank;
  p.axes = (int32_t)sizes->count;
  p.bytes = element_bytes(x.dtype);
  p.dtype = x.dtype;
  for (int d = 0; d < p.axes; ++d) p.scales[d] = scales->count ? (float)scales->floats[d] : 0.0f;
  p.gather = gather_of(x.dtype);
  p.scatter = scatter_of(x.dtype);
  return nullptr;
}

float load_one(isthmus_dtype_t dtype, const unsigned char* x, int64_t at) {
  if (dtype == ISTHMUS_F32) return ((const float*)x)[at];
  const uint16_t bits = ((const uint16_t*)x)[at];
  return dtype == ISTHMUS_F16 ? half_to_float(bits) : bfloat_to_float(bits);
}

template <typename T>
void pick(unsigned char* to, int64_t to_step, const unsigned char* from, int64_t step, const ResizeTaps* taps,
          int64_t n) {
  for (int64_t i = 0; i < n; ++i) ((T*)to)[i * to_step] = ((const T*)from)[taps[i].index[0] * step];
}

void run_resize(const Run& run, const Team& team) {
  const ResizePlan& p = plan_data<ResizePlan>(*run.plan);
  const isthmus_tensor_arg_t &x = run.operands[0], &y = run.operands[1];
  const int lead = p.rank - p.axes, last = p.rank - 1;
  float steps[kMaxAxes];
  for (int d = 0; d < p.axes; ++d)
    steps[d] = resize_step(p.rule.coordinates, x.dims[lead + d], y.dims[lead + d], p.scales[d]);
  int64_t rows = 1, begin, end;
  for (int d = 0; d < last; ++d) rows *= y.dims[d];
  team.split(rows, 1, &begin, &end);
  const unsigned char* src = run.data<unsigned char>(0);
  ResizeTaps taps[kStretch];
  float sums[kStretch], line[kStretch];
  for (int64_t o0 = 0; o0 < y.dims[last] && begin < end; o0 += kStretch) {
    const int64_t n = y.dims[last] - o0 < kStretch ? y.dims[last] - o0 : kStretch;
    for (int64_t i = 0; i < n; ++i)
      taps[i] = resize_taps(p.rule, steps[p.axes - 1], x.dims[last], y.dims[last], o0 + i);
    for (int64_t row = begin; row < end; ++row) {
      int64_t index[ISTHMUS_MAX_RANK], rest = row, from = 0, to = o0 * y.strides[last];
      for (int d = last - 1; d >= 0; --d) {
        index[d] = rest % y.dims[d];
        rest /= y.dims[d];
        to += index[d] * y.strides[d];
        if (d < lead) from += index[d] * x.strides[d];
      }
      // Two outer axes at most; those that are not there have one place.
      ResizeTaps outer[2];
      for (int k = 0; k < 2; ++k) {
        const int d = p.axes - 3 + k;
        if (d < 0) {
          outer[k].count = 1;
          outer[k].index[0] = 0;
          outer[k].weight[0] = 1.0f;
        } else {
          outer[k] = resize_taps(p.rule, steps[d], x.dims[lead + d], y.dims[lead + d], index[lead + d]);
        }
      }
      const int64_t outer_step[2] = {p.axes > 2 ? x.strides[last - 2] : 0,
                                     p.axes > 1 ? x.strides[last - 1] : 0};
      unsigned char* dst = run.data<unsigned char>(1) + to * p.bytes;
      if (p.rule.mode == RESIZE_NEAREST) {
        from += outer[0].index[0] * outer_step[0] + outer[1].index[0] * outer_step[1];
        const unsigned char* at = src + from * p.bytes;
        switch (p.bytes) {
          case 1: pick<uint8_t>(dst, y.strides[last], at, x.strides[last], taps, n); break;
          case 2: pick<uint16_t>(dst, y.strides[last], at, x.strides[last], taps, n); break;
          case 4: pick<uint32_t>(dst, y.strides[last], at, x.strides[last], taps, n); break;
          default: pick<uint64_t>(dst, y.strides[last], at, x.strides[last], taps, n);
        }
        continue;
      }
      for (int a = 0; a < outer[0].count; ++a) {
        for (int b = 0; b < outer[1].count; ++b) {
          const int64_t at = from + outer[0].index[a] * outer_step[0] + outer[1].index[b] * outer_step[1];
          for (int64_t i = 0; i < n; ++i) {
            float sum = taps[i].weight[0] * load_one(p.dtype, src, at + taps[i].index[0] * x.strides[last]);
            for (int k = 1; k < taps[i].count; ++k)
              sum = __builtin_fmaf(taps[i].weight[k],
                                   load_one(p.dtype, src, at + taps[i].index[k] * x.strides[last]), sum);
            if (p.axes > 1)
              sum = b == 0 ? outer[1].weight[0] * sum : __builtin_fmaf(outer[1].weight[b], sum, line[i]);
            line[i] = sum;
          }
        }
        for (int64_t i = 0; i < n; ++i)
          sums[i] = p.axes < 3 ? line[i]
                    : a == 0   ? outer[0].weight[0] * line[i]
                               : __builtin_fmaf(outer[0].weight[a], line[i], sums[i]);
      }
      p.scatter(dst, y.strides[last], sums, n);
    }
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(resize, {"resize", "rows", prepare, run_resize, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
