// SPDX-License-Identifier: Apache-2.0
// Operators over lists of tensors, which optimizers call: the same for each, F16 and BF16 computed in F32 and
// rounded once.
#include <cmath>

#include "cann/operators/common.h"

namespace isthmus::cann {
namespace {

// Tensors "x", and what is computed of each, to be stored in "out" of the same number.
struct Each {
  std::vector<Value> x, out;
  explicit Each(Builder& b) : x(b.tensor_list("x")), out(b.output_list("out")) { same_length(b, out); }
  void same_length(Builder& b, const std::vector<Value>& other) const {
    b.require(other.size() == x.size(), "lists of {} and {} tensors", x.size(), other.size());
  }
  template <typename F>
  Status store(Builder& b, F&& f) const {
    for (size_t i = 0; i < x.size() && !b.failed(); ++i) b.store(f(i), out[i]);
    return b.status();
  }
};

Value floats(Builder& b, const Value& x) { return b.failed() ? x : b.cast(x, wide(floating(x.dtype))); }

Status unary(Builder& b, const char* op) {
  const Each each(b);
  return each.store(b, [&](size_t i) { return b.op(op, {floats(b, each.x[i])}); });
}
// For what whole numbers have as well.
Status unary_number(Builder& b, const char* op) {
  const Each each(b);
  return each.store(b, [&](size_t i) { return b.op(op, {each.x[i]}); });
}

// The numbers that go with each tensor: one for all, one each, or either as elements of a tensor.
class Numbers {
 public:
  explicit Numbers(Builder& b, size_t count) : b_(b) {
    if (b.declares("scalars"))
      list_ = b.scalar_list("scalars");
    else if (b.declares("scalar"))
      list_.assign(count, b.scalar("scalar"));
    else
      tensor_ = b.tensor(b.declares("scalarTensor") ? "scalarTensor" : "scalarsTensor");
    const auto have = tensor_.present() ? tensor_.elements() : static_cast<int64_t>(list_.size());
    const bool one = b.declares("scalarTensor");
    b.require(one ? have == 1 : have >= static_cast<int64_t>(count), "{} numbers for {} tensors", have,
              count);
    if (!b.failed() && tensor_.present()) tensor_ = b.reshape(tensor_, {have});
    one_ = one;
  }
  // x op number i
  Value apply(const char* op, const Value& x, size_t i) const {
    if (b_.failed()) return {};
    if (!tensor_.present()) return with_scalar(b_, op, x, list_[i]);
    const Value number = b_.select(tensor_, 0, one_ ? 0 : static_cast<int64_t>(i));
    return b_.op(op, {x, b_.cast(number, x.dtype)});
  }
  // The reverse.
  Value apply_to(const char* op, size_t i, const Value& x) const {
    return b_.failed() ? Value{} : from_scalar(b_, op, list_[i], x);
  }

