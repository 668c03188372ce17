// SPDX-License-Identifier: Apache-2.0
#include "ops/reference.h"

namespace isthmus::reference {

float load_f32(const Tensor& x, int64_t at) {
  switch (x.dtype) {
    case Dtype::kF32: return x.as<float>()[at];
    case Dtype::kF16: return get(x.as<Half>()[at]);
    case Dtype::kBF16: return get(x.as<BFloat16>()[at]);
    case Dtype::kF64: return static_cast<float>(x.as<double>()[at]);
    default: return 0;
  }
}

double load_f64(const Tensor& x, int64_t at) {
  double value = 0;
  visit(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    value = static_cast<double>(get(x.as<T>()[at]));
  });
  return value;
}

int64_t load_i64(const Tensor& x, int64_t at) {
  int64_t value = 0;
  visit(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<Computed<T>>) value = static_cast<int64_t>(get(x.as<T>()[at]));
  });
  return value;
}

void store_f32(const Tensor& x, int64_t at, float value) {
  switch (x.dtype) {
    case Dtype::kF32: x.as<float>()[at] = value; return;
    case Dtype::kF16: put(x.as<Half>()[at], value); return;
    case Dtype::kBF16: put(x.as<BFloat16>()[at], value); return;
    case Dtype::kF64: x.as<double>()[at] = value; return;
    default: return;
  }
}

void store_f64(const Tensor& x, int64_t at, double value) {
  if (x.dtype == Dtype::kF64)
    x.as<double>()[at] = value;
  else
    store_f32(x, at, static_cast<float>(value));
}

void store_i64(const Tensor& x, int64_t at, int64_t value) {
  visit(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, Bool>)
      put(x.as<T>()[at], value != 0);
    else if constexpr (std::is_integral_v<T>)
      x.as<T>()[at] = static_cast<T>(value);
  });
}

}  // namespace isthmus::reference
