// SPDX-License-Identifier: Apache-2.0
// The host's side of dense_attention.cl.
#include <algorithm>
#include <cmath>

#include "ops/portable/portable.h"

namespace isthmus {
namespace {

enum { kQ, kK, kV, kMask, kLengths, kSinks, kY };

struct DenseAttention {
  int64_t rows, heads, group, positions, before, after, align_end;
  int64_t q[4], k[4], v[4], mask[4], y[4];
  int64_t length_step, sink_step;
  float scale, cap;
};

Result<PortablePlan> prepare(const PortableQuery& query) {
  const int64_t d = query.operands[kQ].dims[3], dv = query.operands[kV].dims[3];
  if (d > 1024 || dv > 1024) return unimplemented("heads of more than 1024 numbers");
  DenseAttention fixed = {};
  fixed.before = query.attributes.i("before");
  fixed.after = query.attributes.i("after");
  fixed.align_end = query.attributes.s("align") == "end";
  fixed.cap = static_cast<float>(query.attributes.f("soft_cap"));
  fixed.scale = static_cast<float>(query.attributes.f("scale"));
  if (fixed.scale == 0) fixed.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(d)));
  const int32_t mask_rank = query.operands[kMask].rank;
  PortablePlan plan;
  plan.source = "attention/dense_attention.cl";
  plan.entries = {"dense_attention"};
  plan.define("Q", std::string(dtype_name(query.dtype(kQ))))
      .define("KV", std::string(dtype_name(query.dtype(kK))));
  plan.define("D", d).define("DV", dv).define("CAPPED", int64_t{fixed.cap > 0});
  plan.define("SINKS", int64_t{query.present(kSinks)});
  if (query.present(kMask)) plan.define("MASK", std::string(dtype_name(query.dtype(kMask))));
  plan.define("MASK_ADDS", int64_t{query.present(kMask) && query.dtype(kMask) != Dtype::kBool});
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t* t = run.operands;
    DenseAttention p = fixed;
    p.rows = t[kQ].dims[2];
    p.heads = t[kQ].dims[1];
    p.group = p.heads / t[kK].dims[1];
    p.positions = t[kK].dims[2];
    std::copy_n(t[kQ].strides, 4, p.q);
    std::copy_n(t[kK].strides, 4, p.k);
    std::copy_n(t[kV].strides, 4, p.v);
    std::copy_n(t[kY].strides, 4, p.y);
    for (int i = 0; i < mask_rank; ++i)
      p.mask[4 - mask_rank + i] = t[kMask].dims[i] == 1 ? 0 : t[kMask].strides[i];
    p.length_step = t[kLengths].strides[0];
    p.sink_step = t[kSinks].strides[0];
    KernelArguments arguments;
    for (int i = 0; i <= kY; ++i) arguments.operand(t[i]);
    arguments.value(p);
    return run.launch(0, Grid::of_groups(p.rows, p.heads, t[kQ].dims[0], 64), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"dense_attention", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(dense_attention, kernels)
