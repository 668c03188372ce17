// SPDX-License-Identifier: Apache-2.0
// Runs an elementwise formula over operands of any strides and dtypes: kernels give a function over short
// contiguous blocks in the computed type, and this file gathers, converts, broadcasts, splits over threads
// and scatters.
#pragma once

#include "devices/cpu/kernel.h"
#include "devices/cpu/simd.h"

namespace isthmus::cpu::ISTHMUS_ISA {

inline constexpr int kMaxBlockInputs = 3;
inline constexpr int64_t kBlock =
    256;  // elements in flight: operands of one block stay in the first-level cache

ISTHMUS_SIMD float half_to_float(uint16_t h) {
#if defined(__F16C__)
  return _cvtsh_ss(h);
#else
  const uint32_t sign = (uint32_t)(h & 0x8000u) << 16, magnitude = h & 0x7fffu;
  // Shifting the exponent by a multiplication is exact and handles subnormals too.
  const float scaled = __builtin_bit_cast(float, magnitude << 13) * 0x1p112f;
  const uint32_t special = magnitude >= 0x7c00u ? 0x7f800000u | ((magnitude & 0x3ffu) << 13)
                                                : __builtin_bit_cast(uint32_t, scaled);
  return __builtin_bit_cast(float, sign | special);
#endif
}
ISTHMUS_SIMD uint16_t float_to_half(float x) {
#if defined(__F16C__)
  return _cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT);
#else
  const uint32_t bits = __builtin_bit_cast(uint32_t, x), sign = (bits >> 16) & 0x8000u,
                 magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00u);
  if (magnitude >= 0x47800000u) return (uint16_t)(sign | 0x7c00u);
  if (magnitude < 0x38800000u)
    return (uint16_t)(sign | (__builtin_bit_cast(uint32_t, __builtin_bit_cast(float, magnitude) + 0.5f) -
                              0x3f000000u));
  return (uint16_t)(sign | ((magnitude + 0xfffu + ((magnitude >> 13) & 1u) - (112u << 23)) >> 13));
#endif
}
ISTHMUS_SIMD float bfloat_to_float(uint16_t b) { return __builtin_bit_cast(float, (uint32_t)b << 16); }
ISTHMUS_SIMD uint16_t float_to_bfloat(float x) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, x);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? (bits >> 16) | 0x40u : rounded);
}

// Contiguous computed elements of strided stored ones.
typedef void (*GatherFn)(void* dst, const void* src, int64_t stride, int64_t n);
typedef void (*ScatterFn)(void* dst, int64_t stride, const void* src, int64_t n);

template <typename T>
void gather_plain(void* dst, const void* src, int64_t stride, int64_t n) {
  T* y = (T*)dst;
  const T* x = (const T*)src;
  if (stride == 0) {
    const T value = *x;
    for (int64_t i = 0; i < n; ++i) y[i] = value;
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = x[i * stride];
  }
}
template <typename T>
void scatter_plain(void* dst, int64_t stride, const void* src, int64_t n) {
  const T* x = (const T*)src;
  T* y = (T*)dst;
  for (int64_t i = 0; i < n; ++i) y[i * stride] = x[i];
}
inline void gather_half(void* dst, const void* src, int64_t stride, int64_t n) {
  const uint16_t* x = (const uint16_t*)src;
  float* y = (float*)dst;
  int64_t i = 0;
#if defined(__AVX512F__)
  if (stride == 1)
    for (; i + 16 <= n; i += 16)
      _mm512_storeu_ps(y + i, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)(x + i))));
#elif defined(__F16C__)
  if (stride == 1)
    for (; i + 8 <= n; i += 8)
      _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)(x + i))));
