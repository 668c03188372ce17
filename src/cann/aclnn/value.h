// SPDX-License-Identifier: Apache-2.0
// What adapters compute with: views of arguments and of intermediate results, and numbers.
#pragma once

#include <span>
#include <vector>

#include "base/tensor.h"

namespace isthmus::cann {

// A view of an argument, of an intermediate result or of a constant. Default: an absent operand.
struct Value {
  int base = -1;  // of the Builder
  Dtype dtype = Dtype::kInvalid;
  int rank = 0;
  int64_t dims[kMaxRank] = {};
  int64_t strides[kMaxRank] = {};  // in elements
  int64_t offset = 0;              // in bytes, of the first element from the base's

  bool present() const { return dtype != Dtype::kInvalid; }
  std::vector<int64_t> shape() const { return {dims, dims + rank}; }
  int64_t elements() const {
    int64_t n = 1;
    for (int i = 0; i < rank; ++i) n *= dims[i];
    return n;
  }
  bool dense() const {
    int64_t step = 1;
    for (int i = rank - 1; i >= 0; --i) {
      if (dims[i] == 0) return true;
      if (dims[i] != 1 && strides[i] != step) return false;
      step *= dims[i];
    }
    return true;
  }
};

// A number by value with the dtype the program gave it.
struct Scalar {
  Dtype dtype = Dtype::kInvalid;  // kInvalid: absent
  double f = 0;                   // as a float
  int64_t i = 0;                  // as an integer; the low bits of a U64

  bool present() const { return dtype != Dtype::kInvalid; }
  bool is_one() const { return f == 1; }
  static Scalar of(double value) {
    return {Dtype::kF64, value, value > -9e18 && value < 9e18 ? static_cast<int64_t>(value) : 0};
  }
  static Scalar of(int64_t value) { return {Dtype::kI64, static_cast<double>(value), value}; }
};

// The strides of x's elements in their order under other dims, as many of them; false when only a copy can
// have those dims.
bool find_strides(const Value& x, std::span<const int64_t> dims, int64_t* strides);

// "F32 [2, 3]", "F16 [2, 3] strides [1, 2]"
std::string to_string(const Value& value);
std::string dims_to_string(std::span<const int64_t> dims);  // "[2, 3]"

}  // namespace isthmus::cann
