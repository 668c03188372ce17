// SPDX-License-Identifier: Apache-2.0
#include "base/dtype.h"

namespace isthmus {
namespace {

using enum DtypeKind;
constexpr DtypeInfo kInvalidInfo = {Dtype::kInvalid, "invalid", DtypeKind::kInvalid, 1, 0};
constexpr DtypeInfo kInfos[] = {
    {Dtype::kF32, "F32", kFloat, 1, 4},
    {Dtype::kF16, "F16", kFloat, 1, 2},
    {Dtype::kBF16, "BF16", kFloat, 1, 2},
    {Dtype::kF64, "F64", kFloat, 1, 8},
    {Dtype::kI8, "I8", kSigned, 1, 1},
    {Dtype::kI16, "I16", kSigned, 1, 2},
    {Dtype::kI32, "I32", kSigned, 1, 4},
    {Dtype::kI64, "I64", kSigned, 1, 8},
    {Dtype::kU8, "U8", kUnsigned, 1, 1},
    {Dtype::kU16, "U16", kUnsigned, 1, 2},
    {Dtype::kU32, "U32", kUnsigned, 1, 4},
    {Dtype::kU64, "U64", kUnsigned, 1, 8},
    {Dtype::kBool, "BOOL", DtypeKind::kBool, 1, 1},
    {Dtype::kQ4_0, "Q4_0", kBlock, 32, 18},
    {Dtype::kQ4_1, "Q4_1", kBlock, 32, 20},
    {Dtype::kQ5_0, "Q5_0", kBlock, 32, 22},
    {Dtype::kQ5_1, "Q5_1", kBlock, 32, 24},
    {Dtype::kQ8_0, "Q8_0", kBlock, 32, 34},
    {Dtype::kQ2_K, "Q2_K", kBlock, 256, 84},
    {Dtype::kQ3_K, "Q3_K", kBlock, 256, 110},
    {Dtype::kQ4_K, "Q4_K", kBlock, 256, 144},
    {Dtype::kQ5_K, "Q5_K", kBlock, 256, 176},
    {Dtype::kQ6_K, "Q6_K", kBlock, 256, 210},
    {Dtype::kIQ4_NL, "IQ4_NL", kBlock, 32, 18},
    {Dtype::kMXFP4, "MXFP4", kBlock, 32, 17},
};

}  // namespace

const DtypeInfo& dtype_info(Dtype dtype) {
  for (const DtypeInfo& info : kInfos)
    if (info.dtype == dtype) return info;
  return kInvalidInfo;
}

const DtypeInfo* all_dtypes(int* count) {
  *count = static_cast<int>(sizeof(kInfos) / sizeof(kInfos[0]));
  return kInfos;
}

std::optional<Dtype> dtype_from_name(std::string_view name) {
  for (const DtypeInfo& info : kInfos)
    if (info.name == name) return info.dtype;
  return std::nullopt;
}

}  // namespace isthmus