 private:
  Builder& b_;
  std::vector<Scalar> list_;
  Value tensor_;
  bool one_ = false;
};

// F32 for halves, and floats where a number or a division asks for them.
Value computed(Builder& b, const Value& x, bool divides) {
  if (b.failed()) return x;
  return b.cast(x, wide(divides ? floating(x.dtype) : numeric(x.dtype)));
}

Status with_number(Builder& b, const char* op) {
  const Each each(b);
  const Numbers numbers(b, each.x.size());
  const bool divides = std::string_view(op) == "div";
  return each.store(b, [&](size_t i) { return numbers.apply(op, computed(b, each.x[i], divides), i); });
}

Status with_list(Builder& b, const char* op) {
  const Each each(b);
  const std::vector<Value> other = b.tensor_list("other");
  each.same_length(b, other);
  const bool divides = std::string_view(op) == "div";
  return each.store(b, [&](size_t i) {
    return binary(b, op, computed(b, each.x[i], divides), computed(b, other[i], divides));
  });
}

// x + number * other, or less it
Status with_scaled(Builder& b, const char* op) {
  const Each each(b);
  const std::vector<Value> other = b.tensor_list("other");
  each.same_length(b, other);
  const Numbers numbers(b, each.x.size());
  return each.store(b, [&](size_t i) {
    return binary(b, op, computed(b, each.x[i], false),
                  numbers.apply("mul", computed(b, other[i], false), i));
  });
}

// x + number * (one op other)
Status add_combined(Builder& b, const char* op) {
  const Each each(b);
  const std::vector<Value> one = b.tensor_list("one"), other = b.tensor_list("other");
  each.same_length(b, one);
  each.same_length(b, other);
  const Numbers numbers(b, each.x.size());
  const bool divides = std::string_view(op) == "div";
  return each.store(b, [&](size_t i) {
    // As PyTorch: the number times the first, then the second.
    const Value scaled = numbers.apply("mul", computed(b, one[i], divides), i);
    return binary(b, "add", computed(b, each.x[i], divides),
                  binary(b, op, scaled, computed(b, other[i], divides)));
  });
}

// As PyTorch: from the nearer end.
Value lerp(Builder& b, const Value& x, const Value& end, const Scalar& weight) {
  const Value difference = binary(b, "sub", end, x);
  if (std::fabs(weight.f) < 0.5) return binary(b, "add", x, with_scalar(b, "mul", difference, weight));
  return binary(b, "sub", end, with_scalar(b, "mul", difference, Scalar::of(1 - weight.f)));
}

}  // namespace

Status build_ForeachAbs(Builder& b) { return unary_number(b, "abs"); }
Status build_ForeachNeg(Builder& b) { return unary_number(b, "neg"); }
Status build_ForeachSign(Builder& b) { return unary_number(b, "sign"); }
Status build_ForeachAcos(Builder& b) { return unary(b, "acos"); }
Status build_ForeachAsin(Builder& b) { return unary(b, "asin"); }
Status build_ForeachAtan(Builder& b) { return unary(b, "atan"); }
Status build_ForeachCos(Builder& b) { return unary(b, "cos"); }
Status build_ForeachCosh(Builder& b) { return unary(b, "cosh"); }
Status build_ForeachErf(Builder& b) { return unary(b, "erf"); }
Status build_ForeachExp(Builder& b) { return unary(b, "exp"); }
Status build_ForeachExpm1(Builder& b) { return unary(b, "expm1"); }
Status build_ForeachLog(Builder& b) { return unary(b, "log"); }
Status build_ForeachLog10(Builder& b) { return unary(b, "log10"); }
Status build_ForeachLog1p(Builder& b) { return unary(b, "log1p"); }
Status build_ForeachLog2(Builder& b) { return unary(b, "log2"); }
Status build_ForeachReciprocal(Builder& b) { return unary(b, "reciprocal"); }
Status build_ForeachSigmoid(Builder& b) { return unary(b, "sigmoid"); }
Status build_ForeachSin(Builder& b) { return unary(b, "sin"); }
Status build_ForeachSinh(Builder& b) { return unary(b, "sinh"); }
Status build_ForeachSqrt(Builder& b) { return unary(b, "sqrt"); }
Status build_ForeachTan(Builder& b) { return unary(b, "tan"); }
Status build_ForeachTanh(Builder& b) { return unary(b, "tanh"); }

Status build_ForeachAddScalar(Builder& b) { return with_number(b, "add"); }
Status build_ForeachAddScalarV2(Builder& b) { return with_number(b, "add"); }
Status build_ForeachAddScalarList(Builder& b) { return with_number(b, "add"); }
Status build_ForeachSubScalar(Builder& b) { return with_number(b, "sub"); }
Status build_ForeachSubScalarV2(Builder& b) { return with_number(b, "sub"); }
Status build_ForeachSubScalarList(Builder& b) { return with_number(b, "sub"); }
Status build_ForeachMulScalar(Builder& b) { return with_number(b, "mul"); }
Status build_ForeachMulScalarV2(Builder& b) { return with_number(b, "mul"); }
Status build_ForeachMulScalarList(Builder& b) { return with_number(b, "mul"); }
Status build_ForeachDivScalar(Builder& b) { return with_number(b, "div"); }
Status build_ForeachDivScalarV2(Builder& b) { return with_number(b, "div"); }
Status build_ForeachDivScalarList(Builder& b) { return with_number(b, "div"); }
Status build_ForeachMaximumScalar(Builder& b) { return with_number(b, "max"); }
Status build_ForeachMaximumScalarV2(Builder& b) { return with_number(b, "max"); }
Status build_ForeachMaximumScalarList(Builder& b) { return with_number(b, "max"); }
Status build_ForeachMinimumScalar(Builder& b) { return with_number(b, "min"); }
Status build_ForeachMinimumScalarV2(Builder& b) { return with_number(b, "min"); }
Status build_ForeachMinimumScalarList(Builder& b) { return with_number(b, "min"); }
Status build_ForeachPowScalar(Builder& b) { return with_number(b, "pow"); }
Status build_ForeachPowScalarV2(Builder& b) { return with_number(b, "pow"); }
Status build_ForeachPowScalarList(Builder& b) { return with_number(b, "pow"); }

Status build_ForeachMulList(Builder& b) { return with_list(b, "mul"); }
Status build_ForeachDivList(Builder& b) { return with_list(b, "div"); }
Status build_ForeachMaximumList(Builder& b) { return with_list(b, "max"); }
Status build_ForeachMinimumList(Builder& b) { return with_list(b, "min"); }
Status build_ForeachPowList(Builder& b) { return with_list(b, "pow"); }
Status build_ForeachAddList(Builder& b) { return with_scaled(b, "add"); }
Status build_ForeachAddListV2(Builder& b) { return with_scaled(b, "add"); }
Status build_ForeachSubList(Builder& b) { return with_scaled(b, "sub"); }
Status build_ForeachSubListV2(Builder& b) { return with_scaled(b, "sub"); }

Status build_ForeachAddcdivScalar(Builder& b) { return add_combined(b, "div"); }
Status build_ForeachAddcdivScalarV2(Builder& b) { return add_combined(b, "div"); }
Status build_ForeachAddcdivScalarList(Builder& b) { return add_combined(b, "div"); }
Status build_ForeachAddcmulScalar(Builder& b) { return add_combined(b, "mul"); }
Status build_ForeachAddcmulScalarV2(Builder& b) { return add_combined(b, "mul"); }
Status build_ForeachAddcmulScalarList(Builder& b) { return add_combined(b, "mul"); }

Status build_ForeachErfc(Builder& b) {
  const Each each(b);
  return each.store(b, [&](size_t i) {
    return from_scalar(b, "sub", Scalar::of(1.0), b.op("erf", {floats(b, each.x[i])}));
  });
}
Status build_ForeachPowScalarAndTensor(Builder& b) {
  const Each each(b);
  const Numbers numbers(b, each.x.size());
  return each.store(b, [&](size_t i) { return numbers.apply_to("pow", i, computed(b, each.x[i], false)); });
}
Status build_ForeachLerpScalar(Builder& b) {
  const Each each(b);
  const std::vector<Value> end = b.tensor_list("other");
  each.same_length(b, end);
  const Scalar weight = b.scalar("scalar");
  return each.store(b, [&](size_t i) { return lerp(b, floats(b, each.x[i]), floats(b, end[i]), weight); });
}
Status build_ForeachLerpList(Builder& b) {
  const Each each(b);
  const std::vector<Value> end = b.tensor_list("other"), weights = b.tensor_list("weight");
  each.same_length(b, end);
  each.same_length(b, weights);
  return each.store(b, [&](size_t i) {
    const Value x = floats(b, each.x[i]), y = floats(b, end[i]), w = floats(b, weights[i]);
    const Value difference = binary(b, "sub", y, x);
    const Value low = binary(b, "add", x, binary(b, "mul", w, difference));
    const Value high =
        binary(b, "sub", y, binary(b, "mul", difference, from_scalar(b, "sub", Scalar::of(1.0), w)));
    return b.op("where", {with_scalar(b, "less", b.op("abs", {w}), Scalar::of(0.5)), low, high});
  });
}

Status build_ForeachCopy(Builder& b) {
  const Each each(b);
  return each.store(b, [&](size_t i) { return each.x[i]; });
}
Status build_ForeachZeroInplace(Builder& b) {
  for (const Value& x : b.output_list("x"))
    if (!b.failed()) b.store(b.filled(Scalar::of(int64_t{0}), x.dtype, x.shape()), x);
  return b.status();
}

// The norm of all elements of each.
Status build_ForeachNorm(Builder& b) {
  const Each each(b);
  const Scalar p = b.scalar("scalar");
  const bool most = std::isinf(p.f) && p.f > 0;
  const char* op = p.f == 1 ? "reduce_l1" : p.f == 2 ? "reduce_l2" : most ? "reduce_max" : nullptr;
  if (!b.failed() && !op) b.fail(unimplemented("the norm of power {}", p.f));
  return each.store(b, [&](size_t i) {
    const Value x = floats(b, each.x[i]);
    return b.op(op, {most ? b.op("abs", {x}) : x}, {{"keep_dims", int64_t{0}}});
  });
}

Status build_ForeachRoundOffNumberV2(Builder& b) {
  const Each each(b);
  const int64_t mode = b.integer("roundMode");
  const char* op = mode == 1 ? "round" : mode == 2 ? "floor" : mode == 3 ? "ceil" : "trunc";
  b.require((mode >= 1 && mode <= 3) || mode == 5 || mode == 7, "roundMode is {}", mode);
  return each.store(b, [&](size_t i) {
    const Value x = floats(b, each.x[i]), whole = b.op(op, {x});
    return mode == 7 ? b.op("sub", {x, whole}) : whole;
  });
}

// Gradients times invScale; foundInf becomes 1 where one of them is no number or infinite.
Status build_ForeachNonFiniteCheckAndUnscale(Builder& b) {
  const std::vector<Value> gradients = b.tensor_list("scaledGrads");
  Value found = b.cast(b.tensor("foundInf"), Dtype::kF32);
  const Value scale = b.tensor("invScale"), place = b.output("foundInf");
  for (const Value& gradient : gradients) {
    const Value x = floats(b, gradient), finite = b.op("is_finite", {x});
    if (b.failed()) return b.status();
    const Value bad = b.op("logical_not", {b.op("reduce_min", {finite}, {{"keep_dims", int64_t{0}}})});
    found = b.op("max", {found, b.cast(bad, Dtype::kF32)});
    b.store(b.op("mul", {x, b.reshape(b.cast(scale, x.dtype), {})}), gradient);
  }
  b.store(found, place);
  return b.status();
}

}  // namespace isthmus::cann
