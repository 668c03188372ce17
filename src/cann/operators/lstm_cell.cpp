// SPDX-License-Identifier: Apache-2.0
// One step of an LSTM from the sums its gates are made of, and the gradient. Gates lie side by side: input,
// forget, cell, output.
#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

Value mul(Builder& b, const Value& x, const Value& y) { return b.op("mul", {x, y}); }
Value add(Builder& b, const Value& x, const Value& y) { return b.op("add", {x, y}); }
Value one_minus(Builder& b, const Value& x) { return from_scalar(b, "sub", Scalar::of(1.0), x); }
Value as_f32(Builder& b, const char* parameter) { return b.cast(b.tensor(parameter), Dtype::kF32); }

bool fits(Builder& b, const Value& gates, const Value& cell) {
  return b.require(gates.rank == 2 && cell.rank == 2 && gates.dims[0] == cell.dims[0] &&
                       gates.dims[1] % 4 == 0 && gates.dims[1] / 4 == cell.dims[1],
                   "gates {} of cells {}", to_string(gates), to_string(cell));
}

Value gate(Builder& b, const Value& gates, int64_t i) {
  const int64_t width = gates.dims[1] / 4;
  return b.slice(gates, 1, i * width, (i + 1) * width);
}

}  // namespace

// The gates are kept in `storage` for the gradient.
Status build_ThnnFusedLstmCell(Builder& b) {
  Value gates = add(b, as_f32(b, "inputGates"), as_f32(b, "hiddenGates"));
  const Value before = as_f32(b, "cx"), storage = b.output("storage");
  for (const char* bias : {"inputBias", "hiddenBias"})
    if (b.has(bias)) gates = add(b, gates, as_f32(b, bias));
  if (b.failed() || !fits(b, gates, before) || !fits(b, storage, before)) return b.status();
  const Value input = b.op("sigmoid", {gate(b, gates, 0)}), forget = b.op("sigmoid", {gate(b, gates, 1)});
  const Value cell = b.op("tanh", {gate(b, gates, 2)}), output = b.op("sigmoid", {gate(b, gates, 3)});
  const Value now = add(b, mul(b, forget, before), mul(b, input, cell));
  b.store(mul(b, output, b.op("tanh", {now})), b.output("hy"));
  b.store(now, b.output("cy"));
  int64_t i = 0;
  for (const Value& each : {input, forget, cell, output}) b.store(each, gate(b, storage, i++));
  return b.status();
}

Status build_ThnnFusedLstmCellBackward(Builder& b) {
  const Value before = as_f32(b, "cx"), now = as_f32(b, "cy"), gates = as_f32(b, "storage");
  const Value gates_place = b.output("gradGates"), bias_place = b.output("gradBias");
  if (b.failed() || !fits(b, gates, before) || !fits(b, gates_place, before)) return b.status();
  const Value zero = b.filled(Scalar::of(0.0), Dtype::kF32, before.shape());
  const Value of_hidden = b.has("gradHy") ? as_f32(b, "gradHy") : zero;
  const Value of_cell = b.has("gradCy") ? as_f32(b, "gradCy") : zero;
  const Value input = gate(b, gates, 0), forget = gate(b, gates, 1), cell = gate(b, gates, 2),
              output = gate(b, gates, 3);
  const Value bent = b.op("tanh", {now});
  const Value slope =
      add(b, mul(b, mul(b, of_hidden, output), one_minus(b, b.op("square", {bent}))), of_cell);
  const auto by_sigmoid = [&](const Value& g, const Value& y) {
    return mul(b, g, mul(b, y, one_minus(b, y)));
  };
  const Value parts[] = {by_sigmoid(mul(b, slope, cell), input), by_sigmoid(mul(b, slope, before), forget),
                         mul(b, mul(b, slope, input), one_minus(b, b.op("square", {cell}))),
                         by_sigmoid(mul(b, of_hidden, bent), output)};
  b.store(mul(b, slope, forget), b.output("gradCx"));
  for (int64_t i = 0; i < 4; ++i) {
    b.store(parts[i], gate(b, gates_place, i));
    if (!b.boolean("hasBias") || !bias_place.present() || b.failed()) continue;
    const int64_t width = before.dims[1];
    const Value sum =
        b.op("reduce_sum", {parts[i]}, {{"axes", std::vector<int64_t>{0}}, {"keep_dims", int64_t{0}}});
    b.store(sum, b.slice(bias_place, 0, i * width, (i + 1) * width));
  }
  return b.status();
}

}  // namespace isthmus::cann
