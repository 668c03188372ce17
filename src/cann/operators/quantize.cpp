// SPDX-License-Identifier: Apache-2.0
// Quantising and back: INT8 with scales of tensors, channels or rows.
#include "cann/operators/quantize.h"

#include "cann/operators/rows.h"

namespace isthmus::cann {

Value to_integers(Builder& b, const Value& x, Dtype dtype) {
  const bool without_sign = dtype == Dtype::kU8;
  if (!b.require(dtype == Dtype::kI8 || dtype == Dtype::kU8 || dtype == Dtype::kI32, "quantised to {}",
                 dtype_name(dtype)))
    return {};
  const Value whole = b.op("round", {x});
  if (dtype == Dtype::kI32) return b.cast(whole, dtype);
  const Value limited =
      b.op("clamp", {whole}, {{"min", without_sign ? 0.0 : -128.0}, {"max", without_sign ? 255.0 : 127.0}});
  return b.cast(limited, dtype);
}

QuantizedRows quantize_by_row(Builder& b, Value x) {
  if (b.failed()) return {};
  x = b.cast(x, Dtype::kF32);
  const Value largest = b.op("reduce_max", {b.op("abs", {x})}, {{"axes", std::vector<int64_t>{-1}}});
  const Value scale = with_scalar(b, "div", largest, Scalar::of(127.0));
  const Value empty = with_scalar(b, "equal", scale, Scalar::of(0.0));
  const Value divisor = b.op("where", {empty, b.constant(Scalar::of(1.0), Dtype::kF32), scale});
  return {to_integers(b, b.op("div", {x, divisor}), Dtype::kI8), scale};
}

Value along(Builder& b, Value scale, const Value& x, int64_t axis) {
  if (b.failed()) return {};
  scale = b.cast(scale, Dtype::kF32);
  if (scale.elements() == 1) return b.reshape(scale, {});
  const int at = b.axis(axis, x.rank);
  if (b.failed() || !b.require(x.rank > 0, "{} numbers for one of rank 0", scale.elements()) ||
      !b.require(scale.elements() == x.dims[at], "{} along {} of {}", to_string(scale), at, to_string(x)))
    return {};
  std::vector<int64_t> shape(static_cast<size_t>(x.rank), 1);
  shape[static_cast<size_t>(at)] = x.dims[at];
  return b.reshape(scale, shape);
}

namespace {

// x * scale + offset (the square of the scale with sqrtMode), rounded as "round" does.
Status quantize(Builder& b, int64_t axis) {
  const Value x = b.cast(b.tensor("x"), Dtype::kF32), place = b.output("y");
  if (b.failed() || !b.require(b.text("roundMode") == "round", "roundMode is {}", b.text("roundMode")))
    return b.status();
  Value scale = along(b, b.tensor("scale"), x, axis);
  if (b.boolean("sqrtMode")) scale = b.op("square", {scale});
  Value y = b.op("mul", {x, scale});
  if (b.has("offset")) y = b.op("add", {y, along(b, b.tensor("offset"), x, axis)});
  b.store(to_integers(b, y, place.dtype), place);
  return b.status();
}

Value smoothed(Builder& b) {
  const Value x = b.cast(b.tensor("x"), Dtype::kF32);
  return b.has("smoothScales") ? b.op("mul", {x, b.cast(b.tensor("smoothScales"), Dtype::kF32)}) : x;
}

// Quantised and scaled back, and where nothing was cut off.
Status fake_quantize(Builder& b, int64_t axis, bool enabled) {
  const Value x = b.tensor("self");
  const double low = static_cast<double>(b.integer("quantMin")),
               high = static_cast<double>(b.integer("quantMax"));
  if (b.failed()) return b.status();
  if (!enabled) {
    b.store(x, b.output("out"));
    b.store(b.filled(Scalar::of(int64_t{1}), Dtype::kBool, x.shape()), b.output("mask"));
    return b.status();
  }
  const Value wide_x = b.cast(x, Dtype::kF32);
  const Value scale = along(b, b.tensor("scale"), x, axis), zero = along(b, b.tensor("zeroPoint"), x, axis);
  // As PyTorch: times the reciprocal.
  const Value whole =
      b.op("add", {b.op("round", {b.op("mul", {wide_x, b.op("reciprocal", {scale})})}), zero});
  const Value limited = b.op("clamp", {whole}, {{"min", low}, {"max", high}});
  b.store(b.op("mul", {b.op("sub", {limited, zero}), scale}), b.output("out"));
  b.store(b.op("equal", {whole, limited}), b.output("mask"));
  return b.status();
}

}  // namespace

Status build_AscendQuant(Builder& b) { return quantize(b, -1); }
Status build_AscendQuantV3(Builder& b) { return quantize(b, b.integer("axis")); }

Status build_AscendAntiQuant(Builder& b) {
  Value x = b.cast(b.tensor("x"), Dtype::kF32);
  if (b.has("offset")) x = b.op("add", {x, along(b, b.tensor("offset"), x, -1)});
  Value scale = along(b, b.tensor("scale"), x, -1);
  if (b.boolean("sqrtMode")) scale = b.op("square", {scale});
  b.store(b.op("mul", {x, scale}), b.output("y"));
  return b.status();
}

Status build_Quantize(Builder& b) {
  const Value x = b.cast(b.tensor("x"), Dtype::kF32), place = b.output();
  const int64_t axis = b.integer("axis");
  Value y = b.op("div", {x, along(b, b.tensor("scales"), x, axis)});
  y = b.op("round", {y});
  if (b.has("zeroPoints")) y = b.op("add", {y, along(b, b.tensor("zeroPoints"), x, axis)});
  b.store(to_integers(b, y, place.dtype), place);
  return b.status();
}

Status build_DynamicQuant(Builder& b) {
  const QuantizedRows rows = quantize_by_row(b, smoothed(b));
  b.store(rows.integers, b.output("yOut"));
  b.store(rows.scale, b.output("scaleOut"));
  return b.status();
}

// groupIndexs says where the rows of each of several smoothScales end. With an offset rows use all of [-128,
// 127].
Status build_DynamicQuantV2(Builder& b) {
  Value x = b.cast(b.tensor("x"), Dtype::kF32);
  const Value out = b.output("yOut"), offset_out = b.output("offsetOut");
  if (b.failed() || !b.require(x.rank >= 1 && x.dims[x.rank - 1] > 0 && out.dtype == Dtype::kI8,
                               "{} quantised to {}", to_string(x), to_string(out)))
    return b.status();
  const int64_t width = x.dims[x.rank - 1];
  if (b.has("smoothScales")) {
    Value smooth = b.cast(b.tensor("smoothScales"), Dtype::kF32);
    if (b.has("groupIndexs")) {
      const Value ends = numbers_in(b, b.tensor("groupIndexs"));
      if (b.failed() ||
          !b.require(smooth.rank == 2 && smooth.dims[1] == width && ends.elements() == smooth.dims[0],
                     "smoothScales {} of {} groups", to_string(smooth), ends.elements()))
        return b.status();
      smooth = rows_of(b, smooth, group_of_rows(b, ends, x.elements() / width));
      smooth = b.reshape(smooth, x.shape());
    }
    x = b.op("mul", {x, smooth});
  }
  if (!offset_out.present()) {
    const QuantizedRows rows = quantize_by_row(b, x);
    b.store(rows.integers, out);
    b.store(rows.scale, b.output("scaleOut"));
    return b.status();
  }
  const auto extreme = [&](const char* op) { return b.op(op, {x}, {{"axes", std::vector<int64_t>{-1}}}); };
  const Value largest = extreme("reduce_max");
  const Value scale = with_scalar(b, "div", b.op("sub", {largest, extreme("reduce_min")}), Scalar::of(255.0));
  const Value flat_row = with_scalar(b, "equal", scale, Scalar::of(0.0));
  const Value divisor = b.op("where", {flat_row, b.constant(Scalar::of(1.0), Dtype::kF32), scale});
  const Value offset = from_scalar(b, "sub", Scalar::of(127.0), b.op("div", {largest, divisor}));
  b.store(to_integers(b, b.op("add", {b.op("div", {x, divisor}), offset}), Dtype::kI8), out);
  if (b.failed()) return b.status();
  b.store(b.reshape(scale, b.output("scaleOut").shape()), b.output("scaleOut"));
  b.store(b.reshape(offset, offset_out.shape()), offset_out);
  return b.status();
}

Status build_SwiGluQuantV2(Builder& b) {
  Value x = b.cast(b.tensor("x"), Dtype::kF32);
  for (const char* absent : {"offsets", "groupIndex"})
    if (b.has(absent)) b.fail(unimplemented("'{}' is not supported", absent));
  if (b.failed() || !b.require(b.text("quantMode") == "dynamic" && x.rank > 0 && x.dims[x.rank - 1] % 2 == 0,
                               "quantMode {} of {}", b.text("quantMode"), to_string(x)))
    return b.status();
  const int64_t half = x.dims[x.rank - 1] / 2;
  const Value left = b.slice(x, -1, 0, half), right = b.slice(x, -1, half, 2 * half);
  const bool first = b.boolean("activateLeft");
  Value y = b.op("swiglu", {first ? left : right, first ? right : left});
  if (b.has("smoothScales")) y = b.op("mul", {y, b.cast(b.tensor("smoothScales"), Dtype::kF32)});
  const QuantizedRows rows = quantize_by_row(b, y);
  b.store(rows.integers, b.output("yOut"));
  b.store(rows.scale, b.output("scaleOut"));
  return b.status();
}

Status build_FakeQuantPerTensorAffineCachemask(Builder& b) {
  return fake_quantize(b, 0, b.number("fakeQuantEnabled") != 0);
}
Status build_FakeQuantPerChannelAffineCachemask(Builder& b) {
  return fake_quantize(b, b.integer("axis"), true);
}

}  // namespace isthmus::cann
