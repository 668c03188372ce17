// SPDX-License-Identifier: Apache-2.0
// The host's side of pad.cl and trilu.cl.
#include <algorithm>
#include <array>

#include "ops/elementwise/vocabulary-inl.h"
#include "ops/portable/loops.h"
#include "ops/portable/portable.h"
#include "ops/reference.h"

namespace isthmus {
namespace {

struct Pad {
  int64_t rank, mode;
  int64_t dims[ISTHMUS_MAX_RANK], size[ISTHMUS_MAX_RANK];
  int64_t before[ISTHMUS_MAX_RANK];
  int64_t x_strides[ISTHMUS_MAX_RANK], y_strides[ISTHMUS_MAX_RANK];
};
enum Mode : int64_t { kConstant, kEdge, kReflect, kWrap };

PortablePlan pad_plan(const PortableQuery& query, Pad fixed, uint64_t value) {
  const int32_t rank = query.operands[0].rank;
  const uint32_t bytes = static_cast<uint32_t>(dtype_info(query.dtype(0)).block_bytes);
  fixed.rank = rank;
  PortablePlan plan;
  plan.source = "copy/pad.cl";
  plan.entries = {"pad"};
  plan.divides = false;
  plan.define("W", word_of(query.dtype(0)));
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &y = run.operands[1];
    Pad p = fixed;
    int64_t n = 1;
    for (int32_t d = 0; d < rank; ++d) {
      p.dims[d] = y.dims[d];
      p.size[d] = x.dims[d];
      p.x_strides[d] = x.strides[d];
      p.y_strides[d] = y.strides[d];
      n *= y.dims[d];
    }
    KernelArguments arguments;
    arguments.operand(x).operand(y).value(p).bytes(&value, bytes).value(n);
    return run.launch(0, Grid::items(n), arguments);
  };
  return plan;
}

Result<PortablePlan> prepare_pad(const PortableQuery& query) {
  const std::vector<int64_t>& pads = query.attributes.ints("pads");
  const std::string& mode = query.attributes.s("mode");
  Pad p = {};
  p.mode = mode == "edge" ? kEdge : mode == "reflect" ? kReflect : mode == "wrap" ? kWrap : kConstant;
  std::copy_n(pads.begin(), query.operands[0].rank, p.before);
  uint64_t value = 0;  // its first bytes are one element
  Tensor element;
  element.dtype = query.dtype(0);
  element.data = &value;
  if (is_float(element.dtype))
    reference::store_f64(element, 0, query.attributes.f("value"));
  else
    reference::store_i64(element, 0, formulas::saturate<int64_t>(query.attributes.f("value")));
  return pad_plan(query, p, value);
}

Result<PortablePlan> prepare_tile(const PortableQuery& query) {
  Pad p = {};
  p.mode = kWrap;
  return pad_plan(query, p, 0);
}

Result<PortablePlan> prepare_trilu(const PortableQuery& query) {
  const int32_t rank = query.operands[0].rank;
  const int64_t k = query.attributes.i("k");
  PortablePlan plan;
  plan.source = "copy/trilu.cl";
  plan.entries = {"trilu"};
  plan.divides = false;
  plan.define("W", word_of(query.dtype(0))).define("UPPER", int64_t{query.attributes.i("upper") != 0});
  plan.run = [=](const PortableRun& run) {
    const isthmus_tensor_arg_t &x = run.operands[0], &y = run.operands[1];
    const Loops loops = make_loops(run.operands, std::array{rank, rank});
    const int64_t n = loop_elements(loops), rows = y.dims[rank - 2], columns = y.dims[rank - 1];
    KernelArguments arguments;
    arguments.operand(x).operand(y).value(loops).value(rows).value(columns).value(k).value(n);
    return run.launch(0, Grid::items(n), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() {
  return {{"pad", prepare_pad}, {"tile", prepare_tile}, {"trilu", prepare_trilu}};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(pieces, kernels)
