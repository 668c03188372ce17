// SPDX-License-Identifier: Apache-2.0
// The host's side of attention.cl, attention_wide.cl, cache_write.cl and cache_write_quantized.cl.
#include <algorithm>
#include <cmath>

#include "ops/portable/portable.h"

namespace isthmus {
namespace {

template <typename T, size_t kCount>
void copy_strides(const isthmus_tensor_arg_t& operand, T (&strides)[kCount]) {
  for (size_t d = 0; d < kCount; ++d) strides[d] = operand.strides[d];
}

struct CacheWrite {
  int64_t tokens, heads, width, slots;
  int64_t x[3], cache[4];
  int64_t slot_step;
};

Result<PortablePlan> prepare_cache_write(const PortableQuery& query) {
  PortablePlan plan;
  plan.source = "attention/cache_write.cl";
  plan.entries = {"cache_write"};
  plan.divides = false;
  plan.define("X", std::string(dtype_name(query.dtype(0))))
      .define("CACHE", std::string(dtype_name(query.dtype(2))));
  plan.define("DIMS_MAJOR", int64_t{query.attributes.s("layout") == "dims_major"});
  plan.run = [](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &slots = run.operands[1], &cache = run.operands[2];
    CacheWrite p = {x.dims[0], x.dims[1], x.dims[2], cache.dims[0] * 64, {}, {}, slots.strides[0]};
    copy_strides(x, p.x);
    copy_strides(cache, p.cache);
    KernelArguments arguments;
    arguments.operand(x).operand(slots).operand(cache).value(p);
    return run.launch(0, Grid::items(p.tokens * p.heads * p.width), arguments);
  };
  return plan;
}

struct QuantizedWrite {
  int64_t tokens, heads, blocks, slots;
  int64_t x[3], cache[4], scales[4];
  int64_t slot_step;
};

Result<PortablePlan> prepare_quantized_write(const PortableQuery& query) {
  PortablePlan plan;
  plan.source = "attention/cache_write_quantized.cl";
  plan.entries = {"cache_write_quantized"};
  plan.define("X", std::string(dtype_name(query.dtype(0))));
  plan.define("DIMS_MAJOR", int64_t{query.attributes.s("layout") == "dims_major"});
  plan.run = [](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &slots = run.operands[1], &cache = run.operands[2];
    const isthmus_tensor_arg_t& scales = run.operands[3];
    QuantizedWrite p = {x.dims[0], x.dims[1], x.dims[2] / 32,  cache.dims[0] * 64, {},
                        {},        {},        slots.strides[0]};
    copy_strides(x, p.x);
    copy_strides(cache, p.cache);
    copy_strides(scales, p.scales);
    KernelArguments arguments;
    arguments.operand(x).operand(slots).operand(cache).operand(scales).value(p);
    return run.launch(0, Grid::items(p.tokens * p.heads * p.blocks), arguments);
  };
  return plan;
}

Result<PortablePlan> prepare_any_write(const PortableQuery& query) {
  return query.present(3) ? prepare_quantized_write(query) : prepare_cache_write(query);
}

struct Attention {
  int64_t heads, group, sequences, max_blocks, cache_blocks, window;
  int64_t q[3], k[4], v[4], k_scales[4], v_scales[4], y[3], table[2];
  int64_t sequence_step, position_step, length_step, sink_step;
  float scale, cap;
};

enum { kQ, kK, kV, kTable, kSequence, kPositions, kLengths, kSinks, kKScales, kVScales, kY };

Result<PortablePlan> prepare_attention(const PortableQuery& query) {
  const int64_t d = query.operands[kQ].dims[2], dv = query.operands[kV].dims[3];
  if (d < 1 || d > 1024 || dv < 1 || dv > 1024) return unimplemented("heads of 1 to 1024 numbers");
  Attention fixed = {};
  fixed.window = query.attributes.i("window");
  fixed.cap = static_cast<float>(query.attributes.f("soft_cap"));
  fixed.scale = static_cast<float>(query.attributes.f("scale"));
  if (fixed.scale == 0) fixed.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(d)));
  PortablePlan plan;
  // Work items that have vectors take whole blocks; others take a position each.
  const int64_t width = query.vector_floats;
  const bool quantized = query.dtype(kK) == Dtype::kI8;
  const auto contiguous = [&](int operand) { return query.operands[operand].contiguous != 0; };
  const bool wide = width >= 8 && dv % width == 0 && contiguous(kK) && contiguous(kV) &&
                    (!quantized || (contiguous(kKScales) && contiguous(kVScales)));
  const int64_t group =
      query.operands[kK].dims[1] > 0 ? query.operands[kQ].dims[1] / query.operands[kK].dims[1] : 1;
  const int64_t heads = std::clamp<int64_t>(group, 1, 4);  // of an item
  plan.source = wide ? "attention/attention_wide.cl" : "attention/attention.cl";
  plan.entries = {wide ? "attention_wide" : "attention"};
  if (wide) plan.define("WIDTH", width).define("HEADS", heads);
  plan.define("CACHE", std::string(dtype_name(query.dtype(kK)))).define("D", d).define("DV", dv);
  plan.define("QUANTIZED", int64_t{quantized});
  plan.define("CAPPED", int64_t{fixed.cap > 0}).define("SINKS", int64_t{query.present(kSinks)});
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t* t = run.operands;
    Attention p = fixed;
    p.heads = t[kQ].dims[1];
    p.group = t[kK].dims[1] > 0 ? p.heads / t[kK].dims[1] : 1;
    p.sequences = t[kTable].dims[0];
    p.max_blocks = t[kTable].dims[1];
    p.cache_blocks = t[kK].dims[0];
    copy_strides(t[kQ], p.q);
    copy_strides(t[kK], p.k);
    copy_strides(t[kV], p.v);
    if (quantized) {
      copy_strides(t[kKScales], p.k_scales);
      copy_strides(t[kVScales], p.v_scales);
    }
    copy_strides(t[kY], p.y);
    copy_strides(t[kTable], p.table);
    p.sequence_step = t[kSequence].strides[0];
    p.position_step = t[kPositions].strides[0];
    p.length_step = t[kLengths].strides[0];
    p.sink_step = t[kSinks].strides[0];
    KernelArguments arguments;
    for (int i = 0; i <= kY; ++i) arguments.operand(t[i]);
    arguments.value(p);
    if (wide)
      return run.launch(0, Grid::of_groups(t[kQ].dims[0], t[kK].dims[1], (p.group + heads - 1) / heads, 1),
                        arguments);
    return run.launch(0, Grid::of_groups(t[kQ].dims[0], p.heads, 1, 64), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() {
  return {{"cache_write", prepare_any_write}, {"attention", prepare_attention}};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(attention, kernels)
