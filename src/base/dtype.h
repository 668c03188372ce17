// SPDX-License-Identifier: Apache-2.0
// Facts about each dtype: name, block, bytes, kind.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "isthmus/dtype.h"

namespace isthmus {

enum class Dtype : uint8_t {
  kInvalid = ISTHMUS_DTYPE_INVALID,
  kF32 = ISTHMUS_F32,
  kF16 = ISTHMUS_F16,
  kBF16 = ISTHMUS_BF16,
  kF64 = ISTHMUS_F64,
  kI8 = ISTHMUS_I8,
  kI16 = ISTHMUS_I16,
  kI32 = ISTHMUS_I32,
  kI64 = ISTHMUS_I64,
  kU8 = ISTHMUS_U8,
  kU16 = ISTHMUS_U16,
  kU32 = ISTHMUS_U32,
  kU64 = ISTHMUS_U64,
  kBool = ISTHMUS_BOOL,
  kQ4_0 = ISTHMUS_Q4_0,
  kQ4_1 = ISTHMUS_Q4_1,
  kQ5_0 = ISTHMUS_Q5_0,
  kQ5_1 = ISTHMUS_Q5_1,
  kQ8_0 = ISTHMUS_Q8_0,
  kQ2_K = ISTHMUS_Q2_K,
  kQ3_K = ISTHMUS_Q3_K,
  kQ4_K = ISTHMUS_Q4_K,
  kQ5_K = ISTHMUS_Q5_K,
  kQ6_K = ISTHMUS_Q6_K,
  kIQ4_NL = ISTHMUS_IQ4_NL,
  kMXFP4 = ISTHMUS_MXFP4,
};

enum class DtypeKind : uint8_t { kInvalid, kFloat, kSigned, kUnsigned, kBool, kBlock };

struct DtypeInfo {
  Dtype dtype;
  std::string_view name;  // "F32", "Q4_K"
  DtypeKind kind;
  int block_elements;  // 1 for plain dtypes
  int block_bytes;     // bytes per block_elements elements
};

// Facts of a dtype; the row of kInvalid (zero sizes) for a number that is none.
const DtypeInfo& dtype_info(Dtype dtype);
// Every valid dtype in ascending number; count through `count`.
const DtypeInfo* all_dtypes(int* count);
std::optional<Dtype> dtype_from_name(std::string_view name);

inline std::string_view dtype_name(Dtype dtype) { return dtype_info(dtype).name; }
inline bool is_block(Dtype dtype) { return dtype_info(dtype).kind == DtypeKind::kBlock; }
inline bool is_float(Dtype dtype) { return dtype_info(dtype).kind == DtypeKind::kFloat; }
inline bool is_integer(Dtype dtype) {
  const DtypeKind kind = dtype_info(dtype).kind;
  return kind == DtypeKind::kSigned || kind == DtypeKind::kUnsigned;
}

// Bytes of `elements` consecutive elements; for block dtypes `elements` is a multiple of the block.
inline int64_t dtype_bytes(Dtype dtype, int64_t elements) {
  const DtypeInfo& info = dtype_info(dtype);
  return elements / info.block_elements * info.block_bytes;
}

}  // namespace isthmus
