// SPDX-License-Identifier: Apache-2.0
// The host's side of cast.cl.
#include <array>

#include "base/dtype.h"
#include "ops/op_def.h"
#include "ops/portable/loops.h"
#include "ops/portable/portable.h"

namespace isthmus {
namespace {

Result<PortablePlan> prepare(const PortableQuery& query) {
  const Dtype x = query.dtype(0), y = query.dtype(1);
  const bool to_integer = !is_float(y) && y != Dtype::kBool;
  PortablePlan plan;
  plan.source = "cast/cast.cl";
  plan.entries = {"cast"};
  plan.divides = false;
  plan.define("Y", std::string(dtype_name(y)));
  for (Dtype dtype : dtypes::plain)
    plan.define(fmt::format("NUMBER_{}", dtype_name(dtype)), static_cast<int64_t>(dtype));
  plan.define("TO_BOOL", int64_t{y == Dtype::kBool}).define("TO_INTEGER", int64_t{to_integer});
  if (to_integer) {
    const bool is_signed = dtype_name(y)[0] == 'I';
    const int width = static_cast<int>(8 * dtype_info(y).block_bytes), digits = width - is_signed;
    const uint64_t highest = ~uint64_t{0} >> (64 - digits);
    plan.define("ABOVE", fmt::format("0x1p{}f", digits)).define("HIGHEST", fmt::format("{}UL", highest));
    plan.define("BELOW", is_signed ? fmt::format("-0x1p{}f", digits) : "0.0f");
    plan.define("LOWEST", is_signed ? fmt::format("(-{}L - 1)", highest) : "0");
  }
  plan.f64 = x == Dtype::kF64 || y == Dtype::kF64;
  const int32_t from = static_cast<int32_t>(x);
  const std::array<int32_t, 2> ranks = {query.operands[0].rank, query.operands[1].rank};
  plan.run = [=](const PortableRun& run) {
    const Loops loops = make_loops(run.operands, ranks);
    const int64_t n = loop_elements(loops);
    KernelArguments arguments;
    arguments.operand(run.operands[0]).operand(run.operands[1]).value(loops).value(n).value(from);
    return run.launch(0, Grid::items(n), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() { return {{"cast", prepare}}; }

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(cast, kernels)
