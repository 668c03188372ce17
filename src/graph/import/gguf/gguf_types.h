// SPDX-License-Identifier: Apache-2.0
// Numbers the GGUF format gives to metadata types and tensor types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/dtype.h"

namespace isthmus {

inline constexpr uint32_t kGgufDefaultAlignment = 32;
inline constexpr int kGgufMaxRank = 4;

// Types of metadata values, by their numbers in the file.
enum class GgufType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};
inline constexpr uint32_t kGgufTypeCount = 13;

// "u32", "string", …; "unknown" for a number that is none.
std::string_view gguf_type_name(GgufType type);
// Bytes of one number or bool; 0 for strings, arrays and unknown types, which have no fixed size.
uint64_t gguf_type_bytes(GgufType type);

// Tensor types. Nothing for a number Isthmus has no dtype for.
std::optional<Dtype> dtype_from_gguf(uint32_t tensor_type);
// The number of a dtype in GGUF; nothing for dtypes the format lacks (unsigned integers, BOOL).
std::optional<uint32_t> dtype_to_gguf(Dtype dtype);
// "IQ2_XS (17)" for a type of the format that Isthmus lacks, "number 99" for one it does not know of.
std::string describe_gguf_tensor_type(uint32_t tensor_type);
// "F32, F16, Q4_0, …": what dtype_from_gguf accepts.
std::string supported_gguf_tensor_types();

}  // namespace isthmus
