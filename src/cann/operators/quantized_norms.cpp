// SPDX-License-Identifier: Apache-2.0
// RMS norms whose results are quantised at once; all in F32 until then.
#include "cann/operators/common.h"
#include "cann/operators/quantize.h"

namespace isthmus::cann {
namespace {

Value sum(Builder& b) {
  return b.op("add", {b.cast(b.tensor("x1"), Dtype::kF32), b.cast(b.tensor("x2"), Dtype::kF32)});
}

Value norm(Builder& b, const Value& x) {
  const Value gamma = b.cast(b.tensor("gamma"), Dtype::kF32);
  if (b.failed() || !b.require(x.rank > 0 && gamma.elements() == x.dims[x.rank - 1],
                               "gamma {} for rows of {}", to_string(gamma), to_string(x)))
    return {};
  Value y = b.op("rms_norm", {x, b.reshape(gamma, {gamma.elements()})}, {{"eps", b.number("epsilon")}});
  if (b.declares("beta") && b.has("beta")) y = b.op("add", {y, along(b, b.tensor("beta"), x, -1)});
  return y;
}

// y / scale + zero point, or y * scale + zero point.
void store_scaled(Builder& b, Value y, const char* scale, const char* zero, bool divide, const char* out) {
  const Value place = b.output(out);
  if (b.failed()) return;
  y = b.op(divide ? "div" : "mul", {y, along(b, b.tensor(scale), y, -1)});
  if (b.has(zero)) y = b.op("add", {y, along(b, b.tensor(zero), y, -1)});
  b.store(to_integers(b, y, place.dtype), place);
}

}  // namespace

// y2Out is written with scales2 only.
Status build_AddRmsNormQuant(Builder& b) {
  const Value x = sum(b), y = norm(b, x);
  const bool divide = b.boolean("divMode");
  b.require(b.integer("axis") == -1, "axis {}; -1 is supported", b.integer("axis"));
  store_scaled(b, y, "scales1", "zeroPoints1", divide, "y1Out");
  if (b.has("scales2")) store_scaled(b, y, "scales2", "zeroPoints2", divide, "y2Out");
  b.store(x, b.output("xOut"));
  return b.status();
}
Status build_AddRmsNormQuantV2(Builder& b) {
  const Status status = build_AddRmsNormQuant(b);
  if (status.ok() && b.has("rmsNormOut")) b.store(norm(b, sum(b)), b.output("rmsNormOut"));
  return b.status();
}

// outputMask says which of both results are wanted; without it the second comes with smoothScale2.
Status build_AddRmsNormDynamicQuantV2(Builder& b) {
  const Value x = sum(b), y = norm(b, x);
  const std::vector<int64_t> mask = b.ints("outputMask");
  if (!b.require(mask.empty() || mask.size() == 2, "outputMask has {} values", mask.size()))
    return b.status();
  const bool first = mask.empty() || mask[0] != 0;
  const bool second = mask.empty() ? b.has("smoothScale1") && b.has("smoothScale2") : mask[1] != 0;
  for (const bool one : {true, false}) {
    if (!(one ? first : second)) continue;
    const char* smooth = one ? "smoothScale1" : "smoothScale2";
    const QuantizedRows rows =
        quantize_by_row(b, b.has(smooth) ? b.op("mul", {y, along(b, b.tensor(smooth), y, -1)}) : y);
    b.store(rows.integers, b.output(one ? "y1Out" : "y2Out"));
    b.store(rows.scale, b.output(one ? "scale1Out" : "scale2Out"));
  }
  b.store(x, b.output("xOut"));
  return b.status();
}

Status build_RmsNormQuant(Builder& b) {
  const Value y = norm(b, b.cast(b.tensor("x"), Dtype::kF32));
  store_scaled(b, y, "scale", "offset", true, "y");
  return b.status();
}

}  // namespace isthmus::cann
