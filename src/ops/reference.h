// SPDX-License-Identifier: Apache-2.0
// What reference loops share: typed access to elements of any plain dtype, and iteration over indices and
// strides.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "base/block_formats.h"
#include "base/half.h"
#include "base/tensor.h"

namespace isthmus::reference {

// Stored forms that are not arithmetic types of C++.
struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};
struct Bool {
  uint8_t value;
};

// What one element is computed in: F32 for F16 and BF16, uint8_t (0 or 1) for Bool, otherwise itself.
template <typename T>
T get(const T& x) {
  return x;
}
inline float get(Half x) { return f16_to_f32(x.bits); }
inline float get(BFloat16 x) { return bf16_to_f32(x.bits); }
inline uint8_t get(Bool x) { return x.value != 0; }
template <typename T>
using Computed = decltype(get(std::declval<T>()));

template <typename T>
void put(T& x, T value) {
  x = value;
}
inline void put(Half& x, float value) { x.bits = f32_to_f16(value); }
inline void put(BFloat16& x, float value) { x.bits = f32_to_bf16(value); }
inline void put(Bool& x, bool value) { x.value = value ? 1 : 0; }

template <typename T>
struct Tag {
  using type = T;
};

// visit(dtype, [&](auto tag) { using T = typename decltype(tag)::type; … }) for the plain dtypes. The rules
// have checked dtypes already: a block dtype does nothing.
template <typename F>
void visit(Dtype dtype, F&& f) {
  switch (dtype) {
    case Dtype::kF32: return f(Tag<float>{});
    case Dtype::kF16: return f(Tag<Half>{});
    case Dtype::kBF16: return f(Tag<BFloat16>{});
    case Dtype::kF64: return f(Tag<double>{});
    case Dtype::kI8: return f(Tag<int8_t>{});
    case Dtype::kI16: return f(Tag<int16_t>{});
    case Dtype::kI32: return f(Tag<int32_t>{});
    case Dtype::kI64: return f(Tag<int64_t>{});
    case Dtype::kU8: return f(Tag<uint8_t>{});
    case Dtype::kU16: return f(Tag<uint16_t>{});
    case Dtype::kU32: return f(Tag<uint32_t>{});
    case Dtype::kU64: return f(Tag<uint64_t>{});
    case Dtype::kBool: return f(Tag<Bool>{});
    default: return;
  }
}

// The same for what moves and never looks at values: f gets an unsigned integer type of the dtype's size.
template <typename F>
void visit_size(Dtype dtype, F&& f) {
  switch (dtype_info(dtype).block_bytes) {
    case 1: return f(Tag<uint8_t>{});
    case 2: return f(Tag<uint16_t>{});
    case 4: return f(Tag<uint32_t>{});
    case 8: return f(Tag<uint64_t>{});
    default: return;
  }
}

// Element `at` of a tensor, in elements from element 0.
// load_f32: any float dtype. load_i64: any integer dtype or Bool (U64 reinterpreted). load_f64: any plain
// dtype.
float load_f32(const Tensor& x, int64_t at);
double load_f64(const Tensor& x, int64_t at);
int64_t load_i64(const Tensor& x, int64_t at);
// store_f32: rounds once to the float dtype. store_i64: keeps the low bits.
void store_f32(const Tensor& x, int64_t at, float value);
void store_f64(const Tensor& x, int64_t at, double value);
void store_i64(const Tensor& x, int64_t at, int64_t value);

// Calls f(index) for every index of dims, last dimension fastest; never for an empty one, once for rank 0.
template <typename F>
void for_each_index(const int64_t* dims, int rank, F&& f) {
  int64_t index[kMaxRank + 1] = {};
  for (int i = 0; i < rank; ++i)
    if (dims[i] <= 0) return;
  for (;;) {
    f(static_cast<const int64_t*>(index));
    int i = rank - 1;
    for (; i >= 0; --i) {
      if (++index[i] < dims[i]) break;
      index[i] = 0;
    }
    if (i < 0) return;
  }
}

// Offset in x of an index of a shape x broadcasts to: dimensions align at the end and a dimension of 1
// repeats.
inline int64_t broadcast_offset(const Tensor& x, const int64_t* index, int rank) {
  int64_t at = 0;
  for (int i = 0; i < x.rank; ++i)
    if (x.dims[i] != 1) at += index[rank - x.rank + i] * x.strides[i];
  return at;
}

// The canonical sum of docs/decisions/0001-numerics.md: 16 lanes, then folded. T is float, double or an
// integer.
template <typename T>
class LaneSum {
 public:
  explicit LaneSum(T start = T(0)) {
    for (T& lane : lanes_) lane = start;
  }
  void add(T x) {
    step([&](T lane) { return static_cast<T>(lane + x); });
  }
  void add_square(T x) {
    if constexpr (std::is_floating_point_v<T>)
      step([&](T lane) { return std::fma(x, x, lane); });
    else
      step([&](T lane) { return static_cast<T>(lane + x * x); });
  }
  void multiply(T x) {
    step([&](T lane) { return static_cast<T>(lane * x); });
  }
  T sum() {
    return fold([](T a, T b) { return static_cast<T>(a + b); });
  }
  T product() {
    return fold([](T a, T b) { return static_cast<T>(a * b); });
  }

 private:
  template <typename F>
  void step(F f) {
    lanes_[next_] = f(lanes_[next_]);
    next_ = (next_ + 1) % 16;
  }
  template <typename F>
  T fold(F f) {
    for (int step = 8; step > 0; step /= 2)
      for (int j = 0; j < step; ++j) lanes_[j] = f(lanes_[j], lanes_[j + step]);
    return lanes_[0];
  }
  T lanes_[16];
  int next_ = 0;
};

}  // namespace isthmus::reference
