// SPDX-License-Identifier: Apache-2.0
// Activations with limits, and activations and updates that are quantised at once, some of them group by
// group.
#include "cann/operators/quantize.h"
#include "cann/operators/rows.h"

namespace isthmus::cann {
namespace {

// gate * sigmoid(alpha * gate) * (up + bias), gate at most limit and up within [-limit, limit].
Value clipped_swiglu(Builder& b, Value gate, Value up, const char* alpha, const char* limit,
                     const char* bias) {
  const double bound = b.number(limit);
  if (b.failed() || !b.require(bound > 0, "{} is {}", limit, bound)) return {};
  gate = b.op("min", {gate, b.constant(Scalar::of(bound), Dtype::kF32)});
  up = b.op("clamp", {up}, {{"min", -bound}, {"max", bound}});
  const Value slope = b.op("sigmoid", {with_scalar(b, "mul", gate, Scalar::of(b.number(alpha)))});
  return b.op("mul", {b.op("mul", {gate, slope}), with_scalar(b, "add", up, Scalar::of(b.number(bias)))});
}

// The rows of a table for the groups of x's rows; a table of one dimension, or of one row, is for all.
Value for_rows(Builder& b, Value table, const Value& group, int64_t width) {
  if (b.failed() || !table.present()) return table;
  table = b.cast(table, Dtype::kF32);
  if (table.rank == 2 && table.dims[0] == 1) table = b.reshape(table, {table.elements()});
  if (!b.require((table.rank == 1 || (table.rank == 2 && group.present())) &&
                     (table.dims[table.rank - 1] == width || table.dims[table.rank - 1] == 1),
                 "{} for rows of {}", to_string(table), width))
    return {};
  return table.rank == 1 ? table : rows_of(b, table, group);
}

// groupIndex says how many rows each group has; what lies behind the last gives zeros.
Status dequantize_swiglu(Builder& b, int64_t mode) {
  Value x = b.tensor("x");
  const Value out = b.output("y"), scale_out = b.output("scale");
  const std::string quant = b.text("quantMode");
  if (b.failed() ||
      !b.require(x.rank >= 2 && x.dims[x.rank - 1] > 0 && x.dims[x.rank - 1] % 2 == 0, "halves of {}",
                 to_string(x)) ||
      !b.require(quant == "static" || quant == "dynamic", "quantMode '{}'", quant))
    return b.status();
  const int64_t width = x.dims[x.rank - 1], n = x.elements() / width;
  x = b.reshape(x, {n, width});
  Value group, inside;
  if (b.has("groupIndex")) {
    const Value lengths = numbers_in(b, b.tensor("groupIndex"));
    group = group_of_rows(b, b.op("cumulative_sum", {lengths}), n);
    if (b.failed()) return b.status();
    inside = b.unsqueeze(b.op("less", {group, whole_number(b, lengths.elements())}), 1);
  }
  if (x.dtype == Dtype::kI32) {
    const Value bias = b.optional("bias"), row = b.optional("activationScale");
    const bool whole = bias.present() && bias.dtype == Dtype::kI32;
    if (whole && !b.require(bias.rank == 1 || (bias.rank == 2 && (bias.dims[0] == 1 || group.present())),
                            "bias {}", to_string(bias)))
      return b.status();
    if (whole) x = b.op("add", {x, bias.rank == 2 && bias.dims[0] != 1 ? rows_of(b, bias, group) : bias});
    x = b.op("mul", {b.cast(x, Dtype::kF32), for_rows(b, b.tensor("weightScale"), group, width)});
    if (row.present()) x = b.op("mul", {x, b.reshape(b.cast(row, Dtype::kF32), {n, 1})});
    if (bias.present() && !whole) x = b.op("add", {x, for_rows(b, bias, group, width)});
  } else {
    for (const char* parameter : {"activationScale", "bias"})
      b.require(!b.has(parameter), "'{}' is for sums of I32, x is {}", parameter, to_string(x));
  }
  x = b.cast(x, Dtype::kF32);
  Value y;
  if (mode == 1) {
    y = clipped_swiglu(b, b.slice(x, 1, 0, width, 2), b.slice(x, 1, 1, width, 2), "gluAlpha", "clampLimit",
                       "gluBias");
  } else {
    const auto [left, right] = halves(b, x, 1);
    y = b.boolean("activateLeft") ? b.op("swiglu", {left, right}) : b.op("swiglu", {right, left});
  }
  const auto quantizing = [&](const char* parameter) {
    Value table = b.optional(parameter);
    // One dimension: a number for each group.
    if (table.present() && table.rank == 1 && quant == "static" &&
        b.require(group.present() || table.elements() == 1, "{} is {} without groups", parameter,
                  to_string(table)))
      table = b.unsqueeze(table, 1);
    return for_rows(b, table, group, width / 2);
  };
  const Value scale = quantizing("quantScale");
  Value integers;
  if (quant == "static") {
    if (scale.present()) y = b.op("div", {y, scale});
    const Value offset = quantizing("quantOffset");
    if (offset.present()) y = b.op("add", {y, offset});
    integers = to_integers(b, y, Dtype::kI8);
  } else {
    const QuantizedRows rows = quantize_by_row(b, scale.present() ? b.op("mul", {y, scale}) : y);
    integers = rows.integers;
    Value factor = rows.scale;
    if (inside.present()) factor = b.op("where", {inside, factor, b.constant(Scalar::of(0.0), Dtype::kF32)});
    if (b.failed()) return b.status();
    b.store(b.reshape(factor, scale_out.shape()), scale_out);
  }
  if (inside.present())
    integers = b.op("where", {inside, integers, b.constant(Scalar::of(int64_t{0}), Dtype::kI8)});
  if (b.failed() ||
      !b.require(out.elements() == integers.elements(), "{} into {}", to_string(integers), to_string(out)))
    return b.status();
  b.store(b.reshape(integers, out.shape()), out);
  return b.status();
}

}  // namespace

Status build_DequantSwigluQuant(Builder& b) { return dequantize_swiglu(b, 0); }
Status build_DequantSwigluQuantV2(Builder& b) {
  const Value x = b.tensor("x");
  const int64_t mode = b.integer("swigluMode");
  const std::string round = b.text("roundMode");
  if (b.failed()) return b.status();
  b.require(mode == 0 || mode == 1, "swigluMode {}; 0 and 1 are supported", mode);
  b.require(round == "rint", "roundMode '{}'; 'rint' is supported", round);
  b.require(b.axis(b.integer("activateDim"), x.rank) == x.rank - 1, "activateDim {}; the last is supported",
            b.integer("activateDim"));
  return dequantize_swiglu(b, mode);
}

// groupIndex says how many rows count; the others give zeros. Rows are those before dim.
Status build_ClippedSwiglu(Builder& b) {
  const Value given = b.tensor("x"), place = b.output();
  const int dim = b.axis(b.integer("dim"), given.rank);
  if (b.failed()) return b.status();
  int64_t n = 1;
  for (int i = 0; i < dim; ++i) n *= given.dims[i];
  if (!b.require(given.rank > 0 && n > 0 && given.dims[dim] % 2 == 0, "halves of {}", to_string(given)))
    return b.status();
  const int64_t width = given.elements() / n;
  const Value x = b.reshape(b.cast(given, Dtype::kF32), {n, width});
  const auto [left, right] = halves(b, x, 1);
  if (b.failed()) return b.status();
  Value y = b.boolean("interleaved") ? clipped_swiglu(b, b.slice(x, 1, 0, width, 2),
                                                      b.slice(x, 1, 1, width, 2), "alpha", "limit", "bias")
                                     : clipped_swiglu(b, left, right, "alpha", "limit", "bias");
  if (b.has("groupIndex")) {
    const Value rows = sum_over(b, numbers_in(b, b.tensor("groupIndex")), 0);
    const Value counts = b.unsqueeze(b.op("less", {count_up(b, n), rows}), 1);
    y = b.op("where", {counts, y, b.constant(Scalar::of(0.0), Dtype::kF32)});
  }
  if (b.failed() ||
      !b.require(place.elements() == y.elements(), "{} into {}", to_string(y), to_string(place)))
    return b.status();
  b.store(b.reshape(y, place.shape()), place);
  return b.status();
}

// "static": times inputScale plus inputOffset; "dynamic": times inputScale, then by rows.
Status build_GeluQuant(Builder& b) {
  const std::string kind = b.text("approximate"), mode = b.text("quantMode"), round = b.text("roundMode");
  const Value x = b.cast(b.tensor("self"), Dtype::kF32);
  b.require(kind == "none" || kind == "tanh", "approximate '{}'", kind);
  b.require(mode == "static" || mode == "dynamic", "quantMode '{}'", mode);
  b.require(round == "rint", "roundMode '{}'; 'rint' is supported", round);
  Value y = b.op(kind == "tanh" ? "gelu_tanh" : "gelu", {x});
  if (mode == "static" || b.has("inputScale")) y = b.op("mul", {y, along(b, b.tensor("inputScale"), y, -1)});
  if (mode == "static") {
    if (b.has("inputOffset")) y = b.op("add", {y, along(b, b.tensor("inputOffset"), y, -1)});
    b.store(to_integers(b, y, Dtype::kI8), b.output("y"));
    return b.status();
  }
  b.require(!b.has("inputOffset"), "an inputOffset, which quantMode 'dynamic' does not take");
  const QuantizedRows rows = quantize_by_row(b, y);
  b.store(rows.integers, b.output("y"));
  b.store(rows.scale, b.output("outScale"));
  return b.status();
}

// x * scale + offset, groupIndex saying where the rows of each scale end.
Status build_GroupQuant(Builder& b) {
  const Value x = b.cast(b.tensor("x"), Dtype::kF32), scale = b.cast(b.tensor("scale"), Dtype::kF32);
  const Value ends = numbers_in(b, b.tensor("groupIndex")), place = b.output("y");
  if (b.failed() ||
      !b.require(
          x.rank == 2 && scale.rank == 2 && scale.dims[1] == x.dims[1] && ends.elements() == scale.dims[0],
          "{} by scales {} of {} groups", to_string(x), to_string(scale), ends.elements()))
    return b.status();
  Value y = b.op("mul", {x, rows_of(b, scale, group_of_rows(b, ends, x.dims[0]))});
  if (b.has("offset")) {
    const Value offset = b.cast(b.tensor("offset"), Dtype::kF32);
    if (!b.require(offset.elements() == 1, "offset {}; one number is supported", to_string(offset)))
      return b.status();
    y = b.op("add", {y, b.reshape(offset, {})});
  }
  b.store(to_integers(b, y, place.dtype), place);
  return b.status();
}

// Batch i gets its updates, quantised, at indices[i] of axis and behind.
Status build_InplaceQuantScatter(Builder& b) {
  const Value x = b.tensor("selfRef"), index = numbers_in(b, b.tensor("indices"));
  const Value updates = b.cast(b.tensor("updates"), Dtype::kF32);
  const int axis = b.axis(b.integer("axis"), x.rank), along_axis = b.axis(b.integer("quantAxis"), x.rank);
  b.require(b.integer("reduction") == 1, "reduction {}; 1, plain writing, is supported",
            b.integer("reduction"));
  if (b.failed() ||
      !b.require(x.dtype == Dtype::kI8 && x.rank >= 2 && axis > 0 && updates.rank == x.rank &&
                     index.elements() == updates.dims[0] && updates.dims[0] <= x.dims[0] &&
                     updates.dims[0] < 1 << 16,
                 "{} at {} places of {}, axis {}", to_string(updates), index.elements(), to_string(x), axis))
    return b.status();
  Value y = b.op("div", {updates, along(b, b.tensor("quantScales"), updates, along_axis)});
  if (b.has("quantZeroPoints"))
    y = b.op("add", {b.op("round", {y}), along(b, b.tensor("quantZeroPoints"), updates, along_axis)});
  y = to_integers(b, y, Dtype::kI8);
  if (b.failed()) return b.status();
  const Value places = b.op("add", {b.unsqueeze(index, 1), b.unsqueeze(count_up(b, updates.dims[axis]), 0)});
  for (int64_t i = 0; i < updates.dims[0] && !b.failed(); ++i)
    b.ops("index_copy", {b.select(x, 0, i), b.select(places, 0, i), b.select(y, 0, i)},
          {{"axis", int64_t{axis - 1}}});
  return b.status();
}

}  // namespace isthmus::cann
