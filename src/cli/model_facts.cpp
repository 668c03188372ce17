// SPDX-License-Identifier: Apache-2.0
#include "cli/model_facts.h"

#include <algorithm>
#include <map>

namespace isthmus::cli {
namespace {

template <typename T>
Json typed_json(const GgufValue& value) {
  if (value.is_array()) {
    if (const auto list = value.as<std::vector<T>>()) return *list;
  } else if (const auto number = value.as<T>()) {
    return *number;
  }
  return value.to_short_string();
}

}  // namespace

std::vector<DtypeTotal> totals_by_dtype(std::span<const GgufTensor> tensors) {
  std::map<Dtype, DtypeTotal> totals;
  for (const GgufTensor& tensor : tensors) {
    DtypeTotal& total = totals[tensor.dtype];
    total.dtype = tensor.dtype;
    ++total.tensors;
    total.elements += static_cast<uint64_t>(tensor.elements);
    total.bytes += static_cast<uint64_t>(tensor.size_bytes);
  }
  std::vector<DtypeTotal> list;
  for (const auto& [dtype, total] : totals) list.push_back(total);
  std::stable_sort(list.begin(), list.end(),
                   [](const DtypeTotal& a, const DtypeTotal& b) { return a.bytes > b.bytes; });
  return list;
}

Json metadata_json(const GgufValue& value) {
  switch (value.is_array() ? value.element_type : value.type) {
    case GgufType::kU8:
    case GgufType::kU16:
    case GgufType::kU32:
    case GgufType::kU64: return typed_json<uint64_t>(value);
    case GgufType::kI8:
    case GgufType::kI16:
    case GgufType::kI32:
    case GgufType::kI64: return typed_json<int64_t>(value);
    case GgufType::kF32: return typed_json<float>(value);
    case GgufType::kF64: return typed_json<double>(value);
    case GgufType::kBool: return typed_json<bool>(value);
    case GgufType::kString: return typed_json<std::string_view>(value);
    case GgufType::kArray: break;
  }
  return value.to_short_string();
}

std::string dims_text(std::span<const int64_t> dims) {
  std::string text = "[";
  for (const int64_t dim : dims) text += fmt::format("{}{}", text.size() > 1 ? ", " : "", dim);
  return text + "]";
}

}  // namespace isthmus::cli
