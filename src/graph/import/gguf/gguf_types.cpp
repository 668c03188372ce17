// SPDX-License-Identifier: Apache-2.0
#include "graph/import/gguf/gguf_types.h"

#include <fmt/format.h>

namespace isthmus {
namespace {

struct TypeRow {
  std::string_view name;
  uint64_t size_bytes;
};
constexpr TypeRow kTypes[kGgufTypeCount] = {
    {"u8", 1},   {"i8", 1},     {"u16", 2},   {"i16", 2}, {"u32", 4}, {"i32", 4}, {"f32", 4},
    {"bool", 1}, {"string", 0}, {"array", 0}, {"u64", 8}, {"i64", 8}, {"f64", 8},
};

struct TensorTypeRow {
  uint32_t number;
  std::string_view name;
  Dtype dtype = Dtype::kInvalid;  // kInvalid: part of the format, not supported here
};
constexpr TensorTypeRow kTensorTypes[] = {
    {0, "F32", Dtype::kF32},
    {1, "F16", Dtype::kF16},
    {2, "Q4_0", Dtype::kQ4_0},
    {3, "Q4_1", Dtype::kQ4_1},
    {6, "Q5_0", Dtype::kQ5_0},
    {7, "Q5_1", Dtype::kQ5_1},
    {8, "Q8_0", Dtype::kQ8_0},
    {9, "Q8_1"},
    {10, "Q2_K", Dtype::kQ2_K},
    {11, "Q3_K", Dtype::kQ3_K},
    {12, "Q4_K", Dtype::kQ4_K},
    {13, "Q5_K", Dtype::kQ5_K},
    {14, "Q6_K", Dtype::kQ6_K},
    {15, "Q8_K"},
    {16, "IQ2_XXS"},
    {17, "IQ2_XS"},
    {18, "IQ3_XXS"},
    {19, "IQ1_S"},
    {20, "IQ4_NL", Dtype::kIQ4_NL},
    {21, "IQ3_S"},
    {22, "IQ2_S"},
    {23, "IQ4_XS"},
    {24, "I8", Dtype::kI8},
    {25, "I16", Dtype::kI16},
    {26, "I32", Dtype::kI32},
    {27, "I64", Dtype::kI64},
    {28, "F64", Dtype::kF64},
    {29, "IQ1_M"},
    {30, "BF16", Dtype::kBF16},
    {34, "TQ1_0"},
    {35, "TQ2_0"},
    {39, "MXFP4", Dtype::kMXFP4},
    {40, "NVFP4"},
};

}  // namespace

std::string_view gguf_type_name(GgufType type) {
  const auto number = static_cast<uint32_t>(type);
  return number < kGgufTypeCount ? kTypes[number].name : "unknown";
}

uint64_t gguf_type_bytes(GgufType type) {
  const auto number = static_cast<uint32_t>(type);
  return number < kGgufTypeCount ? kTypes[number].size_bytes : 0;
}

std::optional<Dtype> dtype_from_gguf(uint32_t tensor_type) {
  for (const TensorTypeRow& row : kTensorTypes)
    if (row.number == tensor_type && row.dtype != Dtype::kInvalid) return row.dtype;
  return std::nullopt;
}

std::optional<uint32_t> dtype_to_gguf(Dtype dtype) {
  for (const TensorTypeRow& row : kTensorTypes)
    if (row.dtype == dtype && dtype != Dtype::kInvalid) return row.number;
  return std::nullopt;
}

std::string describe_gguf_tensor_type(uint32_t tensor_type) {
  for (const TensorTypeRow& row : kTensorTypes)
    if (row.number == tensor_type) return fmt::format("{} ({})", row.name, tensor_type);
  return fmt::format("number {}", tensor_type);
}

std::string supported_gguf_tensor_types() {
  std::string out;
  for (const TensorTypeRow& row : kTensorTypes) {
    if (row.dtype == Dtype::kInvalid) continue;
    if (!out.empty()) out += ", ";
    out += row.name;
  }
  return out;
}

}  // namespace isthmus
