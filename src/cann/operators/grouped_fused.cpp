// SPDX-License-Identifier: Apache-2.0
// Grouped products of I8 with what stands around them in a mixture of experts.
#include "cann/operators/grouped.h"
#include "cann/operators/quantize.h"
#include "cann/operators/rows.h"

namespace isthmus::cann {

// SwiGLU of the halves of what was scaled back, quantised by rows.
Status build_GroupedMatmulSwigluQuantV2(Builder& b) {
  refuse_tensors(b, {"bias", "smoothScale"});
  if (b.has("weightAssistMatrix") && !b.tensor_list("weightAssistMatrix").empty())
    b.fail(unimplemented("'weightAssistMatrix' is not supported"));
  for (const char* mode : {"dequantMode", "quantMode"})
    b.require(b.integer(mode) == 0, "{} {}; 0 is supported", mode, b.integer(mode));
  const Value x = b.tensor("x"), place = b.output("output"), scale_place = b.output("outputScale");
  if (b.failed() ||
      !b.require(x.rank == 2 && x.dtype == Dtype::kI8, "x is {}; rows of I8 are supported", to_string(x)))
    return b.status();
  const Value group = group_of_rows(b, ends_of_groups(b, b.integer("groupListType")), x.dims[0]);
  const Value sums = grouped_product(b, x, stacked_groups(b, b.tensor_list("weight"), 2), {}, group);
  const Value y =
      scaled_groups(b, sums, stacked_groups(b, b.tensor_list("weightScale"), 1), group, b.tensor("xScale"));
  const auto [gate, up] = halves(b, y, 1);
  const QuantizedRows rows = quantize_by_row(b, b.op("swiglu", {gate, up}));
  b.store(rows.integers, place);
  b.store(rows.scale, scale_place);
  return b.status();
}

// Results times logit, added up at the tokens that rowIndex names, and sharedInput from a row on.
Status build_GroupedMatmulFinalizeRoutingV2(Builder& b) {
  refuse_tensors(b, {"offset", "antiquantScale", "antiquantOffset", "bias"});
  Value x = b.tensor("x"), weight = b.tensor("weight");
  const Value place = b.output();
  if (b.boolean("transposeX")) x = b.transpose(x, -1, -2);
  if (b.boolean("transposeWeight")) weight = b.transpose(weight, -1, -2);
  if (b.failed() || !b.require(x.rank == 2 && x.dtype == Dtype::kI8 && place.rank == 2,
                               "{} in {}; rows of I8 are supported", to_string(x), to_string(place)))
    return b.status();
  const int64_t m = x.dims[0], n = place.dims[0];
  const Value group = group_of_rows(b, ends_of_groups(b, b.integer("groupListType")), m);
  Value y = scaled_groups(b, grouped_product(b, x, weight, {}, group), b.tensor("scale"), group,
                          b.optional("pertokenScale"));
  if (b.has("logit")) y = b.op("mul", {y, b.reshape(b.cast(b.tensor("logit"), Dtype::kF32), {m, 1})});
  const Value token = numbers_in(b, b.tensor("rowIndex"));
  if (b.failed() || !b.require(token.elements() == m && y.dims[1] == place.dims[1], "{} at {} rows of {}",
                               to_string(y), token.elements(), to_string(place)))
    return b.status();
  Value sum = b.filled(Scalar::of(0.0), Dtype::kF32, {n, y.dims[1]});
  const auto added = [&](const Value& rows, const Value& at) {
    return b.op("scatter_nd", {sum, b.unsqueeze(at, 1), rows}, {{"reduction", std::string("add")}});
  };
  sum = added(y, token);
  if (b.has("sharedInput")) {
    const Value shared = b.cast(b.tensor("sharedInput"), Dtype::kF32);
    const int64_t from = b.integer("sharedInputOffset");
    if (b.failed() || !b.require(shared.rank == 2 && from >= 0 && from <= n && shared.dims[0] <= n - from,
                                 "sharedInput {} from row {} of {} on", to_string(shared), from, n))
      return b.status();
    sum = added(with_scalar(b, "mul", shared, Scalar::of(b.number("sharedInputWeight"))),
                b.slice(count_up(b, n), 0, from, from + shared.dims[0]));
  }
  b.store(sum, place);
  return b.status();
}
Status build_GroupedMatmulFinalizeRoutingV3(Builder& b) { return build_GroupedMatmulFinalizeRoutingV2(b); }

// Rows of x quantised as DynamicQuant does; weight is [groups, n, k] with transposeWeight.
Status build_QuantGroupedMatmulDequant(Builder& b) {
  refuse_tensors(b, {"bias", "xScale", "xOffset", "smoothScale"});
  const std::string mode = b.text("xQuantMode");
  b.require(mode.empty() || mode == "pertoken", "xQuantMode '{}'; 'pertoken' is supported", mode);
  const Value x = b.tensor("x");
  Value weight = b.tensor("weight");
  if (b.boolean("transposeWeight")) weight = b.transpose(weight, -1, -2);
  if (b.failed() || !b.require(x.rank == 2, "rows of {}", to_string(x))) return b.status();
  const QuantizedRows rows = quantize_by_row(b, x);
  const Value group = group_of_rows(b, ends_of_groups(b, 0), x.dims[0]);
  b.store(scaled_groups(b, grouped_product(b, rows.integers, weight, {}, group), b.tensor("weightScale"),
                        group, rows.scale),
          b.output());
  return b.status();
}

}  // namespace isthmus::cann
