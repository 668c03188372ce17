// SPDX-License-Identifier: Apache-2.0
// What an adapter writes a plan with: arguments by name, Isthmus operators, views that cost nothing, and
// stores into the outputs.
//
// The first error stays: every later call does nothing and returns an absent value, and finish() returns it.
// So adapters need not check each step; one that reads dims of arguments checks them with require().
#pragma once

#include <initializer_list>
#include <string_view>

#include "cann/aclnn/arguments.h"
#include "cann/aclnn/value.h"
#include "ops/op_def.h"

namespace isthmus::cann {

class Builder {
 public:
  Builder(const Operator& op, DevicePtr device, const CallKey& key, std::vector<BoundArg> arguments);

  // -- arguments -- A parameter "self" is also found as "selfRef".
  const char* name() const { return op_.name; }
  bool has(std::string_view parameter) const;       // declared and not null
  bool declares(std::string_view parameter) const;  // may be null
  Value tensor(std::string_view parameter);         // as it is before the call
  Value optional(std::string_view parameter);       // absent when null
  std::vector<Value> tensor_list(std::string_view parameter);
  // The place to store a result: the parameter, or the one tensor that is written when there is no parameter
  // of that name. Absent when it is optional and null.
  Value output(std::string_view parameter = "out");
  std::vector<Value> output_list(std::string_view parameter);
  Scalar scalar(std::string_view parameter);  // absent when null
  std::vector<Scalar> scalar_list(std::string_view parameter);
  std::vector<int64_t> ints(std::string_view parameter);  // arrays of integers or bools; empty when null
  std::vector<double> floats(std::string_view parameter);
  int64_t integer(std::string_view parameter);  // also of a scalar
  bool boolean(std::string_view parameter) { return integer(parameter) != 0; }
  double number(std::string_view parameter);  // also of an integer or a scalar
  std::string text(std::string_view parameter);
  Dtype dtype(std::string_view parameter);  // of an aclDataType by value
  // A tensor of ACL_INT4 as bytes: U8 with the packed dimension, the one of stride 1, half as long.
  bool is_int4(std::string_view parameter);
  Value int4_bytes(std::string_view parameter);

  // -- operators --
  Value op(std::string_view name, const std::vector<Value>& inputs, Attributes attributes = {});
  std::vector<Value> ops(std::string_view name, const std::vector<Value>& inputs, Attributes attributes = {});
  Value cast(const Value& x, Dtype dtype);  // x itself when it has the dtype
  Value copy(const Value& x);               // dense
  Value dense(const Value& x);              // a copy only if needed
  // x, or a copy of it where it may share bytes with another view, which is about to be written.
  Value apart(const Value& x, const Value& other);
  // Small data of the plan, uploaded once. numbers: rounded to the dtype.
  Value constant(Dtype dtype, std::vector<int64_t> dims, const std::vector<double>& numbers);
  Value constant(Dtype dtype, std::vector<int64_t> dims, const std::vector<int64_t>& numbers);
  Value constant(const Scalar& scalar, Dtype dtype);  // rank 0
  // The number everywhere: a constant with strides of 0.
  Value filled(const Scalar& scalar, Dtype dtype, const std::vector<int64_t>& dims);

  // -- views -- Axes count from the end when negative.
  Value permute(const Value& x, const std::vector<int64_t>& order);
  Value transpose(const Value& x, int64_t a, int64_t b);
  Value reshape(const Value& x, const std::vector<int64_t>& dims);  // a copy only if needed
  Value slice(const Value& x, int64_t axis, int64_t begin, int64_t end, int64_t step = 1);
  Value select(const Value& x, int64_t axis, int64_t index);  // without the axis
  Value unsqueeze(const Value& x, int64_t axis);              // counted in the result
  Value squeeze(const Value& x, int64_t axis);
  Value expand(const Value& x, const std::vector<int64_t>& dims);  // aligned at the end, as broadcasting is
  Value diagonal(const Value& x);                                  // of the last two axes
  Value flip(const Value& x, int64_t axis);

  // -- results -- Casts and copies as needed; a rank 0 value, or one with dimensions of 1 more or less, fits
  // a place with as many elements. Stores of one call must not overlap each other.
  void store(const Value& value, const Value& place);
  // The same where `count`, an I64 known only when it ran, is how many slices along the axis are the result.
  // They lie densely at the start of the place; phase two waits, and gives the program's tensor these dims.
  void store_sized(const Value& value, const Value& place, int axis, const Value& count);
  // Outputs may overlap: the later store counts. Otherwise that is an error.
  void allow_overlapping_outputs() { overlapping_outputs_ = true; }

  // -- rules and errors --
  // The dtype PyTorch computes in: of tensors of several dtypes, and of a tensor and a number.
  static Dtype promote(Dtype a, Dtype b);
  static Dtype promote(Dtype tensor, const Scalar& scalar);
  // The axis in [0, rank), an error otherwise; a rank of 0 counts as 1.
  int axis(int64_t axis, int rank);
  std::vector<int64_t> broadcast(const std::vector<int64_t>& a, const std::vector<int64_t>& b);
  template <typename... Args>
  bool require(bool holds, fmt::format_string<Args...> format, Args&&... args) {
    if (!holds) fail(invalid_argument(format, std::forward<Args>(args)...));
    return holds && status_.ok();
  }
  void fail(Status status) {
    if (status_.ok() && !status.ok()) status_ = std::move(status);
  }
  bool failed() const { return !status_.ok(); }
  const Status& status() const { return status_; }

  // Builds the plan. no_fallback: an operator that no chip runs is an error.
  Result<std::shared_ptr<Plan>> finish(bool no_fallback);

 private:
  friend class Lowering;
  struct Base {
    Place place = Place::kAbsent;  // kWorkspace: an intermediate result
    uint32_t slot = 0;             // of an argument
    int64_t offset = 0;            // of a constant
    uint64_t bytes = 0;
  };
  struct Step {
    const OpDef* op = nullptr;
    Attributes attributes;  // complete
    std::vector<Value> inputs, outputs;
  };
  struct Store {
    Value value, place;
  };

  const BoundArg* find(std::string_view parameter) const;
  const BoundArg* need(std::string_view parameter);
  Value slot_value(uint32_t slot);
  Value make(Place place, Dtype dtype, const std::vector<int64_t>& dims);
  Value constant_bytes(Dtype dtype, std::vector<int64_t> dims, const void* data, uint64_t bytes);

  const Operator& op_;
  DevicePtr device_;
  const CallKey& key_;
  std::vector<BoundArg> arguments_;
  std::vector<Base> bases_;  // of the slots first
  std::vector<Step> steps_;
  std::vector<Store> stores_;
  struct Sized {
    Value place, count;
    int axis = 0;
  };
  std::vector<Sized> sized_;
  std::vector<uint8_t> constants_;
  bool overlapping_outputs_ = false;
  Status status_;
};

// The adapter of every regular row.
Status build_regular(Builder& b, const Operator& op);

}  // namespace isthmus::cann
