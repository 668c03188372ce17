// SPDX-License-Identifier: Apache-2.0
#include "graph/import/gguf/gguf_file.h"

#include <algorithm>
#include <type_traits>

#include "graph/import/gguf/gguf_parser.h"

namespace isthmus {
namespace {

template <typename T>
struct TypeName;
template <>
struct TypeName<int32_t> {
  static constexpr std::string_view kName = "i32";
};
template <>
struct TypeName<uint32_t> {
  static constexpr std::string_view kName = "u32";
};
template <>
struct TypeName<int64_t> {
  static constexpr std::string_view kName = "i64";
};
template <>
struct TypeName<uint64_t> {
  static constexpr std::string_view kName = "u64";
};
template <>
struct TypeName<float> {
  static constexpr std::string_view kName = "f32";
};
template <>
struct TypeName<double> {
  static constexpr std::string_view kName = "f64";
};
template <>
struct TypeName<bool> {
  static constexpr std::string_view kName = "bool";
};
template <>
struct TypeName<std::string_view> {
  static constexpr std::string_view kName = "string";
};

template <typename T>
struct Expected {
  static std::string name() { return std::string(TypeName<T>::kName); }
};
template <typename T>
struct Expected<std::vector<T>> {
  static std::string name() { return fmt::format("array of {}", TypeName<T>::kName); }
};

// The entry whose name is `name`, through indices sorted by name.
template <typename Row, typename Name>
const Row* find_sorted(const std::vector<Row>& rows, const std::vector<uint32_t>& order,
                       std::string_view name, Name Row::* field) {
  const auto at =
      std::lower_bound(order.begin(), order.end(), name,
                       [&](uint32_t index, std::string_view key) { return rows[index].*field < key; });
  return at != order.end() && rows[*at].*field == name ? &rows[*at] : nullptr;
}

}  // namespace

Result<GgufFile> GgufFile::open(const std::string& path) {
  ASSIGN_OR_RETURN(MappedFile mapping, MappedFile::open(path));
  ASSIGN_OR_RETURN(GgufFile file, open_memory(mapping.bytes(), path));
  file.mapping_ = std::move(mapping);  // the mapped bytes stay where they are
  return file;
}

Result<GgufFile> GgufFile::open_memory(std::span<const std::byte> bytes, std::string name) {
  GgufFile file;
  file.path_ = std::move(name);
  file.bytes_ = bytes;
  RETURN_IF_ERROR(GgufParser(&file).parse(), "{}", file.path_);
  return file;
}

const GgufEntry* GgufFile::find(std::string_view key) const {
  return find_sorted(metadata_, metadata_by_key_, key, &GgufEntry::key);
}

const GgufTensor* GgufFile::find_tensor(std::string_view name) const {
  return find_sorted(tensors_, tensors_by_name_, name, &GgufTensor::name);
}

Result<const GgufTensor*> GgufFile::tensor(std::string_view name) const {
  const GgufTensor* found = find_tensor(name);
  if (found == nullptr)
    return error(Code::kNotFound, "{}: there is no tensor {} among its {}", path_, quote_gguf_text(name),
                 tensors_.size());
  return found;
}

template <typename T>
Result<T> GgufFile::get(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr)
    return error(Code::kNotFound, "{}: metadata key {} is missing; expected {}", path_, quote_gguf_text(key),
                 Expected<T>::name());
  std::optional<T> value = entry->value.as<T>();
  if (!value)
    return invalid_argument("{}: metadata key {} at byte {}: expected {}, found {} {}", path_,
                            quote_gguf_text(key), entry->offset, Expected<T>::name(),
                            entry->value.type_name(), entry->value.to_short_string());
  return *std::move(value);
}

template Result<int32_t> GgufFile::get(std::string_view) const;
template Result<uint32_t> GgufFile::get(std::string_view) const;
template Result<int64_t> GgufFile::get(std::string_view) const;
template Result<uint64_t> GgufFile::get(std::string_view) const;
template Result<float> GgufFile::get(std::string_view) const;
template Result<double> GgufFile::get(std::string_view) const;
template Result<bool> GgufFile::get(std::string_view) const;
template Result<std::string_view> GgufFile::get(std::string_view) const;
template Result<std::vector<int32_t>> GgufFile::get(std::string_view) const;
template Result<std::vector<uint32_t>> GgufFile::get(std::string_view) const;
template Result<std::vector<int64_t>> GgufFile::get(std::string_view) const;
template Result<std::vector<uint64_t>> GgufFile::get(std::string_view) const;
template Result<std::vector<float>> GgufFile::get(std::string_view) const;
template Result<std::vector<double>> GgufFile::get(std::string_view) const;
template Result<std::vector<bool>> GgufFile::get(std::string_view) const;
template Result<std::vector<std::string_view>> GgufFile::get(std::string_view) const;

}  // namespace isthmus
