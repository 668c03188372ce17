// SPDX-License-Identifier: Apache-2.0
#include "ops/attention/quantized_cache.h"

#include <algorithm>
#include <cmath>

#include "base/half.h"
#include "ops/reference.h"

namespace isthmus {

const std::vector<Dtype>& cache_dtypes() {
  static const std::vector<Dtype> list = {Dtype::kF32, Dtype::kF16, Dtype::kBF16, Dtype::kI8};
  return list;
}

Status check_cache_scales(const char* name, const TensorType& cache, const TensorType& scales, int axis) {
  if (cache.dtype != Dtype::kI8) {
    if (scales.present())
      return invalid_argument("{} are for an I8 cache, not {}", name, dtype_name(cache.dtype));
    return ok();
  }
  const size_t along = static_cast<size_t>(axis);
  const Dim d = cache.shape[along];
  if (d.offset % kCacheScaleBlock != 0)
    return invalid_argument("{} are for heads of a multiple of {} numbers, not {}", name, kCacheScaleBlock,
                            d.to_string());
  if (!scales.present()) return invalid_argument("an I8 cache needs {}", name);
  Shape expected = cache.shape;
  expected[along] = d.offset / kCacheScaleBlock;
  if (scales.shape != expected)
    return invalid_argument("{} must be {}, not {}", name, shape_to_string(expected),
                            shape_to_string(scales.shape));
  return ok();
}

QuantizedCacheBlock quantize_cache_block(const float* x) {
  QuantizedCacheBlock block = {};
  float amax = 0;
  bool finite = true;
  for (int i = 0; i < kCacheScaleBlock; ++i) {
    finite = finite && std::isfinite(x[i]);
    amax = std::max(amax, std::fabs(x[i]));
  }
  if (!finite) {
    block.scale = 0x7e00;  // NaN
    return block;
  }
  const float inverse = 127.0f / amax;
  if (!std::isfinite(inverse)) return block;
  block.scale = f32_to_f16(amax / 127.0f);
  for (int i = 0; i < kCacheScaleBlock; ++i) block.q[i] = static_cast<int8_t>(std::nearbyint(x[i] * inverse));
  return block;
}

float cached_f32(const Tensor& cache, const Tensor& scales, const int64_t (&at)[4], int axis) {
  if (!scales.present()) return reference::load_f32(cache, cache.offset(at));
  int64_t scale_at[4] = {at[0], at[1], at[2], at[3]};
  scale_at[axis] /= kCacheScaleBlock;
  return f16_to_f32(scales.as<uint16_t>()[scales.offset(scale_at)]) *
         static_cast<float>(cache.as<int8_t>()[cache.offset(at)]);
}

}  // namespace isthmus