#endif
  for (; i < n; ++i) y[i] = half_to_float(x[i * stride]);
}
inline void scatter_half(void* dst, int64_t stride, const void* src, int64_t n) {
  const float* x = (const float*)src;
  uint16_t* y = (uint16_t*)dst;
  int64_t i = 0;
#if defined(__AVX512F__)
  if (stride == 1)
    for (; i + 16 <= n; i += 16)
      _mm256_storeu_si256((__m256i*)(y + i),
                          _mm512_cvtps_ph(_mm512_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
#elif defined(__F16C__)
  if (stride == 1)
    for (; i + 8 <= n; i += 8)
      _mm_storeu_si128((__m128i*)(y + i), _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
#endif
  for (; i < n; ++i) y[i * stride] = float_to_half(x[i]);
}
inline void gather_bfloat(void* dst, const void* src, int64_t stride, int64_t n) {
  const uint16_t* x = (const uint16_t*)src;
  float* y = (float*)dst;
  if (stride == 1) {
    for (int64_t i = 0; i < n; ++i) y[i] = bfloat_to_float(x[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = bfloat_to_float(x[i * stride]);
  }
}
inline void scatter_bfloat(void* dst, int64_t stride, const void* src, int64_t n) {
  const float* x = (const float*)src;
  uint16_t* y = (uint16_t*)dst;
  if (stride == 1) {
    for (int64_t i = 0; i < n; ++i) y[i] = float_to_bfloat(x[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i * stride] = float_to_bfloat(x[i]);
  }
}

inline int element_bytes(isthmus_dtype_t dtype) { return (int)bytes_of(dtype, 1); }

inline GatherFn gather_of(isthmus_dtype_t dtype) {
  if (dtype == ISTHMUS_F16) return gather_half;
  if (dtype == ISTHMUS_BF16) return gather_bfloat;
  switch (element_bytes(dtype)) {
    case 1: return gather_plain<uint8_t>;
    case 2: return gather_plain<uint16_t>;
    case 4: return gather_plain<uint32_t>;
    default: return gather_plain<uint64_t>;
  }
}
inline ScatterFn scatter_of(isthmus_dtype_t dtype) {
  if (dtype == ISTHMUS_F16) return scatter_half;
  if (dtype == ISTHMUS_BF16) return scatter_bfloat;
  switch (element_bytes(dtype)) {
    case 1: return scatter_plain<uint8_t>;
    case 2: return scatter_plain<uint16_t>;
    case 4: return scatter_plain<uint32_t>;
    default: return scatter_plain<uint64_t>;
  }
}

// n computed elements, each operand contiguous. attributes: the operator's, as declared.
typedef void (*BlockFn)(const void* const* in, void* out, int64_t n, const double* attributes);

struct BlockPlan {
  BlockFn fn;
  int inputs;
  int ranks[kMaxBlockInputs + 1];  // the output last
  int bytes[kMaxBlockInputs + 1];
  bool direct[kMaxBlockInputs + 1];  // stored as computed
  GatherFn gather[kMaxBlockInputs];
  ScatterFn scatter;
  double attributes[2];
};

inline const char* prepare_blocks(const isthmus_op_query_t& query, Plan& plan, BlockFn fn) {
  if (!fn) return "no formula for this dtype";
  BlockPlan& p = plan_data<BlockPlan>(plan);
  p.fn = fn;
  p.inputs = query.input_count;
  for (int i = 0; i <= p.inputs; ++i) {
    const isthmus_operand_t& operand = query.operands[i];
    p.ranks[i] = operand.rank;
    p.bytes[i] = element_bytes(operand.dtype);
    p.direct[i] = operand.dtype != ISTHMUS_F16 && operand.dtype != ISTHMUS_BF16;
    if (i < p.inputs) p.gather[i] = gather_of(operand.dtype);
  }
  p.scatter = scatter_of(query.operands[p.inputs].dtype);
  for (int i = 0; i < query.attribute_count && i < 2; ++i)
    p.attributes[i] = query.attributes[i].type == ISTHMUS_ATTRIBUTE_INT ? (double)query.attributes[i].i
                                                                        : query.attributes[i].f;
  return nullptr;
}

// The output's dims and every operand's strides over them, neighbours merged where all operands allow it.
struct BlockLoops {
  int rank;
  int64_t dims[ISTHMUS_MAX_RANK];
  int64_t strides[kMaxBlockInputs + 1][ISTHMUS_MAX_RANK];
};

inline void merge_loops(const Run& run, const int* ranks, int operands, BlockLoops& loops) {
  const isthmus_tensor_arg_t& out = run.operands[operands - 1];
  const int rank = ranks[operands - 1];
  int64_t dims[ISTHMUS_MAX_RANK], strides[kMaxBlockInputs + 1][ISTHMUS_MAX_RANK];
  int count = 0;  // innermost first while merging
  for (int d = rank - 1; d >= 0; --d) {
    if (out.dims[d] == 1) continue;
    int64_t step[kMaxBlockInputs + 1];
    bool merge = count > 0;
    for (int k = 0; k < operands; ++k) {
      const int own = d - (rank - ranks[k]);
      step[k] = own < 0 || run.operands[k].dims[own] == 1 ? 0 : run.operands[k].strides[own];
      if (count > 0 && step[k] != strides[k][count - 1] * dims[count - 1]) merge = false;
    }
    if (merge) {
      dims[count - 1] *= out.dims[d];
      continue;
    }
    dims[count] = out.dims[d];
    for (int k = 0; k < operands; ++k) strides[k][count] = step[k];
    ++count;
  }
  if (count == 0) {
    dims[0] = 1;
    for (int k = 0; k < operands; ++k) strides[k][0] = 1;
    count = 1;
  }
  loops.rank = count;
  for (int d = 0; d < count; ++d) {
    loops.dims[d] = dims[count - 1 - d];
    for (int k = 0; k < operands; ++k) loops.strides[k][d] = strides[k][count - 1 - d];
  }
}

inline void run_blocks(const Run& run, const Team& team) {
  const BlockPlan& p = plan_data<BlockPlan>(*run.plan);
  BlockLoops loops;
  merge_loops(run, p.ranks, p.inputs + 1, loops);
  int64_t total = 1;
  for (int d = 0; d < loops.rank; ++d) total *= loops.dims[d];
  const int64_t inner = loops.dims[loops.rank - 1];
  int64_t begin, end;
  team.split(total, 1024, &begin, &end);
  if (begin >= end) return;

  alignas(64) unsigned char buffers[kMaxBlockInputs + 1][kBlock * 8];
  bool all_direct = true;
  int64_t step[kMaxBlockInputs + 1];
  for (int k = 0; k <= p.inputs; ++k) {
    step[k] = loops.strides[k][loops.rank - 1];
    all_direct &= p.direct[k] && step[k] == 1;
  }
  // An operand that does not move along the innermost loop is converted once per row of it.
  for (int64_t at = begin; at < end;) {
    int64_t row = at / inner, column = at % inner;
    int64_t length = inner - column < end - at ? inner - column : end - at;
    int64_t base[kMaxBlockInputs + 1];
    for (int k = 0; k <= p.inputs; ++k) base[k] = column * step[k];
    for (int d = loops.rank - 2; d >= 0; --d) {
      const int64_t index = row % loops.dims[d];
      row /= loops.dims[d];
      for (int k = 0; k <= p.inputs; ++k) base[k] += index * loops.strides[k][d];
    }
    const int64_t block = all_direct ? length : kBlock;
    for (int64_t i = 0; i < length; i += block) {
      const int64_t n = length - i < block ? length - i : block;
      const void* in[kMaxBlockInputs];
      for (int k = 0; k < p.inputs; ++k) {
        const unsigned char* src = run.data<unsigned char>(k) + (base[k] + i * step[k]) * p.bytes[k];
        if (p.direct[k] && step[k] == 1) {
          in[k] = src;
        } else {
          if (step[k] != 0 || i == 0)
            p.gather[k](buffers[k], src, step[k], step[k] == 0 && length > kBlock ? kBlock : n);
          in[k] = buffers[k];
        }
      }
      unsigned char* dst =
          run.data<unsigned char>(p.inputs) + (base[p.inputs] + i * step[p.inputs]) * p.bytes[p.inputs];
      const bool straight = p.direct[p.inputs] && step[p.inputs] == 1;
      p.fn(in, straight ? dst : buffers[p.inputs], n, p.attributes);
      if (!straight) p.scatter(dst, step[p.inputs], buffers[p.inputs], n);
    }
    at += length;
  }
}

}  // namespace isthmus::cpu::ISTHMUS_ISA
